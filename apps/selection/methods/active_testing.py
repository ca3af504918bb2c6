"""Active testing: items drawn where a surrogate expects losses, and LURE's unbiased risks."""

from __future__ import annotations

import numpy as np

from apps.catalog.tables import NOT_RUN, Floats, PredictionTable

from .drawn import Draw, Drawn
from .lure import lure_weights
from .votes import Votes

_UNIFORM = 0.1


class ActiveTesting(Drawn):
    """Items drawn in proportion to the expected sum of the candidates' losses; the lowest risk leads.

    The surrogate is the committee itself: pi(c | x) is the share of the votes for c. The weight of
    an item is sum_j (1 - pi(h_j(x) | x)), at least a tenth of the mean weight of what is left. The
    leader has the lowest LURE estimate of its risk; a model that was not run on an item loses it.

    Source: J. Kossen, S. Farquhar, Y. Gal, T. Rainforth, "Active testing: sample-efficient model
    evaluation", ICML 2021, arXiv 2103.05331; LURE from S. Farquhar, Y. Gal, T. Rainforth, "On
    statistical bias in active learning", ICLR 2021; the selection rule as CODA's authors apply it.
    """

    def __init__(self, table: PredictionTable, *, seed: int = 0) -> None:
        super().__init__(table, seed=seed)
        votes = Votes.of(table.predictions)
        size = votes.size.astype(float)
        run = votes.by_item(size)[votes.owner]
        self._losses = np.zeros(table.n_items)
        self._losses[votes.items] = votes.by_item(size * (1 - size / run))
        self._losses += np.count_nonzero(table.predictions == NOT_RUN, axis=0)
        self._wrong: list[Floats] = []

    def weights(self) -> Floats:
        """See `Drawn.weights`."""
        left = self._losses[self._free]
        if not left.sum():
            return np.ones(self.table.n_items)
        return np.asarray(np.maximum(self._losses, _UNIFORM * left.mean()))

    def drawn(self, draw: Draw, label: int) -> None:
        """See `Drawn.drawn`."""
        self._wrong.append((self.table.predictions[:, draw.item] != label).astype(float))

    def leader(self) -> int:
        """See `SelectionMethod.leader`."""
        if self.n_labelled:
            self.follow()
        if not self.chain:
            return super().leader()
        weights = lure_weights(
            np.array([draw.probability for draw in self.chain]), self.table.n_items
        )
        return self.drawn_best(-(weights @ np.array(self._wrong)) / len(self.chain))
