"""Several boards together: a column a dataset, a mean over them, and what is missing says so."""

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.leaderboards.models import Board
from apps.teams.models import User
from tests.leaderboards.conftest import Bring, labels, predictions

ClientOf = Callable[[User], Client]
ApiOf = Callable[..., APIClient]


@pytest.fixture
def other(board: Board, bring: Bring) -> Board:
    """A second dataset, with the models ada and bea, and one that the first does not have."""
    made = bring(predictions({"ada": 20, "bea": 2, "dan": 5}), dataset_name="Farm")
    bring(labels(range(40)), "labels", version=made)
    return Board.objects.get(version=made)


def test_the_mean_counts_each_dataset_once_and_missing_models_have_none(
    board: Board, other: Board, client_of: ClientOf, vic: User
) -> None:
    html = (
        client_of(vic)
        .get(f"/boards/together/?board={board.slug}&board={other.slug}")
        .content.decode()
    )
    verdict = html.split('class="verdict">')[1].split("</p>")[0]
    # bea: 37 and 38 of 40 right; ada: 38 and 20.
    assert "<code>bea</code> has the highest mean accuracy over two datasets, 93.8%" in verdict
    assert "Two models are missing on a dataset" in html
    cyd = html.split("cyd")[1].split("</tr>")[0]
    assert ">missing</span>" in cyd
    assert "missing on 1" in cyd


def test_one_dataset_is_not_counted_twice_and_one_board_is_not_several(
    board: Board, client_of: ClientOf, vic: User
) -> None:
    twin = Board.objects.create(
        team=board.team, version=board.version, name="Twin", slug="twin", current=board.current
    )
    client = client_of(vic)
    address = f"/boards/together/?board={board.slug}"
    assert "would count twice" in client.get(f"{address}&board={twin.slug}").content.decode()
    for query in (address, f"{address}&board=nothing&board=%00", "/boards/together/"):
        assert "Choose 2 to 12 boards" in client.get(query).content.decode()


def test_programs_read_the_same_and_strangers_nothing(
    board: Board, other: Board, vic: User, charlie: User, api_of: ApiOf
) -> None:
    address = f"/api/v1/boards/together/?board={board.slug}&board={other.slug}"
    first = api_of(vic).get(address).json()["models"][0]
    assert (first["model"], first["rank_low"]) == ("bea", 1)
    assert first["mean"] == pytest.approx((37 / 40 + 38 / 40) / 2)
    assert api_of(charlie).get(address).status_code == 400
    assert api_of(vic).get(f"/api/v1/boards/together/?board={board.slug}").status_code == 400
