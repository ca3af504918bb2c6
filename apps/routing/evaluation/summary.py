"""From the splits to figures with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np

from apps.catalog.tables import Floats
from apps.routing.metrics import Calibration, interval

from .result import Estimate, Gap, RouterResult, RouterSplit, SplitResult

_ZERO = "zero"
_BEST = "best-single"
_DIGITS = 9  # of a difference in points


def summarised(splits: Sequence[SplitResult], name: str, units: float) -> RouterResult:
    """One router over all splits in which it could be evaluated.

    Intervals are those of the mean over splits: under one bootstrap weight a prompt weighs the same
    in every test part it is in. `units` is how many independent ones were tested, see `interval`.
    """
    both = [(split.routers[name], split) for split in splits]
    own = [(router, split) for router, split in both if router.problem is None]
    weights = np.array([split.weights for _, split in own])
    if not own:
        return RouterResult(problem=both[0][0].problem)
    routers = [router for router, _ in own]
    against_zero = [
        (router, split.routers[_ZERO])
        for router, split in own
        if split.routers[_ZERO].problem is None and router.aiq is not None
    ]
    against_best = [(router, split.routers[_BEST]) for router, split in own]
    calibration = _calibration(routers)
    gaps = [router.gap for router in routers if router.gap is not None]
    return RouterResult(
        problem=None,
        accuracy=_spread([router.accuracy for router in routers]),
        cost=_mean([router.cost for router in routers]),
        aiq=_spread([router.aiq for router in routers]),
        aiq_log=_spread([router.aiq_log for router in routers]),
        aiq_minus_zero=_gain(against_zero, weights, units, _twice([split for _, split in own])),
        worst_aiq_minus_zero=(
            100 * min(_known(one.aiq) - _known(zero.aiq) for one, zero in against_zero)
            if against_zero
            else None
        ),
        accuracy_minus_best=_paired(against_best, "accuracy", weights, units),
        cost_save=_savings(routers, weights, units),
        apgr=_mean([gap.apgr for gap in gaps]),
        cpt=_cpt(gaps),
        brier=calibration.brier if calibration else None,
        ece=calibration.ece if calibration else None,
        reliability=_reliability(calibration) if calibration else [],
        routing_accuracy=_mean([router.routing_accuracy for router in routers]),
        train_seconds=_mean([router.train_seconds for router in routers]),
        milliseconds_per_prompt=_mean([router.milliseconds for router in routers]),
        curve={
            key: (
                100 * np.mean([getattr(router, attribute) for router in routers], axis=0)
            ).tolist()
            for key, attribute in (
                ("quality", "quality"),
                ("low", "quality_low"),
                ("high", "quality_high"),
            )
        },
    )


def _known(value: float | None) -> float:
    if value is None:
        raise ValueError("A figure that should be there is not.")
    return value


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _spread(values: Sequence[float | None]) -> dict[str, float | None] | None:
    """Mean and standard deviation over splits, in points."""
    known = [100 * value for value in values if value is not None]
    if not known:
        return None
    return {
        "mean": float(np.mean(known)),
        "sd": float(np.std(known, ddof=1)) if len(known) > 1 else None,
    }


def _draws(routers: Sequence[RouterSplit], what: str, weights: Floats) -> Floats:
    """[n_draws], the mean over splits under each weighting; `weights` is [n_splits, n_draws]."""
    return np.asarray(np.average([one.draws[what] for one in routers], axis=0, weights=weights))


def _paired(
    pairs: Sequence[tuple[RouterSplit, RouterSplit]], what: str, weights: Floats, units: float
) -> Estimate | None:
    """The mean difference of a quantity in points, and its interval."""
    if not pairs:
        return None
    ones, others = [one for one, _ in pairs], [other for _, other in pairs]
    found = [_known(getattr(one, what)) - _known(getattr(other, what)) for one, other in pairs]
    mean = float(np.mean(found))
    draws = _draws(ones, what, weights) - _draws(others, what, weights)
    low, high = interval(mean, draws, units=units)
    # From few units Student's interval would go beyond what means of scores can differ by.
    low, high = max(low, -1.0), min(high, 1.0)
    # What rounding leaves of no difference would have a sign, and its interval would miss 0;
    # adding 0 makes of -0 one without.
    return Estimate(*(round(100 * value, _DIGITS) + 0.0 for value in (mean, low, high)))


def _gain(
    pairs: Sequence[tuple[RouterSplit, RouterSplit]], weights: Floats, units: float, twice: float
) -> Estimate | None:
    """The mean difference in AIQ, its interval such that noise alone is seldom seen as a gain.

    It reaches down to where the interval ends of the difference between settings that are picked on
    one half of the test prompts and measured on the other, made longer by `twice`: a hull's luck and
    what prompts teach one another are no gains.
    """
    whole = _paired(pairs, "aiq", weights, units)
    # A split that an older version left behind has no such area.
    compared = all(one.held is not None for pair in pairs for one in pair)
    held = _paired(pairs, "held", weights, units) if compared else None
    if whole is None or held is None:
        return whole
    low = held.mean - twice * (held.mean - held.low)
    return replace(whole, low=max(min(whole.low, round(low, _DIGITS) + 0.0), -100.0))


def _twice(splits: Sequence[SplitResult]) -> float:
    """By how much the spread of a mean over splits is more than prompts drawn anew make it look.

    Where prompts tell nothing, what is left is what one prompt by chance teaches about another. Over
    splits each teaches the other, which is the same chance twice, and the bootstrap, which keeps the
    routers as they were trained, takes it for two: with n and m the splits in which the one is tested
    with the other's help and the reverse, variances are in the ratio of E(n + m)^2 to E(n^2 + m^2).
    """
    tested = np.mean([split.n_test / (split.n_test + split.n_train) for split in splits])
    met = (len(splits) - 1) * tested * (1 - tested)
    return float(np.sqrt(1 + met / (1 + met)))


def _savings(
    routers: Sequence[RouterSplit], weights: Floats, units: float
) -> dict[str, float | int] | None:
    found = [router.cost_save for router in routers if router.cost_save is not None]
    if not found:
        return None
    mean = float(np.mean(found))
    low, high = interval(mean, _draws(routers, "cost_save", weights), units=units)
    return {
        "mean": mean,
        "low": max(low, 0.0) + 0.0,
        "high": min(high, 1.0) + 0.0,
        "worst": min(found),
        "splits_reached": sum(router.reached for router in routers),
    }


def _cpt(gaps: Sequence[Gap]) -> dict[str, float | None] | None:
    """In percent of the calls; None where a part of the gap is reached in no split."""
    if not gaps:
        return None
    found = {"50": _mean([gap.cpt_50 for gap in gaps]), "80": _mean([gap.cpt_80 for gap in gaps])}
    return {part: None if value is None else 100 * value for part, value in found.items()}


def _calibration(routers: Sequence[RouterSplit]) -> Calibration | None:
    parts = [
        Calibration(
            np.array(router.count),
            np.array(router.expected),
            np.array(router.observed),
            router.squares,
        )
        for router in routers
        if router.count
    ]
    return reduce(add, parts) if parts else None


def _reliability(calibration: Calibration) -> list[dict[str, float]]:
    return [
        {"count": count, "expected": expected / count, "observed": observed / count}
        for count, expected, observed in zip(
            calibration.count.tolist(),
            calibration.expected.tolist(),
            calibration.observed.tolist(),
            strict=True,
        )
        if count
    ]
