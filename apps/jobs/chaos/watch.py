"""Follows the jobs of a trial, and judges them at the end."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import DatabaseError, InterfaceError, connection

from apps.jobs.models import FINAL, Attempt, Job, Outcome
from apps.teams.models import Team

if TYPE_CHECKING:
    from apps.jobs.chaos.crew import Crew

STUCK_SECONDS = 60.0
MANY_ATTEMPTS = 30_000  # each kill is one
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


class Watch(ABC):
    """Keeps jobs of one sort coming, follows them, and judges them at the end.

    Attributes:
        seconds_between_kills: on average. counts: what was done to them beside what the crew counts.
        met: what else they met with, by a word for it.
        stuck: the jobs to which nothing happened for a minute. longest: the longest time in which nothing
            happened to any job although all servers were there.
    """

    seconds_between_kills = 0.4

    def __init__(self, team: Team, folder: Path, rng: Random) -> None:
        self.counts: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        self.stuck: set[str] = set()
        self.longest = 0.0
        self._team, self._folder, self._rng = team, folder, rng
        self._seen: dict[str, tuple[Any, float]] = {}

    @abstractmethod
    def enqueue(self) -> None:
        """Fill the queue up."""

    @abstractmethod
    def faults(self) -> dict[str, int]:
        """How many `jobs` there were, and how many things are `lost`, `doubled`, `differing` and, where
        an endpoint is asked, `paid_twice` and `over_limit`."""

    def kill(self, crew: Crew) -> bool:
        """Kill somebody who works; False where nobody is there yet."""
        return crew.kill()

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
        """Counts of what must not be, over all jobs, and of what happened to them."""
        return {
            "stuck": len(self.stuck),
            **self.faults(),
            "silence": round(self.longest, 1),
            "leases_lost": Attempt.objects.filter(outcome=Outcome.LOST).count(),
            "retried": Attempt.objects.filter(outcome=Outcome.FAILED).count(),
        }
