"""MODEL SELECTOR's epsilon, tuned without a label."""

from __future__ import annotations

import numpy as np

from apps.catalog.tables import Classes, Mask, PredictionTable

from .model_selector import ModelSelector
from .votes import Votes

GRID = tuple(round(0.35 + 0.02 * step, 2) for step in range(8))
"""The values tried: .35 to .49, as in the paper, in steps of .02."""


def tuned_epsilon(
    table: PredictionTable,
    *,
    pool: int = 1000,
    labels: int = 100,
    realisations: int = 8,
    seed: int = 0,
) -> float:
    """The epsilon with which MODEL SELECTOR soonest finds the model the majority would call best.

    The majority vote stands in for the labels (of equals the lowest class). On random pools, the
    same for every epsilon, the whole method runs against it; the epsilon with the highest mean
    share of steps whose leader is a best model wins, of equals the one nearest to .5. The paper
    takes 1,000 realisations and steps of .01; fewer keep this within seconds.

    Args:
        table: the predictions of the candidates; nothing else is looked at.
        pool: items of each random pool, at most those of the table.
        labels: steps of each run, at most those of the pool.
        realisations: random pools.
        seed: for the pools and for ties.

    Source: P. Okanovic et al., AISTATS 2025, arXiv 2410.13609.
    """
    success = np.zeros(len(GRID))
    for number in range(realisations):
        random = np.random.default_rng((seed, number))
        items = random.choice(table.n_items, min(pool, table.n_items), replace=False)
        part = table.subset(items=items)
        oracle = _majority(part)
        accuracy = (part.predictions == oracle).mean(axis=1)
        best = accuracy >= accuracy.max() - 1e-9
        for place, epsilon in enumerate(GRID):
            method = ModelSelector(part, seed=number, epsilon=epsilon)
            success[place] += _success(method, oracle, best, min(labels, part.n_items))
    return GRID[int(np.flatnonzero(success >= success.max() - 1e-9)[-1])]


def _success(method: ModelSelector, oracle: Classes, best: Mask, labels: int) -> float:
    """The share of the steps after which the leader is a best model."""
    hits = 0
    for _ in range(labels):
        item = int(method.suggest(1).items[0])
        method.observe(item, int(oracle[item]))
        hits += bool(best[method.leader()])
    return hits / labels


def _majority(table: PredictionTable) -> Classes:
    """[n_items], the class with the most votes; the lowest of equals, and where none was run."""
    majority = table.predictions.max(axis=0, initial=0)
    votes = Votes.of(table.predictions)
    majority[votes.items] = votes.choice[votes.first]
    return np.asarray(majority)
