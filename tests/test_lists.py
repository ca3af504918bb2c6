"""Every list of the API can be searched, cut by time and ordered; what is not understood is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from apps.jobs.models import Job
from apps.teams.models import Team, User
from tests.routes import MARK, build_world

SHARED = {"search", "created_after", "created_before", "ordering"}
UNSEARCHED = {"/api/v1/label-batches/"}  # they have no name
UNLISTED = {"/api/v1/workers/"}  # of nobody's making, and few
PAST, FUTURE = "1990-01-01T00:00:00Z", "2999-01-01"
FAR_OFFSET = "2999-01-01T00:00:00+18:30"  # more than PostgreSQL takes


def lists() -> dict[str, dict[str, dict[str, Any]]]:
    """The filters of each list that has pages: schemas by name, by address."""
    paths = SchemaGenerator().get_schema(public=True)["paths"]  # type: ignore[no-untyped-call]
    found = {}
    for path, methods in paths.items():
        named = {one["name"]: one["schema"] for one in methods.get("get", {}).get("parameters", ())}
        if "page_size" in named and "{" not in path and path not in UNLISTED:
            found[path] = {name: schema for name, schema in named.items() if "page" not in name}
    return found


LISTS = lists()


def test_every_list_says_what_it_can_be_asked() -> None:
    assert len(LISTS) > 15
    for path, filters in LISTS.items():
        wanted = SHARED - {"search"} if path in UNSEARCHED else SHARED
        assert wanted <= filters.keys(), path
        assert "created_at" in filters["ordering"]["enum"]


@pytest.fixture
def api(
    team: Team, alice: User, run_jobs: Callable[[], list[Job]], api_of: Callable[..., APIClient]
) -> APIClient:
    build_world(team, alice, run_jobs)
    return api_of(alice)


def test_lists_are_narrowed_and_ordered(api: APIClient) -> None:
    problems, marked = [], []
    for path, filters in LISTS.items():

        def ask(path: str = path, **asked: str) -> dict[str, Any]:
            response = api.get(path, {"page_size": "500", **asked})
            assert response.status_code == 200, (path, asked, response.content)
            answer: dict[str, Any] = response.json()
            return answer

        whole = ask()["count"]
        counts = {
            "made before the past": (ask(created_before=PAST)["count"], 0),
            "made after the past": (ask(created_after=PAST)["count"], whole),
            "made after the future": (ask(created_after=FUTURE)["count"], 0),
            "made before the future": (ask(created_before=FUTURE)["count"], whole),
            "made before another offset's": (ask(created_before=FAR_OFFSET)["count"], whole),
        }
        if "search" in filters:
            counts["named so"] = (ask(search="no such name %_")["count"], 0)
            marked += [path] if ask(search=MARK.upper())["count"] else []
        counts |= {
            f"ordered by {order}": (len(ask(ordering=order)["results"]), whole)
            for order in filters["ordering"]["enum"]
        }
        problems += [
            f"{path}: {what}: {got} {want}" for what, (got, want) in counts.items() if got != want
        ]
        times = [
            row["created_at"]
            for row in ask(ordering="-created_at")["results"]
            if "created_at" in row
        ]
        if times != sorted(times, reverse=True):
            problems.append(f"{path}: not in the order asked for")
    assert not problems, "\n".join(problems)
    for name in (
        "models",
        "datasets",
        "versions",
        "uploads",
        "boards",
        "selections",
        "routers",
        "jobs",
        "share-links",
        "evaluations",
        "replays",
        "runs",
    ):
        assert f"/api/v1/{name}/" in marked


def test_what_a_list_does_not_understand_is_refused_in_a_sentence(api: APIClient) -> None:
    wrong: dict[str, list[str]] = {
        "search": ["", "a" * 201, "\x00"],
        "created_after": ["", "soon", "2026-13-01", "0001-01-01T00:00:00+14:00", "99999-01-01"],
        "created_before": ["yesterday", "2026-11-28T09:30:00 01:00"],
        "ordering": ["", "team__name", "-", "created_at,name", "?"],
    }
    problems = []
    for path, filters in LISTS.items():
        asked = [
            (name, value) for name, values in wrong.items() for value in values if name in filters
        ]
        asked += [
            (name, value)
            for name, schema in filters.items()
            if "enum" in schema or schema["type"] == "boolean" or schema.get("format") == "uuid"
            for value in ("", "zirconia")
        ]
        for name, value in asked:
            response = api.get(path, {name: value})
            problem = response.json() if response.status_code == 400 else {}
            if not problem.get("errors", {}).get(name) or not problem["detail"].endswith("."):
                problems.append(f"{path}?{name}={value[:20]}: {response.status_code} {problem}")
            elif response["Content-Type"] != "application/problem+json":
                problems.append(f"{path}: {response['Content-Type']}")
    assert not problems, "\n".join(problems)


def test_an_object_is_found_whatever_a_list_would_be_asked(api: APIClient) -> None:
    board = api.get("/api/v1/boards/").json()["results"][0]
    assert api.get(f"/api/v1/boards/{board['slug']}/?search=nothing").status_code == 200
