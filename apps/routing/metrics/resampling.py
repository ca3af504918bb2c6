"""Intervals by the bootstrap, paired: every quantity is computed with the same weights.

Rubin, *The Bayesian Bootstrap*, Annals of Statistics 9 (1981): weights drawn from a Dirichlet
distribution instead of counts, so that no prompt and no group ever vanishes from a sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats


def bootstrap_weights(units: NDArray[np.intp], draws: int, seed: int) -> Floats:
    """Weights of prompts, [draws, n_prompts], with mean 1 in expectation.

    Args:
        units: [n_prompts], codes from 0; prompts of one unit (a task, a cluster of near-duplicates)
            are drawn together, for they are no independent evidence. In a unit of several prompts
            these are weighed in their turn, so that a test part which is one task has an interval.
    """
    random = np.random.default_rng(seed)
    weights = random.exponential(size=(draws, int(units.max()) + 1))[:, units]
    several = np.bincount(units)[units] > 1
    weights[:, several] *= random.exponential(size=(draws, int(several.sum())))
    return weights


def effective_units(units: NDArray[np.intp]) -> float:
    """How many units of one size would say as much (Kish 1965): the fewer, the less equal they are.

    Args:
        units: [n_prompts], codes.
    """
    sizes = np.bincount(units).astype(float)
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def interval(
    found: float, draws: Floats, level: float = 0.95, *, units: float = np.inf
) -> tuple[float, float]:
    """The middle of the draws that holds `level` of them, moved to lie around what was found.

    A hull takes the best of noisy points: its area is larger on average under the draws than in
    the sample, and larger in the sample than in truth by about as much (Efron and Tibshirani 1993,
    chapter 10). On the side where the truth must be sought, the interval is longer by that.

    Draws from few units spread too little, and know nothing of how uncertain their own spread is:
    the interval is longer as Student's is (Hesterberg, *What Teachers Should Know about the
    Bootstrap*, The American Statistician 69, 2015).

    Args:
        units: how many independent ones were drawn from, two or more.
    """
    tail = (1 - level) / 2
    middle = float(draws.mean())
    longer = _longer(tail, max(units, 2.0))
    low, high = (longer * (float(bound) - middle) for bound in np.quantile(draws, [tail, 1 - tail]))
    bias = middle - found
    return found + low - max(bias, 0.0), found + high - min(bias, 0.0)


def _longer(tail: float, units: float) -> float:
    """Student's quantile over the normal one, and by what draws of a mean spread less than they
    should: their variance has n (n + 1) below the sum of squares, and not n (n - 1)."""
    from scipy.stats import norm, t

    if np.isinf(units):
        return 1.0
    return float(t.isf(tail, units - 1) / norm.isf(tail) * np.sqrt((units + 1) / (units - 1)))
