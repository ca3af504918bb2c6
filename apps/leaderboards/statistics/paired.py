"""Two models on the same labelled items: counts, McNemar's test, Holm's correction, differences.

Models are numbered; matrices [n_models, n_models] are read "row against column". An item on which
either of a pair was not run is left out of that pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.catalog.tables import Floats, Mask

from .intervals import wilson


@dataclass(frozen=True, eq=False)
class PairCounts:
    """On how many shared items each model beat each other one.

    Attributes:
        wins: [n_models, n_models], items the row model got right and the column model got wrong.
            McNemar's b of a pair is `wins[a, b]`, its c is `wins[b, a]`.
        both_right: [n_models, n_models], items that both got right.
        shared: [n_models, n_models], items that both were run on.
    """

    wins: Floats
    both_right: Floats
    shared: Floats


def pair_counts(correct: Mask, answered: Mask) -> PairCounts:
    """Count the wins of all pairs by matrix products.

    Args:
        correct: [n_models, n_items], the model was run on the labelled item and is right.
        answered: [n_models, n_items], the model was run on the labelled item.
    """
    # float32 takes the fast matrix product and counts exactly up to 2**24 items.
    right, ran = correct.astype(np.float32), answered.astype(np.float32)
    wrong = ran - right
    return PairCounts(
        wins=(right @ wrong.T).astype(float),
        both_right=(right @ right.T).astype(float),
        shared=(ran @ ran.T).astype(float),
    )


def mcnemar(b: Floats, c: Floats, *, midp: bool = False) -> Floats:
    """Two-sided p-values of McNemar's exact test, element by element.

    The hypothesis is that both models of a pair are equally often the only right one. Given how
    many items tell them apart, the wins of one are then Binomial(b + c, 1/2). The exact p-value is
    2 P(wins <= min(b, c)), at most 1, and never rejects more often than it says. The mid-p value
    takes off P(wins = min(b, c)): nearer to the level it states, without that guarantee.

    Args:
        b: items only the first model got right, any shape.
        c: items only the second model got right, the same shape.

    Source: Q. McNemar, Psychometrika 12 (1947); M. W. Fagerland, S. Lydersen, P. Laake,
    BMC Medical Research Methodology 13:91 (2013).
    """
    # Imported here: it takes a second, and web servers start without computing anything.
    from scipy.stats import binom

    fewer, trials = np.minimum(b, c), np.asarray(b, dtype=float) + c
    # Boards repeat few pairs of counts many times: test each of them once.
    width = fewer.max(initial=0) + 1
    cases, place = np.unique(trials * width + fewer, return_inverse=True)
    n, k = np.divmod(cases, width)
    p = 2 * binom.cdf(k, n, 0.5)
    if midp:
        p = p - binom.pmf(k, n, 0.5)
    return np.asarray(np.minimum(p, 1.0)[place].reshape(trials.shape), dtype=float)


def holm(p: Floats) -> Floats:
    """Holm's adjusted p-values of each row, its last axis being one family of tests.

    With the m values of a family in rising order, the k-th (from 0) becomes the largest of
    (m - i) p_i over i <= k, at most 1. The rows are adjusted at once, as statsmodels'
    `multipletests` adjusts one.

    Source: S. Holm, Scandinavian Journal of Statistics 6 (1979) 65.
    """
    order = np.argsort(p, axis=-1, kind="stable")
    rising = np.take_along_axis(p, order, axis=-1) * np.arange(p.shape[-1], 0, -1)
    adjusted = np.empty_like(p, dtype=float)
    raised = np.minimum(np.maximum.accumulate(rising, axis=-1), 1.0)
    np.put_along_axis(adjusted, order, raised, axis=-1)
    return adjusted


def against_each(counts: PairCounts) -> tuple[Floats, Floats]:
    """McNemar's exact p-values of all pairs, plain and adjusted over the row model's own family.

    Returns:
        Two matrices [n_models, n_models] with ones on the diagonal. The first is symmetric; row j
        of the second holds Holm's values over the n_models - 1 comparisons of model j.
    """
    n_models = len(counts.wins)
    rows, columns = np.triu_indices(n_models, 1)
    plain, adjusted = np.ones((2, n_models, n_models))
    plain[rows, columns] = mcnemar(counts.wins[rows, columns], counts.wins[columns, rows])
    plain[columns, rows] = plain[rows, columns]
    others = ~np.eye(n_models, dtype=bool)
    adjusted[others] = holm(plain[others].reshape(n_models, n_models - 1)).ravel()
    return plain, adjusted


def difference(
    counts: PairCounts, reference: int, *, alpha: float = 0.05
) -> tuple[Floats, Floats, Floats]:
    """Accuracy of every model minus that of a reference, on the items that both were run on.

    Returns:
        The difference and the ends of its interval, [n_models] each, in -1..1; NaN, -1 and 1 where
        the two share no item; 0, 0 and 0 for the reference itself.

    Source: R. G. Newcombe, Statistics in Medicine 17 (1998) 2635, method 10: Wilson's intervals of
    both accuracies, joined with their correlation.
    """
    n = counts.shared[:, reference]
    known = n > 0
    safe = np.where(known, n, 1.0)
    both = counts.both_right[:, reference]
    b, c = counts.wins[:, reference], counts.wins[reference, :]
    p1, p2 = (both + b) / safe, (both + c) / safe
    (low1, high1), (low2, high2) = (wilson(both + x, n, alpha=alpha) for x in (b, c))
    phi = _correlation(both, b, c, safe - both - b - c)
    down = _joined(p1 - low1, high2 - p2, phi)
    up = _joined(high1 - p1, p2 - low2, phi)
    same = np.arange(len(n)) == reference
    estimate, low, high = (
        np.where(same, 0.0, np.where(known, value, unknown))
        for value, unknown in ((p1 - p2, np.nan), (p1 - p2 - down, -1.0), (p1 - p2 + up, 1.0))
    )
    return estimate, low, high


def _correlation(both: Floats, b: Floats, c: Floats, neither: Floats) -> Floats:
    """Newcombe's phi: continuity corrected towards zero where positive, 0 where a margin is 0."""
    spread = (both + b) * (c + neither) * (both + c) * (b + neither)
    product = both * neither - b * c
    half = (both + b + c + neither) / 2
    product = np.where(product > 0, np.maximum(product - half, 0), product)
    return np.where(spread > 0, product / np.sqrt(np.where(spread > 0, spread, 1)), 0.0)


def _joined(first: Floats, second: Floats, phi: Floats) -> Floats:
    return np.sqrt(np.maximum(first**2 - 2 * phi * first * second + second**2, 0))
