"""What to tell somebody who has one minute."""

from __future__ import annotations

from apps.core.prose import name

from .result import Estimate, RouterResult


def verdict(
    result: RouterResult, best: str, money: str, *, priced: bool, agreed: bool
) -> tuple[str, bool | None]:
    """A sentence or two, and whether routing is worth it (None where nothing can be said).

    Routing helps where the interval of its gain over the zero router (or, without costs, over the
    best single model) lies above 0.

    Args:
        result: of the router in question.
        best: the name of the best single model of all prompts: what to use without routing.
        money: see `Evaluation.money`.
        priced: whether costs are known; they may still all be the same.
        agreed: whether every training part held that model for the best. What it held for the best
            is what routing is compared with, so only then may a comparison name it.
    """
    best = name(best)
    rival = best if agreed else "the best single model in training"
    if result.problem is not None:
        return f"The router could not be evaluated: {result.problem}", None
    use = f"No evidence that routing helps here: use {best}."
    mixing = "drawing lots between the two" if money == "calls" else "mixing single models by price"
    gain = result.aiq_minus_zero
    if gain is None or result.cost_save is None:
        return _by_quality(result.accuracy_minus_best, best, rival, use, priced=priced)
    if gain.low <= 0:
        if gain.high < 0:
            return (
                f"Routing loses {_points(gain)} against {mixing}: use {best}.",
                False,
            )
        return use, False
    saved = result.cost_save
    strong = best if agreed else "the stronger model"
    of_what = f" of the calls to {strong}" if money == "calls" else ""
    if saved["low"] > 0:
        return (
            f"Routing saves {_percent(saved['mean'])}{of_what} ({_bounds(saved)}) at equal quality "
            f"(that of {rival}).",
            True,
        )
    return (
        f"Routing gains {_points(gain)} over {mixing}, but there is no evidence that it reaches the "
        f"quality of {rival} for less.",
        True,
    )


def _by_quality(
    gain: Estimate | None, best: str, rival: str, use: str, *, priced: bool
) -> tuple[str, bool | None]:
    if gain is None:
        return use, None
    unpriced = (
        "All models cost the same, so there is nothing to save."
        if priced
        else "Costs are unknown, so savings cannot be told."
    )
    if gain.low > 0:
        return f"Routing gains {_points(gain)} over {rival}. {unpriced}", True
    if gain.high < 0:
        return f"Routing loses {_points(gain)} against {rival}: use {best}. {unpriced}", False
    return f"{use} {unpriced}", False


def _points(gain: Estimate) -> str:
    """As in `0.8 points (0.4 to 1.2)`, without the sign that the verb says."""
    mean, low, high = gain.mean, gain.low, gain.high
    if mean < 0:
        mean, low, high = -mean, -high, -low
    return f"{mean:.1f} points ({low:.1f} to {high:.1f})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _bounds(saved: dict[str, float]) -> str:
    return f"{100 * saved['low']:.0f} to {100 * saved['high']:.0f}"
