"""Pages of API lists: what is no page is refused, not guessed."""

from typing import Any

import pytest

from apps.teams.models import User


@pytest.mark.parametrize(
    "page", ["", "0", "-1", "last", "1.5", "x", "2", "1000000000000", "9" * 40]
)
def test_a_page_that_is_not_there_is_not_found(alice: User, api_of: Any, page: str) -> None:
    response = api_of(alice).get("/api/v1/teams/", {"page": page})
    assert response.status_code == 404
    assert response.json()["detail"]


@pytest.mark.parametrize("size", ["", "0", "-1", "501", "x", "1e2", "9" * 40])
def test_a_page_size_out_of_range_is_refused(alice: User, api_of: Any, size: str) -> None:
    response = api_of(alice).get("/api/v1/teams/", {"page_size": size})
    assert response.status_code == 400
    assert response.json()["errors"] == {"page_size": ["A page has 1 to 500 entries."]}


def test_a_page_has_as_many_entries_as_asked_for(
    alice: User, vic: User, anna: User, api_of: Any
) -> None:
    first = api_of(alice).get("/api/v1/members/", {"page_size": 2}).json()
    assert (first["count"], len(first["results"])) == (3, 2)
    second = api_of(alice).get("/api/v1/members/", {"page_size": 2, "page": 2}).json()
    assert len(second["results"]) == 1


def test_an_address_below_the_api_that_does_not_exist_answers_in_json(
    alice: User, api_of: Any
) -> None:
    response = api_of(alice).get("/api/v1/nothing/")
    assert response.status_code == 404
    assert response.json()["detail"] == "There is nothing at this address."
