"""From a forecast and the dial to a model, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, Mask
from apps.routing.methods.base import Forecast

from .guard import Guard


@dataclass(frozen=True)
class Decision:
    """One prompt's model.

    Attributes:
        model: its index.
        name: its name.
        score: the expected score, calibrated, as far as the guard lets it through, in 0..1.
        cost: the expected US dollars, NaN where unknown.
        trust: how much of the router's opinion the guard let through, 0..1.
        reason: one sentence.
    """

    model: int
    name: str
    score: float
    cost: float
    trust: float
    reason: str


def choose(
    forecast: Forecast,
    lambda_: float,
    *,
    guard: Guard | None = None,
    allowed: Mask | None = None,
    penalty: Floats | None = None,
) -> NDArray[np.intp]:
    """The model for each prompt, [n_prompts]: the largest `score - lambda * cost - penalty`.

    Of equals the cheaper is taken, then the first. At `lambda_` 0 costs only part equals; above it
    a model whose cost is unknown cannot be chosen.

    Args:
        lambda_: what a US dollar saved is worth in expected score; at least 0.
        guard: holds the router back where it did not pay; none where None.
        allowed: [n_models] or [n_prompts, n_models], which models may be chosen; all where None.
        penalty: [n_models], expected score that wishes take from each model.

    Raises:
        ValueError: a negative dial, or a prompt for which no model is left.
    """
    seen = forecast if guard is None else guard.view(forecast, checked_lambda(lambda_))
    worth = _worth(seen, checked_lambda(lambda_), allowed, penalty)
    best = worth.max(axis=1, keepdims=True)
    if np.isneginf(best).any():
        raise ValueError(_nothing_left(seen, lambda_, allowed))
    # Unknown is dearer than anything known, but may still be taken.
    cost = np.nan_to_num(seen.cost, nan=np.finfo(float).max)
    # Rounding in the router must not part models that it cannot tell apart.
    chosen: NDArray[np.intp] = np.argmin(np.where(worth >= best - 1e-12, cost, np.inf), axis=1)
    return chosen


def explain(
    forecast: Forecast,
    model_names: Sequence[str],
    lambda_: float,
    *,
    guard: Guard | None = None,
    allowed: Mask | None = None,
    penalty: Floats | None = None,
) -> list[Decision]:
    """`choose`, with a reason for each prompt."""
    chosen = choose(forecast, lambda_, guard=guard, allowed=allowed, penalty=penalty)
    # Told are the calibrated scores, which rise with those that decide.
    told = replace(forecast, score=forecast.shown)
    seen = told if guard is None else guard.view(told, lambda_)
    trust = 1.0 if guard is None else float(guard.trust_at(lambda_))
    score = np.clip(seen.score, 0, 1)
    open_ = _open(seen, lambda_, allowed)
    decisions = []
    for row, model in enumerate(chosen):
        reason = _reason(
            model_names, score[row], seen.cost[row], open_[row], int(model), lambda_, trust
        )
        decisions.append(
            Decision(
                model=int(model),
                name=model_names[model],
                score=float(score[row, model]),
                cost=float(seen.cost[row, model]),
                trust=trust,
                reason=reason,
            )
        )
    return decisions


def checked_lambda(lambda_: float) -> float:
    """The dial, if it is one.

    Raises:
        ValueError: negative, infinite or not a number.
    """
    if not 0 <= lambda_ < np.inf:
        raise ValueError(f"The dial is {lambda_:g}; it must be a number that is not negative.")
    return float(lambda_)


def _open(forecast: Forecast, lambda_: float, allowed: Mask | None) -> Mask:
    """[n_prompts, n_models], the models that can be chosen."""
    open_ = np.ones(forecast.score.shape, dtype=bool)
    if allowed is not None:
        open_ &= allowed
    if lambda_ > 0:
        open_ &= ~np.isnan(forecast.cost)
    return open_


def _worth(
    forecast: Forecast, lambda_: float, allowed: Mask | None, penalty: Floats | None
) -> Floats:
    worth: Floats = forecast.score.copy()
    if lambda_ > 0:
        worth -= lambda_ * forecast.cost
    if penalty is not None:
        worth -= penalty
    worth[~_open(forecast, lambda_, allowed) | np.isnan(worth)] = -np.inf
    return worth


def _nothing_left(forecast: Forecast, lambda_: float, allowed: Mask | None) -> str:
    if lambda_ > 0 and _open(forecast, 0.0, allowed).any(axis=1).all():
        return "No model's cost is known, so money cannot be weighed: set the dial to 0."
    return "No model may be chosen under these constraints."


def _reason(
    names: Sequence[str],
    score: Floats,
    cost: Floats,
    open_: Mask,
    model: int,
    lambda_: float,
    trust: float,
) -> str:
    name, expected = names[model], share(score[model])
    others = np.flatnonzero(open_ & (np.arange(len(names)) != model))
    if not others.size:
        return f"{name}: the only model that may be chosen, expected {expected}."
    if trust == 0:
        return (
            f"{name}: the best single model at this dial, {expected} on average; on prompts held "
            "out, choosing by prompt did not pay here."
        )
    cheaper = others[cost[others] < cost[model]]
    if lambda_ == 0 or np.isnan(cost[model]):
        rival = others[np.argmax(score[others])]
        return f"{name}: expected {expected}, {_against(names, score, model, rival)}."
    if cheaper.size:
        rival = cheaper[np.argmax(score[cheaper] - lambda_ * cost[cheaper])]
        if score[model] >= score[rival]:
            return (
                f"{name}: expected {expected} against {share(score[rival])} for the cheaper "
                f"{names[rival]}, worth the {money(cost[model] - cost[rival])} at this dial."
            )
    better = others[(score[others] > score[model]) & (cost[others] > cost[model])]
    if better.size:
        rival = better[np.argmax(score[better] - lambda_ * cost[better])]
        return (
            f"{name}: expected {expected}; {names[rival]}, expected {share(score[rival])}, is not "
            f"worth {money(cost[rival] - cost[model])} more at this dial."
        )
    highest = score[model] >= score[others].max()
    rival = others[np.argmax(score[others] - (0 if highest else lambda_ * cost[others]))]
    return f"{name}: expected {expected}, {_against(names, score, model, rival)}."


def _against(names: Sequence[str], score: Floats, model: int, rival: int) -> str:
    if score[model] >= score[rival]:
        return f"the highest; next is {names[rival]} with {share(score[rival])}"
    return f"preferred to {names[rival]} with {share(score[rival])} for what was wished"


def share(value: float) -> str:
    """An expected score as the tables show it, as in `82%`."""
    return f"{100 * value:.0f}%"


def a_prompt(usd: float) -> str:
    """A cost of a prompt, as in `0.4 cents a prompt`, or `$1.85 per million calls`."""
    said = money(usd)
    return said if said.endswith("calls") else f"{said} a prompt"


def money(usd: float) -> str:
    """An amount in digits that can be read, as in `0.4 cents`, or `$1.85 per million calls`."""
    if usd >= 1 or usd == 0:
        return f"${usd:,.2f}"
    if usd >= 1e-5:
        return f"{float(f'{100 * usd:.2g}'):.6g} cents"
    calls, word = (1e6, "million") if usd >= 1e-8 else (1e9, "billion")
    return f"${usd * calls:,.2f} per {word} calls"
