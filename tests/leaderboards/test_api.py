"""Boards for programs, and boards as files."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from apps.catalog.models import DatasetVersion
from apps.leaderboards.exports import cell, next_items_csv
from apps.leaderboards.models import Board
from apps.teams.models import Role, User
from tests.leaderboards.conftest import RunJobs

ApiOf = Callable[..., APIClient]


def test_a_program_makes_a_board_and_reads_its_result(
    version: DatasetVersion, eddie: User, api_of: ApiOf, run_jobs: RunJobs
) -> None:
    api = api_of(eddie)
    made = api.post(
        "/api/v1/boards/", {"dataset": version.dataset.slug, "name": "Strict", "delta": 0}
    )
    assert made.status_code == 201
    address = f"/api/v1/boards/{made.json()['slug']}/"
    assert api.get(f"{address}result/").status_code == 404
    run_jobs()
    assert api.get(f"{address}result/").json()["ranking"]["chosen"] == "ada"
    assert len(api.get(f"{address}next-items/").json()["items"]) == 20
    assert api.get(address).json()["summary"]["chosen"] == "ada"
    assert api.post(f"{address}refresh/").status_code == 202
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


def test_boards_are_found_by_their_dataset(board: Board, vic: User, api_of: ApiOf) -> None:
    api = api_of(vic)
    slug = board.version.dataset.slug
    assert api.get(f"/api/v1/boards/?dataset={slug}").json()["count"] == 1
    assert api.get("/api/v1/boards/?dataset=other").json()["count"] == 0


def test_a_strangers_and_a_viewers_token_do_not_reach(
    board: Board, version: DatasetVersion, eddie: User, charlie: User, api_of: ApiOf
) -> None:
    address = f"/api/v1/boards/{board.slug}/"
    asked = {"dataset": version.dataset.slug, "name": "Mine"}
    stranger, narrow = api_of(charlie), api_of(eddie, Role.VIEWER)
    assert stranger.get(address).status_code == 404
    assert stranger.post("/api/v1/boards/", asked).status_code == 400
    assert narrow.get(address).status_code == 200
    assert narrow.post("/api/v1/boards/", asked).status_code == 403
    assert narrow.delete(address).status_code == 403


@pytest.mark.parametrize("field", ["team", "slug", "seed"])
def test_what_a_program_may_not_set_is_not_set(
    board: Board, eddie: User, api_of: ApiOf, field: str
) -> None:
    before = Board.objects.values().get(pk=board.pk)
    api_of(eddie).patch(f"/api/v1/boards/{board.slug}/", {field: "7"})
    assert Board.objects.values().get(pk=board.pk) == before


def test_a_value_that_is_unknown_is_an_empty_cell() -> None:
    assert [cell(value) for value in (None, True, False, 0.5)] == ["", "yes", "no", "0.5"]


def test_the_list_to_fill_in_tells_how_its_items_were_chosen() -> None:
    listed = {"method": "MODEL SELECTOR", "items": [{"index": 0, "id": "a,b"}]}
    assert next_items_csv({"next": listed}).splitlines()[1] == '"a,b",,MODEL SELECTOR'


def test_models_are_compared_and_their_items_listed(board: Board, vic: User, api_of: ApiOf) -> None:
    api, address = api_of(vic), f"/api/v1/boards/{board.slug}/compare/"
    said = api.get(f"{address}?models=ada,cyd").json()
    assert said["verdict"]["sentence"].startswith("`ada` is better than `cyd`")
    assert said["pairs"][0]["only_a"] == 38
    assert said["prices"] == {"ada": 0.012, "cyd": None}
    found = api.get(f"{address}items/?models=ada,cyd&is=right:ada&page=2").json()
    assert (found["total"], found["pages"], len(found["items"])) == (38, 2, 13)
    assert found["items"][0]["answers"]["ada"] == {"said": "dog", "right": True, "stated": None}


@pytest.mark.parametrize("query", ["models=ada", "models=ada,nobody", "against=last"])
def test_what_cannot_be_compared_is_refused(
    board: Board, vic: User, api_of: ApiOf, query: str
) -> None:
    assert api_of(vic).get(f"/api/v1/boards/{board.slug}/compare/?{query}").status_code == 400


def test_a_strangers_token_compares_nothing(board: Board, charlie: User, api_of: ApiOf) -> None:
    for address in ("compare/", "compare/items/"):
        assert api_of(charlie).get(f"/api/v1/boards/{board.slug}/{address}").status_code == 404


def test_programs_read_who_beats_whom_the_history_and_what_another_price_changes(
    board: Board, vic: User, charlie: User, api_of: ApiOf
) -> None:
    api, address = api_of(vic), f"/api/v1/boards/{board.slug}/"
    matrix = api.get(f"{address}pairs/?model=ada&model=cyd").json()
    assert (matrix["models"], matrix["wins"]) == (["ada", "cyd"], [[0, 38], [0, 0]])
    answers = api.get(f"{address}history/").json()["answers"]
    assert answers[0]["current"]
    assert answers[-1]["change"] == "The first answer kept."
    asked = api.get(f"{address}what-if/?model=bea&price=0.5").json()
    assert (asked["recommended"], asked["would_be"]) == ("ada", "ada")
    both = api.get(f"{address}what-if/?model=bea&price=0.5&model=ada&price=0").json()
    assert {one["model"]: one["price"] for one in both["options"]}["ada"] == 0
    assert api.get(f"{address}what-if/?model=bea&model=ada&price=1").status_code == 400
    assert api.get(f"{address}what-if/?model=bea&price=1&model=bea&price=2").status_code == 400
    assert api.get(f"{address}what-if/?model=nobody&price=1").status_code == 400
    assert api.get(f"{address}what-if/?model=bea&price=-1").status_code == 400
    for path in ("pairs/", "history/", "what-if/?model=bea&price=1"):
        assert api_of(charlie).get(address + path).status_code == 404
