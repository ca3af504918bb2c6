"""A board narrowed to a slice or a class: the same numbers over these items alone, wherever it is shown."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.catalog import queries as catalog
from apps.catalog.services import create_dataset
from apps.catalog.store import Items
from apps.leaderboards import parts
from apps.leaderboards.models import Board
from apps.leaderboards.pairs import against
from apps.leaderboards.parts import Part, shown
from apps.leaderboards.queries import result_of
from apps.leaderboards.statistics.board import rank_candidates
from apps.sharing.services import create_link
from apps.teams.models import Team, User
from tests.leaderboards.conftest import ITEMS, Bring, labels, truth, wrong

NORTH = Part("site:north")


def site(item: int) -> str:
    return "north" if item < 30 else "south" if item < 56 else "far: east"


@pytest.fixture
def board(team: Team, eddie: User, bring: Bring) -> Board:
    """`dan` is wrong on 12 items of the north, `eve` on 13 of the south; 58 of 60 items are labelled."""
    items = Items([f"i{n}" for n in range(ITEMS)], slices={"site": [site(n) for n in range(ITEMS)]})
    version = create_dataset(user=eddie, team=team, name="Pets", items=items)
    rows = ["item_id,dan,eve"]
    for item in range(ITEMS):
        dan = wrong(item) if item < 12 or item > 57 else truth(item)
        eve = wrong(item) if 30 <= item < 43 else truth(item)
        rows.append(f"i{item},{dan},{eve}")
    bring("\n".join(rows), version=version)
    bring(labels(range(58)), "labels", version=version)
    found: Board = Board.objects.select_related("version__dataset", "current", "team").get()
    return found


@pytest.fixture
def get(board: Board, client_of: Callable[[User], Client], vic: User) -> Callable[..., str]:
    client = client_of(vic)

    def page(path: str = "", status: int = 200) -> str:
        response = client.get(f"/boards/{board.slug}{path}")
        assert response.status_code == status
        return response.content.decode()

    return page


def verdict_in(html: str) -> str:
    return html.split('class="verdict">')[1].split("</p>")[0]


def ranking_of(board: Board, part: Part) -> dict[str, Any]:
    assert board.current is not None
    found: dict[str, Any] = shown(board.current, part)["ranking"]
    return found


def test_each_site_has_a_best_model_of_its_own(get: Callable[..., str]) -> None:
    assert "may be as good" in verdict_in(get("/"))
    north = verdict_in(get("/?slice=site:north"))
    assert north.startswith("On <code>site: north</code>, use <code>eve</code>")
    assert "use <code>dan</code>" in verdict_in(get("/?slice=site:south"))


@pytest.mark.parametrize("part", [NORTH, Part(label="cat"), Part("site:south", "dog")])
def test_the_numbers_are_those_of_a_board_of_these_items(board: Board, part: Part) -> None:
    table = catalog.predictions_of(board.version)
    known = catalog.labels_of(board.version, table.class_names).labels
    wanted = [
        item
        for item in range(ITEMS)
        if known[item] >= 0
        and part.slice in ("", f"site:{site(item)}")
        and part.label in ("", truth(item))
    ]
    alone = rank_candidates(
        table.subset(items=wanted), known[wanted], resamples=parts.RESAMPLES, delta=board.delta
    ).as_dict()
    assert ranking_of(board, part) == alone


def test_differences_from_a_pinned_model_are_of_the_part(board: Board) -> None:
    assert board.current is not None
    found = against(board.current, "eve", alpha=board.alpha, part=NORTH)
    assert found is not None
    row = next(row for row in ranking_of(board, NORTH)["rows"] if row["model"] == "dan")
    for key in ("difference", "difference_low", "difference_high", "p_adjusted"):
        assert found["dan"][key] == pytest.approx(row[key])


def test_who_beats_whom_counts_the_items_of_the_part(get: Callable[..., str]) -> None:
    assert "decide between no two" in verdict_in(get("/pairs/"))
    html = get("/pairs/?slice=site:north")
    assert "decide between every two" in verdict_in(html)
    assert "slice=site%3Anorth" in html.split("<tbody>")[1]
    assert "no labelled item" in verdict_in(get("/pairs/?slice=site:west"))


def test_what_if_asks_of_the_part(get: Callable[..., str]) -> None:
    html = get("/what-if/?slice=site:north&model=dan&price=0&calls=5")
    assert "the recommendation stays: <code>eve</code>" in verdict_in(html)
    assert "?slice=site%3Anorth&amp;calls=5" in html  # where the price is taken back
    assert 'name="slice" value="site:north"' in html
    assert "no labelled item" in verdict_in(get("/what-if/?slice=site:west"))


def test_the_part_stays_in_every_address_of_the_page(
    get: Callable[..., str], client_of: Callable[[User], Client], eddie: User, board: Board
) -> None:
    html = get("/?slice=site:north&class=cat")
    asked = "slice=site%3Anorth&amp;class=cat"
    for form in ("json", "csv", "tex"):
        assert f"/boards/{board.slug}.{form}?{asked}" in html
    assert f'href="/boards/{board.slug}/?{asked}&amp;sort=' in html
    assert f"/pairs/?{asked}" in html
    assert "/compare/?slice=site%3Anorth&amp;label=cat" in html
    for name, value in (("slice", "site:north"), ("class", "cat"), ("label", "cat")):
        assert f'name="{name}" value="{value}"' in html
    assert f'href="/boards/{board.slug}/">Show the whole board' in html
    editor = client_of(eddie).get(f"/boards/{board.slug}/?slice=site:north").content.decode()
    assert "/links/?slice=site%3Anorth" in editor


def test_the_choices_tell_how_many_labels_each_has(get: Callable[..., str]) -> None:
    choices = get("/?slice=site:north").split('class="parts"')[1].split("</details>")[0]
    texts = " ".join(choices.split())
    assert 'aria-current="true">north</a> <small>30</small>' in texts
    assert "slice=site%3Afar%3A+east" in choices
    assert "slice=site%3Anorth&amp;class=dog" in choices


def test_its_files_hold_the_part(get: Callable[..., str]) -> None:
    rows = list(csv.DictReader(io.StringIO(get(".csv?slice=site:north"))))
    assert [(row["model"], row["correct"], row["answered"]) for row in rows] == [
        ("eve", "30", "30"), ("dan", "18", "30"),
    ]  # fmt: skip
    tex = get(".tex?slice=site:north")
    assert "30 labelled items of Pets" in tex
    assert "certificate" in get(".json")
    assert '"slice": ["site", "north"]' in get(".json?slice=site:north")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("slice=site:far:%20east", "There are only two labelled items of <code>site: far: east"),
        ("slice=site:north&class=bird", "This board has no class <code>bird</code>"),
        ("slice=site:west", "This board has no labelled item of <code>site: west</code>"),
        ("slice=planet:mars", "This board has no slice <code>planet:mars</code>"),
        ("slice=%3Cb%3E%60x", "This board has no slice <code>&lt;b&gt;&#x27;x</code>"),
        ("slice=" + "x" * 5000, "This board has no slice"),
        ("class=%00", "may be as good"),
    ],
)
def test_a_part_that_says_nothing_is_one_sentence(
    get: Callable[..., str], query: str, sentence: str
) -> None:
    assert sentence in verdict_in(get(f"/?{query}"))


def test_a_part_without_numbers_has_no_table_and_nothing_to_draw(get: Callable[..., str]) -> None:
    html = get("/?slice=site:west")
    assert "<table" not in html.split("<main")[1]
    assert "Show the whole board" in html
    assert len(list(csv.reader(io.StringIO(get(".csv?slice=site:west"))))) == 1
    get(".svg?slice=site:west", status=404)
    get("/chart.svg?slice=site:west", status=404)


def test_numbers_of_an_earlier_version_ask_to_be_computed_again(
    get: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_KEPT_SINCE", 1_000)
    assert "compute the board again" in verdict_in(get("/?slice=site:north"))
    assert 'class="parts"' not in get("/")


def test_a_link_made_from_a_part_opens_so_and_a_frozen_one_stays(
    board: Board, bring: Bring, eddie: User, client_of: Callable[[User], Client]
) -> None:
    made = client_of(eddie).post(
        f"/boards/{board.slug}/links/new/?slice=site:north", {"days": 3, "shows": "frozen"}
    )
    address = made.content.decode().split('<code id="address">')[1].split("</code>")[0]
    assert address.endswith("/?slice=site%3Anorth")
    path = "/" + address.split("/", 3)[3]
    before = Client().get(path).content.decode()
    assert "On <code>site: north</code>, use <code>eve</code>" in verdict_in(before)
    assert board.slug not in before
    bring(
        "item_id,fay\n" + "\n".join(f"i{n},{truth(n)}" for n in range(ITEMS)), version=board.version
    )
    assert "fay" in client_of(eddie).get(f"/boards/{board.slug}/").content.decode()
    assert verdict_in(Client().get(path).content.decode()) == verdict_in(before)


def test_the_preview_of_a_link_is_of_the_part(version: Any, eddie: User) -> None:
    _, token = create_link(user=eddie, board=Board.objects.get(version=version))
    html = Client().get(f"/s/{token}/?class=cat").content.decode()
    assert f"/s/{token}.png?class=cat" in html
    assert "On class cat, use ada" in html.split('og:description" content="')[1].split('"')[0]
    svg = Client().get(f"/s/{token}.svg?class=cat")
    assert svg.status_code == 200


def test_programs_read_a_part(
    board: Board, vic: User, charlie: User, api_of: Callable[..., APIClient]
) -> None:
    api, address = api_of(vic), f"/api/v1/boards/{board.slug}/"
    told = api.get(f"{address}result/?slice=site:north").json()
    assert (told["ranking"]["chosen"], told["labels"], told["items"]) == ("eve", 30, 30)
    assert api.get(f"{address}result/?class=cat").json()["items"] is None
    small = api.get(f"{address}result/?slice=site:far: east").json()
    assert (small["ranking"], small["labels"], small["items"]) == (None, 2, 4)
    wins = api.get(f"{address}pairs/?slice=site:north").json()["wins"]
    assert sorted(map(sum, wins)) == [0, 12]
    for path in ("result/?slice=site:west", "pairs/?class=bird", "result/?slice=nothing"):
        refused = api.get(address + path)
        assert refused.status_code == 400
        assert refused["Content-Type"] == "application/problem+json"
        assert refused.json()["detail"].startswith("This board has no")
    assert api_of(charlie).get(f"{address}result/?class=cat").status_code == 404


def test_the_whole_board_is_as_before(board: Board) -> None:
    assert board.current is not None
    assert shown(board.current, Part()) is result_of(board.current)
