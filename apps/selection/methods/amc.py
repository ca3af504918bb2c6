"""AMC: items drawn to compare all pairs of models."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, PredictionTable

from .drawn import Drawn
from .votes import own_shares

_MOST_PAIRS = 5_000


class Amc(Drawn):
    """Items drawn in proportion to the expected deviation of all pairwise differences of risks.

    The weight of an item is sum_{r != s} sqrt(sum_c v_c (l_r(c) - l_s(c) - D_rs)^2): v_c is the share
    of the votes for c, l_r(c) = 1[h_r != c], and D_rs the mean over the pool of the expected
    difference. Where h_r and h_s differ, the inner sum is v_r (-1 - D)^2 + v_s (1 - D)^2 +
    (1 - v_r - v_s) D^2, v_r being the share of r's own vote; elsewhere it is D^2. A model that was
    not run loses whatever the class. Above 5,000 pairs (100 models) as many are drawn from them by
    the seed. The leader has the most right answers.

    Source: C. Sawade, N. Landwehr, T. Scheffer, "Active comparison of prediction models", NIPS 2012,
    with the committee's votes for the class probabilities, as in Okanovic et al., arXiv 2410.13609.
    """

    def __init__(self, table: PredictionTable, *, seed: int = 0) -> None:
        super().__init__(table, seed=seed)
        own = own_shares(table.predictions)
        expected = own.mean(axis=1)
        answers = table.predictions
        self._weights = np.zeros(table.n_items)
        for r, s in _pairs(table.n_models, seed):
            gap = expected[s] - expected[r]  # of the losses: those of r minus those of s
            differ = answers[r] != answers[s]
            inner = (
                own[r] * (1 + gap) ** 2 + own[s] * (1 - gap) ** 2 + (1 - own[r] - own[s]) * gap**2
            )
            self._weights += 2 * np.sqrt(np.where(differ, np.maximum(inner, 0), gap**2))

    def weights(self) -> Floats:
        """See `Drawn.weights`."""
        return self._weights


def _pairs(n_models: int, seed: int) -> NDArray[np.intp]:
    """[n_pairs, 2], all pairs of models, or as many as are taken, drawn by the seed."""
    whole = n_models * (n_models - 1) // 2
    if whole <= _MOST_PAIRS:
        pairs = list(itertools.combinations(range(n_models), 2))
        return np.array(pairs, dtype=np.intp).reshape(-1, 2)
    random = np.random.default_rng((seed, 3))
    first = random.integers(0, n_models, _MOST_PAIRS)
    return np.stack([first, (first + random.integers(1, n_models, _MOST_PAIRS)) % n_models], axis=1)
