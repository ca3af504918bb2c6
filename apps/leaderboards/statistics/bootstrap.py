"""How often each model comes out best when the labelled items are drawn again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, Mask

CELLS = 4_000_000
"""Numbers held at a time in each working array: 32 MB."""


def best_shares(
    correct: Mask, answered: Mask, *, delta: float, resamples: int = 10_000, seed: int = 0
) -> tuple[Floats, Floats]:
    """P(best) and P(within delta of the best) by a paired bootstrap over the labelled items.

    A resample draws as many items as there are, with replacement, the same ones for every model. A
    model's accuracy in it is over the drawn items that it was run on; without any it takes no part
    in that resample. Models that share the highest accuracy share the credit equally, so that
    P(best) sums to 1. A resample in which no model takes part is shared by all that answered
    anything. Equal seeds give equal results, whatever the order of the items.

    Args:
        correct: [n_models, n_items], the model was run on the labelled item and is right.
        answered: [n_models, n_items], the model was run on it.
        delta: how far behind the best still counts, as a difference of accuracies.

    Returns:
        P(best) and P(within delta), [n_models] each.

    Source: B. Efron, Annals of Statistics 7 (1979).
    """
    right, ran, weights = _patterns(correct, answered)
    random = np.random.default_rng(seed)
    n_models, n_items = correct.shape
    takes_part: Mask = answered.sum(axis=1) > 0
    best, within = np.zeros(n_models), np.zeros(n_models)
    chunk = max(1, CELLS // max(n_models, len(weights)))
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        draws = random.multinomial(n_items, weights / n_items, size=size).astype(np.float32)
        credit, near = _credits(draws, right, ran, takes_part, delta)
        best += credit
        within += near
    return best / resamples, within / resamples


def frontier_shares(
    correct: Mask,
    answered: Mask,
    prices: Floats,
    *,
    resamples: int = 10_000,
    seed: int = 0,
) -> Floats:
    """P(on the frontier): how often no other model is no dearer and no less accurate, and better in one.

    The same resamples as those of `best_shares`, the prices being as they are. A model that was run on
    no drawn item is off the frontier of that resample.

    Args:
        correct, answered: [n_models, n_items], as in `best_shares`.
        prices: [n_models], NaN where not known.

    Returns:
        [n_models], NaN where the price is not known.
    """
    known = np.flatnonzero(~np.isnan(prices))
    shares = np.full(len(prices), np.nan)
    if not known.size:
        return shares
    order = known[np.argsort(prices[known], kind="stable")]
    rising = prices[order]
    # Of each model, how many are cheaper, and how many cost no more.
    cheaper = np.searchsorted(rising, rising, side="left")
    upto = np.searchsorted(rising, rising, side="right")
    right, ran, weights = _patterns(correct, answered)
    random = np.random.default_rng(seed)
    n_models, n_items = correct.shape
    on = np.zeros(len(order))
    chunk = max(1, CELLS // max(n_models, len(weights)))
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        draws = random.multinomial(n_items, weights / n_items, size=size).astype(np.float32)
        met = (draws @ ran[:, order]).astype(float)
        accuracy = np.where(met > 0, (draws @ right[:, order]) / np.where(met > 0, met, 1), -np.inf)
        best = np.concatenate(
            [np.full((size, 1), -np.inf), np.maximum.accumulate(accuracy, axis=1)], axis=1
        )
        on += ((accuracy > best[:, cheaper]) & (accuracy == best[:, upto])).sum(axis=0)
    shares[order] = on / resamples
    return shares


def _patterns(
    correct: Mask, answered: Mask
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.intp]]:
    """Items on which all models did the same are one item with a weight: drawing them is cheaper.

    Returns correct and answered as [n_patterns, n_models], and the number of items of each pattern.
    """
    n_models = len(correct)
    packed = np.packbits(np.concatenate([correct, answered]).T, axis=1)
    distinct, weights = np.unique(packed, axis=0, return_counts=True)
    bits = np.unpackbits(distinct, axis=1, count=2 * n_models).astype(np.float32)
    return bits[:, :n_models], bits[:, n_models:], weights


def _credits(
    draws: NDArray[np.float32],
    right: NDArray[np.float32],
    ran: NDArray[np.float32],
    takes_part: Mask,
    delta: float,
) -> tuple[Floats, Floats]:
    """Sums over resamples of the credit for being best, and of being within delta."""
    # Whole numbers in float32 are exact, and their float64 quotients equal where the ratios are.
    met = (draws @ ran).astype(float)
    accuracy = np.where(met > 0, (draws @ right) / np.where(met > 0, met, 1), -np.inf)
    top = accuracy.max(axis=1, keepdims=True)
    accuracy = np.where(np.isinf(top) & takes_part, 0.0, accuracy)
    top = np.where(np.isinf(top), 0.0, top)
    is_best = accuracy == top
    credit = (is_best / is_best.sum(axis=1, keepdims=True)).sum(axis=0)
    return credit, (accuracy >= top - delta - 1e-12).sum(axis=0).astype(float)
