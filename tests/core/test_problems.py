"""The API refuses in one form, does a keyed POST once, and says how many requests are left."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.leaderboards.models import Board
from apps.sharing.models import ShareLink
from apps.teams.idempotency import KEPT
from apps.teams.models import ApiToken, KeyedRequest, Team, User
from apps.teams.services import create_team
from tests.leaderboards.conftest import board, bring, version

__all__ = ["board", "bring", "version"]

ApiOf = Callable[[User], APIClient]
LINKS = "/api/v1/share-links/"
KEY: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": "one"}


def is_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(answer.content)
    assert body["status"] == status
    assert body.keys() >= {"type", "title", "detail"}
    assert isinstance(body["detail"], str)
    return body


@pytest.fixture(autouse=True)
def _forget_counts() -> None:
    cache.clear()


def test_every_refusal_is_a_problem(board: Board, eddie: User, vic: User, api_of: ApiOf) -> None:
    api = api_of(eddie)
    is_problem(APIClient().get("/api/v1/boards/"), 401)
    is_problem(api.get("/api/v1/boards/nothing/"), 404)
    is_problem(api.get("/api/v1/nothing/"), 404)
    is_problem(api.put("/api/v1/boards/"), 405)
    is_problem(api.post(LINKS, "x", content_type="text/plain"), 415)
    is_problem(api.post(LINKS, "{", content_type="application/json"), 400)
    is_problem(api_of(vic).post(LINKS, {"board": board.slug}), 403)
    is_problem(api.get("/api/v1/boards/?page=999"), 404)


def test_what_cannot_be_taken_is_told_by_field(board: Board, eddie: User, api_of: ApiOf) -> None:
    body = is_problem(api_of(eddie).post(LINKS, {"board": board.slug, "days": 0}), 400)
    assert list(body["errors"]) == ["days"]
    assert body["detail"] == body["errors"]["days"][0]


def test_a_post_with_a_key_is_done_once_and_answered_twice(
    board: Board, eddie: User, api_of: ApiOf
) -> None:
    api, asked = api_of(eddie), {"board": board.slug, "note": "once"}
    first, second = (api.post(LINKS, asked, **KEY) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second["Idempotency-Replayed"] == "true"
    assert second["Content-Type"] == first["Content-Type"]
    assert ShareLink.objects.count() == 1
    api.post(LINKS, asked, HTTP_IDEMPOTENCY_KEY="two")
    assert ShareLink.objects.count() == 2


def test_a_key_for_another_request_is_refused(board: Board, eddie: User, api_of: ApiOf) -> None:
    api = api_of(eddie)
    api.post(LINKS, {"board": board.slug}, **KEY)
    is_problem(api.post(LINKS, {"board": board.slug, "days": 3}, **KEY), 422)
    is_problem(api.post("/api/v1/boards/", {"board": board.slug}, **KEY), 422)
    assert ShareLink.objects.count() == 1


def test_a_request_that_was_refused_frees_its_key(board: Board, eddie: User, api_of: ApiOf) -> None:
    api = api_of(eddie)
    assert api.post(LINKS, {"board": "nothing"}, **KEY).status_code == 400
    assert api.post(LINKS, {"board": board.slug}, **KEY).status_code == 201


def test_a_request_that_has_not_ended_is_not_begun_again(
    board: Board, eddie: User, api_of: ApiOf
) -> None:
    api = api_of(eddie)
    api.post(LINKS, {"board": board.slug}, **KEY)
    KeyedRequest.objects.update(answer="")
    is_problem(api.post(LINKS, {"board": board.slug}, **KEY), 409)
    assert ShareLink.objects.count() == 1


def test_a_key_belongs_to_its_token_and_ends_with_it(
    board: Board, eddie: User, alice: User, api_of: ApiOf
) -> None:
    api = api_of(eddie)
    api.post(LINKS, {"board": board.slug}, **KEY)
    assert "Idempotency-Replayed" not in api_of(alice).post(LINKS, {"board": board.slug}, **KEY)
    ApiToken.objects.update(revoked_at=timezone.now())
    is_problem(api.post(LINKS, {"board": board.slug}, **KEY), 401)


def test_a_key_is_free_after_a_day(board: Board, eddie: User, api_of: ApiOf) -> None:
    api = api_of(eddie)
    api.post(LINKS, {"board": board.slug}, **KEY)
    KeyedRequest.objects.update(created_at=timezone.now() - KEPT - timedelta(seconds=1))
    assert "Idempotency-Replayed" not in api.post(LINKS, {"board": board.slug, "days": 3}, **KEY)
    assert KeyedRequest.objects.count() == 1


def test_what_is_shown_once_is_kept_sealed(board: Board, eddie: User, api_of: ApiOf) -> None:
    url = api_of(eddie).post(LINKS, {"board": board.slug}, **KEY).json()["url"]
    assert url.split("/s/")[1].strip("/") not in str(list(KeyedRequest.objects.values()))


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "ä", "a b"])
def test_a_key_is_short_and_plain(board: Board, eddie: User, api_of: ApiOf, key: str) -> None:
    answer = api_of(eddie).post(LINKS, {"board": board.slug}, HTTP_IDEMPOTENCY_KEY=key)
    is_problem(answer, 400)


def test_pages_and_reads_know_nothing_of_keys(
    board: Board, eddie: User, client_of: Callable[[User], Client], api_of: ApiOf
) -> None:
    client_of(eddie).post(f"/boards/{board.slug}/refresh/", **KEY)
    api_of(eddie).get("/api/v1/boards/", **KEY)
    assert not KeyedRequest.objects.exists()


def test_requests_are_counted_by_token_and_minute(
    team: Team, eddie: User, vic: User, api_of: ApiOf, settings: Any
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    api = api_of(eddie)
    left = [api.get("/api/v1/boards/")["RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    refused = api.get("/api/v1/boards/")
    is_problem(refused, 429)
    assert refused["RateLimit-Limit"] == "3"
    assert 0 < int(refused["Retry-After"]) <= 60
    assert api_of(vic).get("/api/v1/boards/").status_code == 200
    settings.API_REQUESTS_PER_MINUTE = 0
    assert "RateLimit-Limit" not in api.get("/api/v1/boards/")


def test_the_same_key_in_another_team_is_not_answered_with_the_first_teams_object(
    eddie: User, team: Team, client_of: Callable[[User], Client]
) -> None:
    client = client_of(eddie)
    asked = {"name": "Mine", "kind": "causal-lm", "location": "a/b"}
    address, other = "/api/v1/model-sources/", create_team(user=eddie, name="Another")
    sent: dict[str, Any] = {"data": asked, "content_type": "application/json", **KEY}
    assert client.post(address, **sent).json()["team"] == str(team.pk)
    client.post("/teams/switch/", {"team": str(other.pk)})
    is_problem(client.post(address, **sent), 422)
