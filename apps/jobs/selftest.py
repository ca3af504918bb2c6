"""A job that computes numbers in checkpointed steps, so that workers can be put to the test."""

import time
from typing import Any

import numpy as np

from apps.jobs.context import JobContext
from apps.teams.services import audit


def step(seed: int, number: int) -> float:
    """The sum of 10,000 standard normal draws, the same for the same `seed` and `number`."""
    return float(np.random.default_rng([seed, number]).standard_normal(10_000).sum())


def undisturbed(params: dict[str, Any]) -> list[float]:
    """What the job with these `params` comes to when nothing happens to it."""
    return [step(params["seed"], number) for number in range(params["steps"])]


def selftest(ctx: JobContext) -> None:
    """params: `seed`, `steps`, `pause` (seconds a step). Every step leaves one audit entry, and so
    does the end: a step or an end that happened twice would show."""
    steps: int = ctx.params["steps"]
    sums: list[float] = (ctx.state or {"sums": []})["sums"]
    for number in range(len(sums), steps):
        ctx.raise_if_stopped()
        time.sleep(ctx.params["pause"])
        value = step(ctx.params["seed"], number)
        with ctx.fenced():
            _note(ctx, "jobs.selftest.step", number)
            ctx.checkpoint({"sums": [*sums, value]})
        sums.append(value)
        ctx.progress(number + 1, steps, f"step {number + 1}")
    with ctx.finishing({"sums": sums}):
        _note(ctx, "jobs.selftest.end", steps)


def _note(ctx: JobContext, action: str, number: int) -> None:
    audit(user=None, team=ctx.job.team, action=action, target=ctx.job, number=number)
