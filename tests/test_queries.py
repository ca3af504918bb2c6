"""How many queries each page makes, held against a committed file.

A page that needs more on purpose: `make query-counts`, and say why in the commit.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.jobs.models import Job
from apps.teams.models import Team, User
from tests.routes import all_routes, build_world

FILE = Path(__file__).with_name("query_counts.json")
MOST = 25  # no page of a small team needs more
# Asks every table that names a person, so each new table would change it.
NOT_COUNTED = {"account_data"}


def counted(
    client: Client, team: Team, owner: User, run_jobs: Callable[[], list[Job]]
) -> dict[str, int]:
    """Queries of a GET by route name, for every page and API route that answers with content."""
    world = build_world(team, owner, run_jobs)
    counts = {}
    for route in all_routes():
        if route.is_admin or route.pattern.startswith("accounts/") or route.name in NOT_COUNTED:
            continue
        address = world.fill(route)
        if client.get(address).status_code != 200:  # also fills the caches of the process
            continue
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        counts[route.name] = len(queries)
    return counts


def test_every_page_makes_as_many_queries_as_was_written_down(
    team: Team,
    alice: User,
    client_of: Callable[[User], Client],
    run_jobs: Callable[[], list[Job]],
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the counts are written down for SQLite; other databases differ by a query")
    counts = counted(client_of(alice), team, alice, run_jobs)
    if os.environ.get("ASSAY_WRITE_QUERY_COUNTS"):
        FILE.write_text(json.dumps(counts, indent=2, sort_keys=True) + "\n")
        pytest.skip(f"wrote {len(counts)} counts to {FILE.name}")
    written = json.loads(FILE.read_text())
    changed = {
        name: f"{written.get(name, 'nothing')} written down, {counts.get(name, 'no page')} now"
        for name in sorted(counts.keys() | written.keys())
        if counts.get(name) != written.get(name)
    }
    assert not changed, "\n".join(f"{name}: {what}" for name, what in changed.items())


def test_no_page_is_written_down_with_many_queries() -> None:
    written = json.loads(FILE.read_text())
    assert not {name: count for name, count in written.items() if count > MOST}
    assert written["board_detail"] <= 12
