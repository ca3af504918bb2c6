"""What a board offers beside its ranks: who beats whom, a pinned baseline, other metrics."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client

from apps.leaderboards.models import Board, Snapshot
from apps.leaderboards.pages.history import history
from apps.leaderboards.pages.timeline import Timeline
from apps.leaderboards.pairs import against, win_matrix
from apps.leaderboards.queries import result_of
from apps.leaderboards.whatif import options, with_prices
from apps.leaderboards.words import recommended
from apps.teams.models import User
from tests.leaderboards.conftest import Bring, labels, truth

ClientOf = Callable[[User], Client]


@pytest.fixture
def get(board: Board, client_of: ClientOf, vic: User) -> Callable[..., str]:
    client = client_of(vic)

    def page(path: str = "") -> str:
        response = client.get(f"/boards/{board.slug}/{path}")
        assert response.status_code == 200
        return response.content.decode()

    return page


def test_who_beats_whom_says_how_many_pairs_are_decided(get: Callable[..., str]) -> None:
    html = get("pairs/")
    verdict = html.split('class="verdict">')[1].split("</p>")[0]
    # ada and bea are each better than cyd; between the two of them the labels do not decide.
    assert "decide two pairs of 3" in verdict
    words = re.findall(r"(\d+)%<small>(\w+)", html)
    assert words == [
        ("100", "open"), ("100", "better"), ("0", "open"), ("100", "better"), ("0", "worse"),
        ("0", "worse"),
    ]  # fmt: skip
    assert get("pairs/?model=ada&model=cyd").count("<small>") == 2


def test_a_board_of_before_the_counts_were_kept_says_what_to_do(
    get: Callable[..., str], board: Board
) -> None:
    Snapshot.objects.update(pairs_blob="")
    assert "Nothing is kept yet" in get("pairs/")
    assert "Against the chosen" in get("?base=bea&col=difference")


def test_differences_are_told_from_the_model_that_is_pinned(get: Callable[..., str]) -> None:
    html = get("?base=cyd")
    assert "Against cyd" in html
    assert "+95.0" in html
    assert html.count(">better</span>") == 2
    assert "Against the chosen" in get("?base=nobody&col=difference")


def test_a_pinned_baseline_agrees_with_the_board_about_the_chosen_model(board: Board) -> None:
    assert board.current is not None
    result = result_of(board.current)
    found = against(board.current, "ada", alpha=result["ranking"]["alpha"])
    assert found is not None
    for row in result["ranking"]["rows"]:
        if row["model"] != "ada":
            for key in ("difference", "difference_low", "difference_high"):
                assert found[row["model"]][key] == pytest.approx(row[key])
            assert found[row["model"]]["p_adjusted"] == pytest.approx(row["p_adjusted"])
    matrix = win_matrix(board.current, ["cyd", "ada"])
    assert matrix is not None
    assert matrix["wins"] == [[0, 0], [38, 0]]


def test_other_metrics_are_columns(get: Callable[..., str]) -> None:
    html = get("?col=macro_f1&col=worst&col=p_frontier&col=per_right&col=class:0&sort=-macro_f1")
    assert "Macro-F1" in html
    assert "Recall: cat" in html
    ada = html.split('<th scope="row">ada')[1].split("</tr>")[0]
    assert "95.0% (" in ada or "95% (" in ada
    assert ada.count("unknown") == 0
    cyd = html.split('<th scope="row">cyd')[1].split("</tr>")[0]
    assert cyd.count(">unknown<") == 2  # no price: neither a frontier nor a cost of right answers


def test_another_price_says_whether_the_recommendation_flips(get: Callable[..., str]) -> None:
    assert "the board recommends <code>ada</code>" in get("what-if/")
    html = get("what-if/?model=ada&price=2&per=1000&calls=1000000")
    assert "the recommendation stays" in html
    assert "$2,000" in html


def test_several_prices_are_asked_about_at_once_and_each_is_taken_back(
    get: Callable[..., str],
) -> None:
    html = get("what-if/?model=ada&price=2&model=bea&price=0&per=1000&calls=7")
    verdict = html.split('class="verdict">')[1].split("</p>")[0]
    assert "<code>ada</code> at $2.00 per 1,000 calls and <code>bea</code> at $0" in verdict
    assert html.count(">at a price asked about<") == 1  # bea is too far behind for any price
    back = re.findall(r'href="([^"]*)">Take it back', html)
    assert [address.split("?")[1].replace("&amp;", "&") for address in back] == [
        "model=bea&price=0&per=1000&calls=7",
        "model=ada&price=2&per=1000&calls=7",
    ]
    assert html.count('name="price"') == 3  # one row more, for another


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("model=ada&price=dear", "<code>dear</code> is no price of <code>ada</code>"),
        ("model=ada&price=-1", "<code>-1</code> is no price"),
        ("model=ada&price=nan", "<code>nan</code> is no price"),
        ("model=ada&price=1e99", "<code>1e99</code> is no price"),
        ("model=%3Cb%3E%60&price=1", "no model <code>&lt;b&gt;&#x27;</code>"),
        ("model=&price=3", "<code>3</code> is of no model"),
        ("price=3", "<code>3</code> is of no model"),
        ("model=ada&price=1&model=ada&price=2", "two prices of <code>ada</code>"),
        ("model=ada&price=1&calls=many", "<code>many</code> is no number of calls"),
        ("&".join(["model=ada&price=1"] * 300), "two prices of <code>ada</code>"),
        ("model=ada&price=%00&calls=%00", "the board recommends <code>ada</code>"),
        ("model=ada&price=1&per=3", "<code>ada</code> at $1.00 a call"),
    ],
)
def test_a_price_that_is_none_is_told_in_one_sentence(
    get: Callable[..., str], asked: str, sentence: str
) -> None:
    html = get(f"what-if/?{asked}")
    assert sentence in html.split('class="verdict">')[1].split("</p>")[0]


def result_with(**changes: Any) -> dict[str, Any]:
    """Three models, `b` a point behind `a` and surely within two points, at half its price."""
    rows = [
        {"model": name, "accuracy": accuracy, "answered": 5000, "compared": True, "price": price,
         "p_within_delta": near, "p_best": best, "p": 0.5, "on_frontier": True}
        for name, accuracy, price, near, best in (
            ("a", 0.9, 2.0, 1.0, 0.8), ("b", 0.89, 1.0, 0.99, 0.2), ("c", 0.885, 1.5, 0.6, 0.0))
    ]  # fmt: skip
    ranking = {
        "chosen": "a", "cheapest_within_delta": "b", "delta": 0.02, "alpha": 0.05, "rows": rows,
    }  # fmt: skip
    return {"ranking": ranking, "all_agree": False, **changes}


def test_the_price_decides_between_models_that_are_surely_near() -> None:
    result = result_with()
    assert recommended(result) == "b"
    dearer = with_prices(result, {"b": 1.6})
    # c is now the cheapest that is near in the sample, but not surely so.
    assert (dearer["ranking"]["cheapest_within_delta"], recommended(dearer)) == ("c", "a")
    assert recommended(with_prices(result, {"b": 1.49})) == "b"
    assert [(one.model, one.sure, one.below) for one in options(result)] == [
        ("b", True, 1.5),
        ("c", False, None),
        ("a", True, None),
    ]
    assert result["ranking"]["rows"][1]["price"] == 1.0  # what was asked changes nothing


def test_the_history_says_what_was_new_with_each_answer(
    get: Callable[..., str], board: Board, bring: Bring
) -> None:
    bring(labels(range(40, 50)), "labels", version=board.version)
    bring("item_id,dan\n" + "\n".join(f"i{n},cat" for n in range(60)), version=board.version)
    html = get("history/")
    rows = html.split("<tbody>")[1].split("<tr ")
    assert "stands" in rows[1]
    assert "<code>dan</code> joined." in rows[1]
    assert "10 more labels." in rows[2]
    assert "The first answer kept." in rows[-1]


def test_the_history_draws_the_lead_and_each_dot_leads_to_its_row(
    get: Callable[..., str], board: Board, bring: Bring
) -> None:
    bring("item_id,<b>\n" + "\n".join(f"i{n},{truth(n)}" for n in range(60)), version=board.version)
    html = get("history/")
    drawing = html.split('<svg class="timeline"')[1].split("</svg>")[0]
    numbers = re.findall(r'href="#answer-(\d+)"', drawing)
    assert [f'id="answer-{number}"' in html for number in numbers] == [True] * len(numbers)
    assert "&lt;b&gt; 100.0% (91.2–100.0%), 4 models, 40 labels" in drawing
    assert drawing.count('class="change"') == 1
    row = html.split('id="answer-1"')[1].split("</tr>")[0]
    assert "&lt;b&gt;" in row
    assert "91.2–100.0%" in row


def test_of_many_answers_only_so_many_are_links_as_a_finger_can_tell_apart(board: Board) -> None:
    one = history(board)[0]
    svg = str(Timeline([replace(one, number=number) for number in range(1, 101)]).svg)
    assert svg.count("<circle") == 100
    linked = re.findall(r'href="#answer-(\d+)"', svg)
    assert (len(linked), linked[-1]) == (20, "1")
    assert not Timeline([one])


def test_the_history_is_files_too(get: Callable[..., str], board: Board, bring: Bring) -> None:
    bring(labels(range(40, 50)), "labels", version=board.version)
    rows = list(csv.DictReader(io.StringIO(get("history.csv").replace("\r", ""))))
    assert (rows[0]["chosen"], rows[0]["labels"], rows[0]["current"]) == ("ada", "50", "yes")
    assert float(rows[0]["low"]) < float(rows[0]["accuracy"]) < float(rows[0]["high"])
    assert json.loads(get("history.json"))["answers"][0]["chosen"] == "ada"
    assert "10 more labels." in get("history.tex")
    ElementTree.fromstring(get("history.svg"))  # noqa: S314 - ours


def test_answers_of_before_the_lead_was_noted_are_read_from_their_numbers(
    get: Callable[..., str], board: Board
) -> None:
    for snapshot in Snapshot.objects.all():
        for name in ("accuracy", "low", "high"):
            del snapshot.summary[name]
        snapshot.save()
    assert ">95.0%<" in get("history/")
