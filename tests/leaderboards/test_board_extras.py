"""What a board offers beside its ranks: who beats whom, a pinned baseline, other metrics."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from apps.leaderboards.models import Board, Snapshot
from apps.leaderboards.pairs import against, win_matrix
from apps.leaderboards.queries import result_of
from apps.teams.models import User

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
