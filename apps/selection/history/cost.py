"""How long a replay takes, told before it is started."""

from __future__ import annotations

from apps.selection.replay import Plan

MOST_SECONDS = 6 * 3600
"""What a single replay may be expected to take."""

# Seconds of a step on one core: a constant, and a share of models x pool; measured for pools of 300 and
# 1,000 items and 10 to 300 models. By method where it differs from the others.
_STEP = (0.001, 1.6e-8)
_STEPS = {"coda": (0.2, 1.2e-5), "amc": (0.001, 6e-8), "auto": (0.004, 1.6e-8)}


def expected_seconds(plan: Plan, n_models: int) -> float:
    """About how long one worker needs; right to a factor of two or three."""
    cells = n_models * plan.pool
    steps = plan.realisations * plan.budget
    return sum(
        steps * (fixed + each * cells)
        for fixed, each in (_STEPS.get(name, _STEP) for name in plan.methods)
    )


def in_words(seconds: float) -> str:
    """`less than a minute`, `about 4 minutes`, `about 3 hours`."""
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {minutes} minute{'' if minutes == 1 else 's'}"
    return f"about {round(seconds / 3600)} hours"
