"""Top two: the leader against its challenger."""

from __future__ import annotations

import numpy as np

from apps.catalog.tables import Floats, PredictionTable

from .ranked import Ranked


class TopTwo(Ranked):
    """The most split item on which the leader and its challenger differ, then other disputed items.

    Leader and challenger are the two models with the most right answers; equals stand by their
    agreement with the majority on disputed items, then in the order of the table. How split an item
    is says the Gini of the plain votes, 1 - sum_c v_c^2. Models with the answers of the leader on
    every item are not its challengers.

    This is the deterministic member of the family (the empirical best against its nearest rival),
    so that suggestions carry exact probabilities; the original draws both from the posterior.

    Source: D. Russo, "Simple Bayesian algorithms for best arm identification", COLT 2016; M.
    Jourdan, R. Degenne et al., "Top two algorithms revisited", NeurIPS 2022.
    """

    def __init__(self, table: PredictionTable, *, seed: int = 0) -> None:
        super().__init__(table, seed=seed)
        votes, share = self.votes, self.plain_shares()
        self._split = votes.by_item(share * (1 - share))
        self._answers = table.predictions[:, votes.items]
        self._majority = np.count_nonzero(self._answers == votes.choice[votes.first], axis=1)

    def scores(self) -> Floats:
        """See `Ranked.scores`: 1 less for an item that is no duel."""
        order = np.lexsort((-self._majority, -self.correct))
        leader = self._answers[order[0]]
        for challenger in order[1:]:
            duel = leader != self._answers[challenger]
            if duel.any():
                return np.where(duel, self._split, self._split - 1.0)
        return self._split
