"""How soon an idle worker starts a job: `manage.py bench jobs`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from apps.jobs.chaos import setups

JOBS = 100
# Milliseconds between the request and the start, for 95 of 100 jobs.
PROMISED = {"embedded": 500, "rabbitmq": 200, "redis": 200}
_ROOT = Path(__file__).resolve().parents[2]
# A wake-up that was lost must show: housekeeping would find the job only seconds later.
_UNHURRIED = {"JOB_HEARTBEAT_SECONDS": "5", "JOB_LEASE_SECONDS": "30"}


def start_of_jobs(say: Callable[[str], None], jobs: int = JOBS) -> bool:
    """Ask an idle worker for `jobs` small jobs, one after another, on every set-up that is here.

    Returns whether each set-up keeps its promise.
    """
    kept = True
    for name in setups.NAMES:
        with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
            try:
                with setups.prepared(name, Path(folder)) as setup:
                    made = subprocess.run(
                        [sys.executable, "-m", "apps.jobs.chaos.latency", str(jobs)],
                        cwd=_ROOT,
                        env=setup.env | _UNHURRIED,
                        check=True,
                        stdout=subprocess.PIPE,
                    )
            except setups.Unavailable as reason:
                say(f"{name}: skipped, because {reason}.")
                continue
        found = json.loads(made.stdout.splitlines()[-1])
        start, done = found["start"], found["done"]
        kept &= start["p95"] < PROMISED[name]
        say(
            f"{name} ({setup.description}): {jobs} jobs, one after another, begun after "
            f"{start['p50']:.0f} ms in the middle, {start['p95']:.0f} ms for 95 of 100 and "
            f"{start['worst']:.0f} ms at worst (promised: under {PROMISED[name]} ms for 95 of 100); "
            f"done after {done['p50']:.0f} ms in the middle."
        )
    return kept


BENCHMARKS = {"jobs": start_of_jobs}
