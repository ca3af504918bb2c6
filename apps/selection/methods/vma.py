"""VMA: items drawn where the losses of pairs of models vary most."""

from __future__ import annotations

import numpy as np

from apps.catalog.tables import Floats, PredictionTable

from .drawn import Drawn
from .votes import Votes

_FLOOR = 0.01


class Vma(Drawn):
    """Items drawn in proportion to the variance of pairwise loss differences under the votes.

    The weight of an item is sum_{j<k} sum_c |1[h_j != c] - 1[h_k != c]| v_c + 0.01, v_c the share of
    the votes for c. With n_c votes for c of the n models run, it is sum_c v_c n_c (n - n_c) + 0.01.
    The leader has the most right answers.

    Source: M. Matsuura, S. Hara, "Active model selection: a variance minimization approach", 2023,
    in the form of Okanovic et al., arXiv 2410.13609.
    """

    def __init__(self, table: PredictionTable, *, seed: int = 0) -> None:
        super().__init__(table, seed=seed)
        votes = Votes.of(table.predictions)
        size = votes.size.astype(float)
        run = votes.by_item(size)[votes.owner]
        self._weights = np.full(table.n_items, _FLOOR)
        self._weights[votes.items] += votes.by_item(size / run * size * (run - size))

    def weights(self) -> Floats:
        """See `Drawn.weights`."""
        return self._weights
