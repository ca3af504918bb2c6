"""Follows the jobs of a trial, and judges them at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, connection

from apps.jobs.models import FINAL, Attempt, Job, Outcome, State
from apps.jobs.selftest import undisturbed
from apps.teams.models import AuditEntry

STUCK_SECONDS = 60.0
_PATIENCE_SECONDS = 90.0

T = TypeVar("T")


def patiently(ask: Callable[[], T]) -> T:
    """What `ask` returns, however often the database is away while it asks."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except (DatabaseError, InterfaceError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


class Watch:
    """`expected`: the parameters of each job by its id. `longest`: the longest time in which nothing
    happened to any job although all servers were there."""

    def __init__(self) -> None:
        self.expected: dict[str, dict[str, Any]] = {}
        self.stuck: set[str] = set()
        self.longest = 0.0
        self._seen: dict[str, tuple[Any, float]] = {}

    def forgive(self) -> None:
        """A server is away: the wait begins anew when it is back."""
        now = time.monotonic()
        self._seen = {pk: (signs, now) for pk, (signs, _) in self._seen.items()}

    def live(self) -> int:
        """How many jobs have not ended; notices when nothing has happened to any for a minute."""
        rows = patiently(
            lambda: list(
                Job.objects.exclude(state__in=FINAL).values_list(
                    "pk", "state", "fence", "done", "attempts"
                )
            )
        )
        now = time.monotonic()
        live = {str(pk): signs for pk, *signs in rows}
        self._seen = {
            pk: self._seen[pk] if pk in self._seen and self._seen[pk][0] == signs else (signs, now)
            for pk, signs in live.items()
        }
        # A job that waits its turn is not stuck while others go on.
        since = [since for _, since in self._seen.values()]
        if since:
            self.longest = max(self.longest, now - max(since))
            if now - max(since) > STUCK_SECONDS:
                self.stuck = set(live)
        return len(live)

    def verdict(self) -> dict[str, Any]:
        """Counts of what must not be, over all jobs."""
        jobs = {str(job.pk): job for job in Job.objects.all()}
        steps: Counter[str] = Counter()
        ends: Counter[str] = Counter()
        doubled = 0
        marks = AuditEntry.objects.filter(action__startswith="jobs.selftest.")
        seen: set[tuple[str, str, int]] = set()
        for pk, action, details in marks.values_list("object_id", "action", "details"):
            mark = (pk, action, details["number"])
            doubled += mark in seen
            seen.add(mark)
            (ends if action.endswith("end") else steps)[pk] += 1
        lost = differing = 0
        for pk, params in self.expected.items():
            job = jobs.get(pk)
            if job is None or job.state != State.SUCCEEDED or ends[pk] == 0:
                lost += pk not in self.stuck
                continue
            successes = job.log.filter(outcome=Outcome.SUCCEEDED).count()
            doubled += successes != 1 or ends[pk] != 1
            differing += job.result != {"sums": undisturbed(params)}
            differing += steps[pk] != params["steps"]
        doubled += len(set(jobs) - set(self.expected))
        return {
            "jobs": len(self.expected),
            "lost": lost,
            "doubled": doubled,
            "stuck": len(self.stuck),
            "differing": differing,
            "silence": round(self.longest, 1),
            "leases_lost": Attempt.objects.filter(outcome=Outcome.LOST).count(),
            "retried": Attempt.objects.filter(outcome=Outcome.FAILED).count(),
        }
