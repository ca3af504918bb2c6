"""A job that computes numbers in checkpointed steps, so that workers can be put to the test."""

import io
import os
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from apps.core import files
from apps.jobs.context import JobContext
from apps.teams.services import audit

# A folder in which each process says what it is in the middle of: tests kill it there.
PHASES = "ASSAY_SELFTEST_PHASES"
STORED_EVERY = 3  # steps


def step(seed: int, number: int) -> float:
    """The sum of 10,000 standard normal draws, the same for the same `seed` and `number`."""
    return float(np.random.default_rng([seed, number]).standard_normal(10_000).sum())


def undisturbed(params: dict[str, Any]) -> list[float]:
    """What the job with these `params` comes to when nothing happens to it."""
    return [step(params["seed"], number) for number in range(params["steps"])]


def selftest(ctx: JobContext) -> None:
    """params: `seed`, `steps`, `pause` (seconds a step), `files` (whether some steps are stored as files
    and read back at the end). Every step leaves one audit entry, and so does the end: a step or an end
    that happened twice would show."""
    steps: int = ctx.params["steps"]
    state = ctx.state or {"sums": [], "files": {}}
    sums: list[float] = state["sums"]
    stored: dict[str, str] = state.get("files", {})
    for number in range(len(sums), steps):
        ctx.raise_if_stopped()
        enter("computing")
        time.sleep(ctx.params["pause"])
        value = step(ctx.params["seed"], number)
        if ctx.params.get("files") and number % STORED_EVERY == 0:
            enter("storing")
            stored[str(number)] = files.put(io.BytesIO(_packed(ctx.job.pk.bytes, number, value)))
        enter("writing")
        with ctx.fenced():
            _note(ctx, "jobs.selftest.step", number)
            ctx.checkpoint({"sums": [*sums, value], "files": stored})
            enter("committing")
        sums.append(value)
        ctx.progress(number + 1, steps, f"step {number + 1}")
    enter("reading")
    for number_text, digest in stored.items():
        with files.open_blob(digest) as stream:
            number = int(number_text)
            if stream.read() != _packed(ctx.job.pk.bytes, number, sums[number]):
                raise ValueError(f"The file of step {number} did not come back as it was stored.")
    with ctx.finishing({"sums": sums}):
        _note(ctx, "jobs.selftest.end", steps)
        enter("ending")
    enter("idle")


def enter(phase: str) -> None:
    """Say what this process is in the middle of, where somebody wants to know."""
    if folder := os.environ.get(PHASES):
        with suppress(OSError):
            (Path(folder) / str(os.getpid())).write_text(phase)


def _packed(job: bytes, number: int, value: float) -> bytes:
    return job + struct.pack("<qd", number, value)


def _note(ctx: JobContext, action: str, number: int) -> None:
    audit(user=None, team=ctx.job.team, action=action, target=ctx.job, number=number)
