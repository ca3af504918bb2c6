"""Model Picker: a stream of items, each queried by a coin."""

from __future__ import annotations

import numpy as np

from apps.catalog.tables import Floats, PredictionTable

from .drawn import Draw, Drawn
from .votes import Votes


class ModelPicker(Drawn):
    """Items as a stream from the pool; a coin decides whether to ask for a label.

    With l_j the loss of model j weighted by the inverse of the query probabilities, and eta =
    sqrt(ln M / 2) / sqrt(t), models weigh p_j proportional to exp(-eta l_j). At time t the stream
    brings an item; with e_c = sum_j p_j 1[h_j != c] its label is asked for with probability
    u = min(1, max(max_c e_c (1 - e_c), eta)), and never where all models agree. The leader has the
    smallest l.

    A pool is not a stream: here the stream draws from the pool, again and again, with weights kept
    between two labels. The next item that is asked for is then item i with probability u_i / sum u
    exactly, and the stream is taken to have brought 1 / mean(u) items until then. c runs over the
    classes with votes and those without (e_c = 1, which adds nothing). A model that was not run on
    an item counts as neither voting nor losing.

    Source: M. R. Karimi, N. M. Gürel, B. Karlaš, J. Rausch, C. Zhang, A. Krause, "Online active
    model selection for pre-trained classifiers", AISTATS 2021, arXiv 2010.09818.
    """

    def __init__(self, table: PredictionTable, *, seed: int = 0) -> None:
        super().__init__(table, seed=seed)
        self._votes = Votes.of(table.predictions)
        self._losses = np.zeros(table.n_models)
        self._time = 1.0
        self._chances = self._asked()

    def weights(self) -> Floats:
        """See `Drawn.weights`."""
        return self._chances

    def drawn(self, draw: Draw, label: int) -> None:
        """See `Drawn.drawn`."""
        chance = self._chances[draw.item]
        if chance > 0:
            votes = self.table.predictions[:, draw.item]
            self._losses += ((votes >= 0) & (votes != label)) / chance
            alive = self._chances[self._free]
            if alive.any():
                self._time += 1 / alive[alive > 0].mean()
        self._chances = self._asked()

    def leader(self) -> int:
        """See `SelectionMethod.leader`."""
        if self.n_labelled:
            self.follow()
        return self.drawn_best(-self._losses)

    def _asked(self) -> Floats:
        """[n_items], the probability that the label of an item is asked for."""
        votes = self._votes
        eta = np.sqrt(np.log(self.table.n_models) / 2 / self._time)
        weights = np.exp(-eta * (self._losses - self._losses.min()))
        right = votes.shares(weights)
        chances = np.zeros(self.table.n_items)
        if len(votes.items):
            widest = np.maximum.reduceat(right * (1 - right), votes.first)
            chances[votes.items] = np.minimum(1.0, np.maximum(widest, eta))
        return chances
