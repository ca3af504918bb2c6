"""Fixtures of this room's tests."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection, connections

from apps.jobs import stopping


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The queues that were woken, instead of messages to a broker; and no worker is stopping."""
    queues: list[str] = []
    monkeypatch.setattr("apps.jobs.services.wake", queues.append)
    yield queues
    stopping.forget()


@pytest.fixture
def many_connections(transactional_db: None, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Call it when the people are made: threads then share a database as processes do.

    SQLite's database in memory locks whole tables between threads, so they get a file made from it.
    What they did is to be read by a thread too.
    """

    def share() -> None:
        if connection.vendor == "sqlite":
            path = tmp_path / "shared.sqlite3"
            connection.cursor().execute("VACUUM INTO %s", [str(path)])
            # Before anybody else is there, as `migrate` does it: the change of mode waits for nobody.
            with closing(sqlite3.connect(path)) as made:
                made.execute("PRAGMA journal_mode=WAL")
            connections.settings["default"]["NAME"] = str(path)

    before = connections.settings["default"]["NAME"]
    yield share
    connections.settings["default"]["NAME"] = before
