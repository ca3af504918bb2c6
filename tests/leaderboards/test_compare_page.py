"""Comparing models of a board: the verdict first, then tests, items side by side, slices, confusions."""

import csv
import io
import json
import re
from collections.abc import Callable

import pytest
from django.test import Client

from apps.catalog.models import DatasetVersion
from apps.catalog.services import create_dataset
from apps.catalog.store import Items
from apps.leaderboards.models import Board
from apps.teams.models import Team, User
from tests.leaderboards.conftest import Bring

ClientOf = Callable[[User], Client]


def items_in(html: str) -> list[str]:
    """Ids of the items side by side, in their order."""
    if 'class="data beside"' not in html:
        return []
    table = html.split('class="data beside"')[1].split("</table>")[0]
    return re.findall(r'<th scope="row">\s*(?:<img[^>]*>)?\s*([^<\s]+)', table)


@pytest.fixture
def get(board: Board, client_of: ClientOf, vic: User) -> Callable[..., str]:
    client = client_of(vic)

    def page(query: str = "") -> str:
        response = client.get(f"/boards/{board.slug}/compare/{query}")
        assert response.status_code == 200
        return response.content.decode()

    return page


def test_it_says_first_which_model_is_better_and_how_sure_that_is(get: Callable[..., str]) -> None:
    html = get("?models=ada,cyd")
    assert html.index('class="verdict"') < html.index("<table")
    verdict = html.split('class="verdict">')[1].split("</p>")[0]
    assert "<code>ada</code> is better than <code>cyd</code>: +95.0 points" in verdict
    assert "p &lt; 0.001" in verdict


def test_it_says_that_models_are_not_told_apart_and_what_would_do_so(
    get: Callable[..., str],
) -> None:
    html = get("?models=ada,bea")
    assert "These labels do not tell <code>ada</code> and <code>bea</code> apart" in html
    assert "more random labels would tell" in html
    assert "<code>bea</code> comes at a twelfth of the price of <code>ada</code>" in html


def test_without_a_choice_the_two_that_lead_are_compared(get: Callable[..., str]) -> None:
    assert "<code>ada</code> and <code>bea</code> apart" in get()


@pytest.mark.parametrize("query", ["?model=ada&model=cyd", "?models=ada,cyd", "?models=cyd,ada"])
def test_models_are_named_with_commas_or_one_by_one(get: Callable[..., str], query: str) -> None:
    assert "<code>ada</code> is better than <code>cyd</code>" in get(query)


def test_too_few_too_many_and_unknown_models_are_told_and_a_choice_is_offered(
    get: Callable[..., str],
) -> None:
    assert "One model is chosen" in get("?models=ada")
    html = get("?models=ada,nobody")
    assert "has no predictions of <code>nobody</code>" in html
    assert 'name="model"' in html


def test_the_items_are_those_on_which_the_answers_differ_labelled_or_not(
    get: Callable[..., str],
) -> None:
    # ada is wrong on 2 items and cyd on 40, of which the first 40 are labelled.
    assert items_in(get("?models=ada,bea")) == ["i2"]
    html = get("?models=ada,cyd")
    assert "38 items on which the answers differ" in html
    assert len(items_in(html)) == 25
    assert items_in(get("?models=ada,cyd&page=2"))[-1] == "i39"


def test_filters_by_answer_label_and_state(get: Callable[..., str]) -> None:
    only_cyd_wrong = get("?models=ada,cyd&is=right:ada&is=wrong:cyd&label=cat")
    assert items_in(only_cyd_wrong)[:2] == ["i2", "i4"]
    assert "19 items on which the answers differ and the filters fit" in only_cyd_wrong
    assert items_in(get("?models=ada,cyd&is=wrong:ada&is=wrong:cyd&show=all")) == ["i0", "i1"]
    assert "20 items" in get("?models=ada,cyd&labelled=no&show=all")
    assert items_in(get("?models=ada,cyd&show=all&by=ada&said=dog&label=cat")) == ["i0"]


def test_a_search_finds_ids_in_any_case_and_goes_on_where_it_stopped(
    get: Callable[..., str],
) -> None:
    assert items_in(get("?models=ada,cyd&q=I39")) == ["i39"]
    html = get("?models=ada,cyd&q=i")
    assert len(items_in(html)) == 25
    following = re.findall(r'href="([^"#]*from=[^"#]*)', html)[0].replace("&amp;", "&")
    assert items_in(get(following.split("/compare/")[1]))[0] == "i27"


def test_each_count_of_a_pair_leads_to_as_many_items(get: Callable[..., str]) -> None:
    html = get("?models=ada,cyd")
    counts = re.findall(r'<a href="[^"]*/compare/([^"#]*)#items">([\d,]+)<span', html)
    assert [number for _, number in counts] == ["0", "38", "0", "2"]
    for query, number in counts:
        page = get(query.replace("&amp;", "&"))
        assert f"{number} items and" in page or f"{number} items that" in page


def test_against_the_first_alone_there_are_fewer_tests(get: Callable[..., str]) -> None:
    assert "bea − cyd" in get("?models=ada,bea,cyd")
    html = get("?models=ada,bea,cyd&against=first")
    assert "bea − cyd" not in html
    assert "ada − cyd" in html


@pytest.mark.parametrize(
    "query",
    [
        "?models=ada,cyd&page=999999999999",
        "?models=ada,cyd&page=-1&from=x",
        "?models=ada,cyd&is=never:ada&is=right:nobody&label=cow&by=ada&slice=x:y&q=%00",
        "?models=%00,,,",
    ],
)
def test_what_an_address_says_wrongly_is_left_out(get: Callable[..., str], query: str) -> None:
    assert 'class="verdict"' in get(query)


def test_a_models_name_is_text(bring: Bring, eddie: User, client_of: ClientOf) -> None:
    rows = ['item_id,"<b>x</b>,y",z', "1,a,b", "2,a,a"]
    version = bring("\n".join(rows), dataset_name="Marked up")
    board = Board.objects.get(version=version)
    response = client_of(eddie).get(f"/boards/{board.slug}/compare/")
    html = response.content.decode()
    assert "<b>x</b>" not in html
    assert "model=%3Cb%3Ex%3C%2Fb%3E%2Cy" in html


def test_slices_show_the_difference_in_each(
    team: Team, eddie: User, bring: Bring, client_of: ClientOf
) -> None:
    ids = [f"i{n}" for n in range(40)]
    items = Items(
        ids=ids,
        texts=[f"Text {one}" for one in ids],
        slices={"site": ["north" if n < 20 else "south" for n in range(40)]},
    )
    made = create_dataset(user=eddie, team=team, name="Sited", items=items)
    lines = ["item_id,a,b", *(f"i{n},x,{'x' if n < 20 else 'y'}" for n in range(40))]
    bring("\n".join(lines), version=made)
    bring("\n".join(["item_id,label", *(f"i{n},x" for n in range(40))]), "labels", version=made)
    version = DatasetVersion.objects.get(pk=made.pk)
    board = Board.objects.get(version=version)
    html = client_of(eddie).get(f"/boards/{board.slug}/compare/?models=a,b").content.decode()
    section = html.split('id="slices-title"')[1].split("</section>")[0]
    south = section.split("site: south")[1]
    assert "−100.0" in south
    assert "differs" in south
    assert "differs" not in section.split("site: south")[0]
    found = client_of(eddie).get(
        f"/boards/{board.slug}/compare/?models=a,b&slice=site:north&show=all"
    )
    assert len(items_in(found.content.decode())) == 20
    assert "Text i0" in found.content.decode()


def test_the_board_leads_to_it(board: Board, client_of: ClientOf, vic: User) -> None:
    html = client_of(vic).get(f"/boards/{board.slug}/").content.decode()
    assert f'action="/boards/{board.slug}/compare/"' in html
    assert html.count('form="board-compare"') == 3


def test_it_leaves_as_five_files_that_say_what_the_page_says(
    get: Callable[..., str], board: Board, client_of: ClientOf, vic: User, charlie: User
) -> None:
    html = get("?models=ada,cyd")
    client = client_of(vic)
    base = f"/boards/{board.slug}/compare"

    def twin(form: str, query: str = "?models=ada,cyd") -> bytes:
        assert f'href="{base}.{form}?models=ada,cyd"' in html
        response = client.get(f"{base}.{form}{query}")
        assert response.status_code == 200
        return bytes(response.content)

    document = json.loads(twin("json"))
    assert document["models"] == ["ada", "cyd"]
    rows = list(csv.DictReader(io.StringIO(twin("csv").decode("utf-8-sig"))))
    assert len(rows) == 1
    assert (rows[0]["a"], rows[0]["b"]) == ("ada", "cyd")
    assert float(rows[0]["difference"]) == document["pairs"][0]["difference"]
    assert "ada against cyd" in twin("tex").decode()
    assert b"cyd" in twin("svg")
    assert twin("png").startswith(b"\x89PNG")
    assert client.get(f"{base}.csv?models=ada,nobody").status_code == 404
    assert client_of(charlie).get(f"{base}.csv?models=ada,cyd").status_code == 404
