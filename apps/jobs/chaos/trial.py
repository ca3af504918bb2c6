"""One trial: a stream of jobs under workers that are killed. Run as a process of the set-up:
`python -m apps.jobs.chaos.trial KILLS SEED`; prints one JSON object."""

import json
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import django

WORKERS = 2
LIVE_JOBS = 6
SECONDS_BETWEEN_KILLS = 0.4
KILLS_BETWEEN_STOPS = 10
STUCK_SECONDS = 60.0


def main(kills: int, seed: int) -> dict[str, Any]:
    """Run the trial and say what came of it."""
    django.setup()
    from django.core.management import call_command

    from apps.jobs.chaos.crew import Crew
    from apps.teams.models import Team

    call_command("migrate", verbosity=0)
    team = Team.objects.create(name="Chaos", slug="chaos")
    rng = random.Random(seed)
    log_path = Path(os.environ["ASSAY_DATA_DIR"]) / "workers.log"
    began = time.monotonic()
    with log_path.open("wb") as log:
        crew = Crew(WORKERS, log, rng)
        watch = Watch()
        try:
            _wait_for_workers()
            _disturb(crew, watch, team, kills, rng)
            while watch.live() and not watch.stuck:
                crew.tend()
                time.sleep(0.2)
        finally:
            crew.end()
    return {**watch.verdict(), **crew.counts, "seconds": round(time.monotonic() - began, 1)}


def _disturb(crew: Any, watch: "Watch", team: Any, kills: int, rng: random.Random) -> None:
    """Keep jobs coming, and kill a worker every now and then, until `kills` are done."""
    from apps.jobs import services

    done = 0
    while done < kills and not watch.stuck:
        for number in range(len(watch.expected), len(watch.expected) + LIVE_JOBS - watch.live()):
            params = {"seed": number, "steps": rng.randint(3, 12), "pause": rng.uniform(0.01, 0.1)}
            job = services.enqueue(
                user=None,
                team=team,
                kind="jobs.selftest",
                title=f"Chaos {number}",
                params=params,
                max_attempts=30_000,
            )
            watch.expected[str(job.pk)] = params
        time.sleep(rng.expovariate(1 / SECONDS_BETWEEN_KILLS))
        while not crew.kill():  # the one drawn is only just starting
            crew.tend()
            time.sleep(0.05)
        done += 1
        if done % KILLS_BETWEEN_STOPS == 0:
            crew.stop_for(rng.uniform(2.2, 3.5))
        crew.tend()


def _wait_for_workers() -> None:
    from apps.jobs import presence

    deadline = time.monotonic() + STUCK_SECONDS
    while presence.alive().count() < WORKERS:
        if time.monotonic() > deadline:
            raise SystemExit("The workers did not start.")
        time.sleep(0.1)


class Watch:
    """Follows the jobs, and judges them at the end. `expected`: the parameters of each by its id."""

    def __init__(self) -> None:
        self.expected: dict[str, dict[str, Any]] = {}
        self.stuck: set[str] = set()
        self._seen: dict[str, tuple[Any, float]] = {}

    def live(self) -> int:
        """How many jobs have not ended; notices those that nothing has happened to for a minute."""
        from apps.jobs.models import FINAL, Job

        now = time.monotonic()
        rows = Job.objects.exclude(state__in=FINAL).values_list(
            "pk", "state", "fence", "done", "heartbeat_at"
        )
        live = {str(pk): signs for pk, *signs in rows}
        self._seen = {
            pk: self._seen[pk] if pk in self._seen and self._seen[pk][0] == signs else (signs, now)
            for pk, signs in live.items()
        }
        # A job that waits its turn is not stuck while others end.
        running = [since for _, since in self._seen.values()]
        if running and now - max(running) > STUCK_SECONDS:
            self.stuck = set(live)
        return len(live)

    def verdict(self) -> dict[str, Any]:
        """Counts of what must not be, over all jobs."""
        from apps.jobs.models import Attempt, Job, Outcome, State
        from apps.jobs.selftest import undisturbed
        from apps.teams.models import AuditEntry

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
        return {
            "jobs": len(self.expected),
            "lost": lost,
            "doubled": doubled,
            "stuck": len(self.stuck),
            "differing": differing,
            "leases_lost": Attempt.objects.filter(outcome=Outcome.LOST).count(),
        }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
