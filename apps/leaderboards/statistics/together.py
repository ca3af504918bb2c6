"""Models over several datasets: the mean of their accuracies, each dataset counting the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, Mask

from .intervals import wilson
from .paired import PairCounts, holm


@dataclass(frozen=True, eq=False)
class Stratum:
    """All models on one dataset: `correct` and `answered` [n_models], and the counts of all pairs.

    A model that was not run there answered 0 and shares nothing.
    """

    correct: Floats
    answered: Floats
    pairs: PairCounts


@dataclass(frozen=True, eq=False)
class Together:
    """Models over all datasets.

    Attributes:
        accuracy, lows, highs: [n_datasets, n_models], Wilson's interval; NaN, 0 and 1 where not run.
        complete: [n_models], run on labelled items of every dataset: the others have no mean.
        mean, low, high: [n_models], NaN where not complete.
        p_adjusted: [n_models, n_models], of the stratified test, row j after Holm over the comparisons
            of model j; 1 where one of the two is not complete.
        rank_low, rank_high: [n_models], among the complete models; 0 for the others.
    """

    accuracy: Floats
    lows: Floats
    highs: Floats
    complete: Mask
    mean: Floats
    low: Floats
    high: Floats
    p_adjusted: Floats
    rank_low: NDArray[np.int_]
    rank_high: NDArray[np.int_]


def together(strata: Sequence[Stratum], *, alpha: float = 0.05) -> Together:
    """Means over datasets with intervals, and rank ranges from paired tests within each of them.

    The interval of a mean joins Wilson's intervals of its accuracies (MOVER): with weights 1/K its
    ends lie at the root of the sum of the squared, weighted distances to the ends of the K intervals.

    The test of two models: with b_k and c_k the items of dataset k that only the first or only the
    second got right, of n_k that both were run on, the mean difference sum((b_k - c_k) / n_k) / K is
    divided by the root of sum((b_k + c_k) / n_k^2) / K, the variance it has where the two are equally
    good on every dataset, which is never too small a one where only their means are equal; where no
    item tells the two apart on a dataset, one is assumed. The quotient is held against the normal
    distribution. One dataset with many items does not outvote another.

    The ranges are those of `ranks.rank_ranges`: each range by itself misses its model's rank with
    probability at most alpha, as far as the normal distribution holds.

    Raises:
        ValueError: fewer than two datasets, or strata of different models.

    Source: G. Y. Zou, A. Donner, Statistics in Medicine 27 (2008) 1693, for MOVER; M. Mogstad et al.,
    Review of Economic Studies 91 (2024) 476, for the ranges.
    """
    if len(strata) < 2:
        raise ValueError("Choose at least two datasets to look at together.")
    correct = np.stack([one.correct for one in strata])
    answered = np.stack([one.answered for one in strata])
    if any(one.pairs.wins.shape != (correct.shape[1],) * 2 for one in strata):
        raise ValueError("All datasets must list the same models.")
    shape, count = correct.shape, len(strata)
    lows, highs = (
        end.reshape(shape) for end in wilson(correct.ravel(), answered.ravel(), alpha=alpha)
    )
    accuracy = np.divide(correct, answered, out=np.full(shape, np.nan), where=answered > 0)
    complete: Mask = np.all(answered > 0, axis=0)
    mean = accuracy.mean(axis=0)
    low = mean - np.sqrt(((accuracy - lows) ** 2).sum(axis=0)) / count
    high = mean + np.sqrt(((highs - accuracy) ** 2).sum(axis=0)) / count
    p, ahead = _tests(strata, complete)
    adjusted = np.ones_like(p)
    places = np.flatnonzero(complete)
    rank_low, rank_high = np.zeros((2, shape[1]), int)
    if places.size:
        cut = np.ix_(places, places)
        adjusted[cut] = _adjusted(p[cut])
        decided = adjusted[cut] <= alpha
        rank_low[places] = 1 + (decided & (ahead[cut] < 0)).sum(axis=1)
        rank_high[places] = len(places) - (decided & (ahead[cut] > 0)).sum(axis=1)
    return Together(accuracy, lows, highs, complete, mean, low, high, adjusted, rank_low, rank_high)


def _tests(strata: Sequence[Stratum], complete: Mask) -> tuple[Floats, Floats]:
    """Two-sided p-values of all pairs, and the summed differences, row against column."""
    # Imported here: it takes a second, and web servers start without computing anything.
    from scipy.stats import norm

    gap, variance = np.zeros((2, len(complete), len(complete)))
    possible = np.outer(complete, complete)
    for one in strata:
        wins, shared = one.pairs.wins, one.pairs.shared
        possible &= shared > 0
        n = np.where(shared > 0, shared, 1)
        gap += (wins - wins.T) / n
        variance += np.maximum(wins + wins.T, 1) / n**2
    p = 2 * norm.sf(np.abs(gap) / np.sqrt(variance))
    return np.where(possible, np.minimum(p, 1), 1.0), gap


def _adjusted(p: Floats) -> Floats:
    """Holm's values of each row without its diagonal."""
    n = len(p)
    adjusted = np.ones_like(p)
    if n > 1:
        others = ~np.eye(n, dtype=bool)
        adjusted[others] = holm(p[others].reshape(n, n - 1)).ravel()
    return adjusted
