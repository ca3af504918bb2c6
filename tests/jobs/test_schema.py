"""While versions change, a worker that does not fit the tables leaves jobs to those that do."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from apps.jobs import leases, presence, queries, runner, schema, stopping
from apps.jobs.context import JobContext
from apps.jobs.health import worker as health
from apps.jobs.housekeeping import Housekeeping
from apps.jobs.models import Outcome, State
from apps.teams.models import Team
from tests.jobs.helpers import enqueue, handling


@pytest.fixture
def recorder(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[MigrationRecorder]:
    for module in ("housekeeping", "runner"):
        monkeypatch.setattr(f"apps.jobs.{module}.wake", lambda queue: None)
    yield MigrationRecorder(connection)
    stopping.forget()


def test_the_migrations_of_this_version_fit(recorder: MigrationRecorder) -> None:
    assert schema.difference() == ""


def test_a_worker_older_than_the_database_takes_nothing_and_says_why(
    team: Team, recorder: MigrationRecorder
) -> None:
    job = enqueue(team)
    recorder.record_applied("jobs", "9999_from_the_future")
    Housekeeping(["default"], parent=None).round()
    assert runner.run_next() is None
    assert "takes no jobs. The database is newer than this worker" in queries.waiting_reason(job)
    assert "jobs.9999_from_the_future" in presence.alive().get().holds_back
    assert health() == (False, "no worker of this version")
    recorder.record_unapplied("jobs", "9999_from_the_future")
    Housekeeping(["default"], parent=None).round()
    assert runner.run_next() == job


def test_a_worker_newer_than_the_database_waits_for_migrate(
    team: Team, recorder: MigrationRecorder
) -> None:
    enqueue(team)
    recorder.record_unapplied(
        "catalog", sorted(n for a, n in schema.known()[0] if a == "catalog")[-1]
    )
    assert "Run `manage.py migrate`" in schema.difference()
    assert runner.run_next() is None


def test_migrations_of_other_packages_are_none_of_its_business(recorder: MigrationRecorder) -> None:
    recorder.record_applied("auth", "9999_from_the_future")
    assert schema.difference() == ""


def test_a_job_under_way_is_given_back_when_the_database_moves_on(
    team: Team, recorder: MigrationRecorder
) -> None:
    def work(ctx: JobContext) -> None:
        ctx.checkpoint({"at": 7})
        recorder.record_applied("jobs", "9999_from_the_future")
        Housekeeping(["default"], parent=None).round()
        ctx.raise_if_stopped()

    with handling(work):
        enqueue(team, "test.kind")
        job = runner.run_next()
    assert job is not None
    assert (job.state, job.attempts, job.checkpoint) == (State.QUEUED, 0, {"at": 7})
    attempt = job.log.get()
    assert attempt.outcome == Outcome.RETURNED
    assert "newer than this worker" in attempt.reason
    assert leases.STOPPED not in attempt.reason
