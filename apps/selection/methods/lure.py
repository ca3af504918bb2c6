"""LURE: unbiased risks from items drawn without replacement with known probabilities."""

from __future__ import annotations

import numpy as np

from apps.catalog.tables import Floats


def lure_weights(probabilities: Floats, n_items: int) -> Floats:
    """The weight of each draw: mean(weight * loss) estimates the mean loss of the pool without bias.

    v_k = 1 + (N - m) / (N - k) (1 / ((N - k + 1) q_k) - 1), for the k-th of m draws from N items.

    Args:
        probabilities: [m], in the order of the draws, q_k above 0: that of the item drawn, among
            those not drawn before.
        n_items: N.

    Raises:
        ValueError: more draws than items, or a probability that is none.

    Source: S. Farquhar, Y. Gal, T. Rainforth, "On statistical bias in active learning: how and when
    to fix it", ICLR 2021, arXiv 2101.11665.

    >>> lure_weights(np.array([0.5, 0.5, 0.5]), 4).round(3).tolist()
    [0.833, 0.833, 1.0]
    """
    m = len(probabilities)
    if m > n_items:
        raise ValueError(f"{m} draws without replacement from {n_items} items are not possible.")
    if not np.all((probabilities > 0) & (probabilities <= 1)):
        raise ValueError("Each item must have been drawn with a probability above 0 and up to 1.")
    if m == n_items:
        return np.ones(m)
    left = n_items - np.arange(1, m + 1)
    return np.asarray(1 + (n_items - m) / left * (1 / ((left + 1) * probabilities) - 1))
