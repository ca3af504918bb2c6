"""Jobs that compute numbers in steps: whatever happens twice, or not, shows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from apps.jobs.chaos.watch import MANY_ATTEMPTS, Watch, patiently
from apps.jobs.models import Job, Outcome, State
from apps.jobs.selftest import undisturbed
from apps.jobs.services import enqueue
from apps.jobs.wake import wake
from apps.teams.models import AuditEntry, Team

if TYPE_CHECKING:
    from apps.jobs.chaos.crew import Crew

LIVE_JOBS = 6
PHASES = ("idle", "computing", "storing", "writing", "committing", "reading", "ending")


class Steps(Watch):
    """`expected`: the parameters of each job by its id."""

    def __init__(self, team: Team, folder: Path, rng: Random) -> None:
        super().__init__(team, folder, rng)
        self.expected: dict[str, dict[str, Any]] = {}

    def enqueue(self) -> None:
        """See `Watch`; every wake-up is sent twice."""
        for number in range(len(self.expected), len(self.expected) + LIVE_JOBS - self.live()):
            title = f"Chaos {number}"
            params = {
                "seed": number,
                "steps": self._rng.randint(3, 12),
                "pause": self._rng.uniform(0.01, 0.1),
                "files": True,
            }

            def put(title: str = title, params: dict[str, Any] = params) -> Job:
                # The database may have been killed after it had taken the last try.
                return Job.objects.filter(title=title).first() or enqueue(
                    user=None,
                    team=self._team,
                    kind="jobs.selftest",
                    title=title,
                    params=params,
                    max_attempts=MANY_ATTEMPTS,
                )

            job = patiently(put)
            wake("default")
            self.counts["twice"] += 1
            self.expected[str(job.pk)] = params

    def kill(self, crew: Crew) -> bool:
        """See `Watch`; in the middle of something chosen at random."""
        return crew.kill(self._rng.choice(PHASES))

    def faults(self) -> dict[str, int]:
        """See `Watch`."""
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
            "differing": differing,
        }
