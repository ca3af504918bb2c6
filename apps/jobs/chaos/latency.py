"""How soon an idle worker takes a job. Run as a process of the set-up:
`python -m apps.jobs.chaos.latency JOBS`; prints one JSON object of milliseconds."""

import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import django
import numpy as np

STUCK_SECONDS = 60.0


def main(jobs: int) -> dict[str, dict[str, float]]:
    """From before the request until the lease is given, and until the job is done."""
    django.setup()
    from django.core.management import call_command

    from apps.jobs import presence
    from apps.jobs.chaos.crew import Crew
    from apps.teams.models import Team

    call_command("migrate", verbosity=0)
    team = Team.objects.create(name="Latency", slug="latency")
    rng = random.Random(0)
    with (Path(os.environ["ASSAY_DATA_DIR"]) / "workers.log").open("wb") as log:
        crew = Crew(1, log, rng, Path(os.environ["ASSAY_DATA_DIR"]))
        try:
            _wait(presence.alive().exists)
            for _ in range(3):  # connections are made, modules loaded
                _one(team)
            times = []
            for _ in range(jobs):
                time.sleep(rng.uniform(0.05, 0.3))
                times.append(_one(team))
        finally:
            crew.end()
    start, done = (np.array(column) * 1000 for column in zip(*times, strict=True))
    return {"start": _summary(start), "done": _summary(done)}


def _one(team: Any) -> tuple[float, float]:
    from apps.jobs import services
    from apps.jobs.models import Job

    began = time.time()
    job = services.enqueue(
        user=None,
        team=team,
        kind="jobs.selftest",
        title="Latency",
        params={"seed": 0, "steps": 1, "pause": 0},
    )
    _wait(lambda: Job.objects.get(pk=job.pk).finished)
    job.refresh_from_db()
    assert job.finished_at is not None  # noqa: S101
    return job.log.get().created_at.timestamp() - began, job.finished_at.timestamp() - began


def _wait(ready: Any) -> None:
    deadline = time.monotonic() + STUCK_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise SystemExit("Nothing happened for a minute.")
        time.sleep(0.02)


def _summary(values: Any) -> dict[str, float]:
    p50, p95 = np.percentile(values, [50, 95])
    return {"p50": p50, "p95": p95, "worst": values.max()}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
