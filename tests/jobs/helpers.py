"""Kinds of jobs and shortcuts that the tests of this room share."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from apps.jobs import leases, presence, registry, services
from apps.jobs.context import JobContext
from apps.jobs.models import Job, Worker
from apps.teams.models import Team

KINDS = ["jobs.selftest", "test.kind"]


@contextmanager
def handling(function: Callable[[JobContext], None], kind: str = "test.kind") -> Iterator[None]:
    """Let `function` do the jobs of `kind` while the block lasts."""
    registry._handlers[kind] = function
    try:
        yield
    finally:
        del registry._handlers[kind]


def enqueue(team: Team, kind: str = "jobs.selftest", **changes: Any) -> Job:
    values: dict[str, Any] = {
        "user": None,
        "team": team,
        "kind": kind,
        "title": "A job",
        "params": {"seed": 1, "steps": 3, "pause": 0},
    }
    return services.enqueue(**(values | changes))


def worker(name: str = "host:1:1", queues: Sequence[str] = ("default",)) -> Worker:
    return Worker.objects.update_or_create(
        name=name, defaults={"seen_at": Now(), "queues": list(queues), "kinds": KINDS}
    )[0]


def leased(team: Team, by: str = "host:1:1", **changes: Any) -> Job:
    """A job that runs under a lease of the worker called `by`."""
    enqueue(team, **changes)
    job = leases.lease(worker(by), ["default"], KINDS)
    assert job is not None
    return job


def let_the_lease_end(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(leased_until=Now() - timedelta(seconds=1))


def fall_silent(name: str = "host:1:1") -> None:
    gone = Now() - timedelta(seconds=presence.SEEN_SECONDS + 5)
    Worker.objects.filter(name=name).update(seen_at=gone)
