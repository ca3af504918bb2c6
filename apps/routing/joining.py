"""A new model joins a router from its outcomes on a few prompts: what that brings, and the new bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from apps.catalog.tables import Floats, OutcomeTable
from apps.routing.bundle import Bundle
from apps.routing.decision import Dial, Guard, choose
from apps.routing.methods.base import Embeddings, Forecast
from apps.routing.metrics import bootstrap_weights, hull

FOLDS, DRAWS, GRID = 5, 300, 25


def joined(
    open_: Callable[[], Bundle],
    name: str,
    own: OutcomeTable,
    near: Embeddings,
    known: OutcomeTable,
    every: Embeddings,
) -> tuple[Bundle, dict[str, Any]]:
    """The router with the new model in it, and the curve before and after on the given prompts.

    Guard and dial keep what they learnt; the new model's level is its mean expected score over all
    prompts, and the dial spends anew on them.

    Args:
        open_: gives the router as it was, a fresh one each time.
        own: the new model's outcomes, its only column.
        near: embeddings of the same prompts.
        known, every: the outcomes of the known models and the embeddings of all prompts.

    Raises:
        ValueError: the method cannot take a model in, or the outcomes are too few.
    """
    if own.n_prompts < FOLDS:
        raise ValueError(f"At least {FOLDS} prompts are needed; {own.n_prompts} were given.")
    bundle = open_()
    try:
        bundle.router.add_model(name, own, near)
    except NotImplementedError as error:
        raise ValueError(str(error)) from error
    expected = bundle.router.forecast(every)
    cost = own.cost[~np.isnan(own.cost)]
    guard = bundle.guard.joined(
        name, float(expected.shown[:, -1].mean()), float(cost.mean()) if cost.size else np.nan
    )
    curve = _before_and_after(open_, name, own, near, known, guard)
    table = _widened(known, own, name)
    priced = not np.isnan(guard.cost).any()
    dial = Dial.learn(expected, table, guard) if priced and bundle.dial else None
    return replace(bundle, guard=guard, dial=dial), curve


def _widened(known: OutcomeTable, own: OutcomeTable, name: str) -> OutcomeTable:
    """The known outcomes with the new model's column, NaN where it was not run."""
    place = {prompt: row for row, prompt in enumerate(known.prompt_ids)}
    rows = [place[prompt] for prompt in own.prompt_ids]
    column = np.full((2, known.n_prompts), np.nan)
    column[0, rows], column[1, rows] = own.score[:, 0], own.cost[:, 0]
    return OutcomeTable.of(
        prompt_ids=known.prompt_ids,
        prompts=known.prompts,
        model_names=(*known.model_names, name),
        score=np.column_stack([known.score, column[0]]),
        cost=np.column_stack([known.cost, column[1]]),
    )


def _before_and_after(
    open_: Callable[[], Bundle],
    name: str,
    own: OutcomeTable,
    near: Embeddings,
    known: OutcomeTable,
    guard: Guard,
) -> dict[str, Any]:
    """Quality at each cost without and with the model, on prompts whose outcome it did not join by."""
    place = {prompt: row for row, prompt in enumerate(known.prompt_ids)}
    there = known.subset(prompts=[place[prompt] for prompt in own.prompt_ids])
    score = np.column_stack([there.score, own.score[:, 0]])
    cost = np.column_stack([there.cost, own.cost[:, 0]])
    if np.isnan(score).any() or np.isnan(cost).any():
        return {}
    before = open_()
    without = before.router.forecast(near)
    parts = np.arange(own.n_prompts) % FOLDS
    with_it = [_held(open_, name, own, near, parts, fold) for fold in range(FOLDS)]
    order = np.argsort(np.concatenate([np.flatnonzero(parts == fold) for fold in range(FOLDS)]))
    after = Forecast(
        score=np.concatenate([one.score for one in with_it])[order],
        cost=np.concatenate([one.cost for one in with_it])[order],
    )
    weights = bootstrap_weights(np.arange(own.n_prompts), DRAWS, 0)
    weights = np.vstack([np.ones(own.n_prompts), weights])
    weights /= weights.sum(axis=1, keepdims=True)
    grid = np.linspace(cost.mean(axis=0).min(), cost.mean(axis=0).max(), GRID)
    curves = {
        "before": _on_grid(without, before.guard, score[:, :-1], cost[:, :-1], weights, grid),
        "after": _on_grid(after, guard, score, cost, weights, grid),
    }
    gain = 100 * (curves["after"] - curves["before"]).mean(axis=1)
    return {
        "prompts": own.n_prompts,
        "grid": grid.tolist(),
        **{key: _with_interval(100 * values) for key, values in curves.items()},
        "gain": _with_interval(gain[:, None]),
    }


def _held(
    open_: Callable[[], Bundle],
    name: str,
    own: OutcomeTable,
    near: Embeddings,
    parts: Any,
    fold: int,
) -> Forecast:
    rest, held = np.flatnonzero(parts != fold), np.flatnonzero(parts == fold)
    router = open_().router
    router.add_model(name, own.subset(prompts=rest), near.subset(rest))
    return router.forecast(near.subset(held))


def _on_grid(
    forecast: Forecast, guard: Guard, score: Floats, cost: Floats, weights: Floats, grid: Floats
) -> Floats:
    """[1 + n_draws, n_grid], quality on the hull under each weight."""
    rows = np.arange(len(score))
    chosen = np.array([choose(forecast, float(at), guard=guard) for at in guard.lambdas])
    chosen = np.unique(chosen, axis=0)
    quality, paid = weights @ score[rows, chosen].T, weights @ cost[rows, chosen].T
    return np.array([hull(x, y).at(grid) for x, y in zip(paid, quality, strict=True)])


def _with_interval(values: Floats) -> dict[str, list[float]]:
    low, high = np.quantile(values[1:], [0.025, 0.975], axis=0)
    return {"mean": values[0].tolist(), "low": low.tolist(), "high": high.tolist()}


def asked(outcomes: OutcomeTable, count: int, seed: int) -> list[str]:
    """Ids of the prompts to run a new model on, so many drawn by chance: the first of them do as well.

    Chosen by what they tell of the known models they do worse (docs/decisions/0012).
    """
    rows = np.random.default_rng(seed).permutation(outcomes.n_prompts)[:count]
    return [outcomes.prompt_ids[row] for row in rows]


def table_of(
    known: OutcomeTable, name: str, given: Mapping[str, tuple[float, float | None]]
) -> OutcomeTable:
    """What was given for the new model as a table. Raises ValueError for what is not an outcome."""
    texts = dict(zip(known.prompt_ids, known.prompts, strict=True))
    return OutcomeTable.of(
        prompt_ids=given,
        prompts=[texts[prompt] for prompt in given],
        model_names=[name],
        score=[[score] for score, _ in given.values()],
        cost=[[np.nan if cost is None else cost] for _, cost in given.values()],
    )
