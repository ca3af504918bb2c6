"""Posterior-weighted vote Gini: the items on which the models still believed in are split."""

from __future__ import annotations

from apps.catalog.tables import Floats

from .ranked import Ranked

_GAMMA = 0.6 / 0.4


class Gini(Ranked):
    """The item of the highest sum_c W_c (1 - W_c), W_c the posterior weight of those who vote c.

    The weights are MODEL SELECTOR's with epsilon = .40, gamma^correct with gamma = 1.5, normalised
    among the models that were run on the item. Nothing to tune.

    Source: this project, a simpler relative of MODEL SELECTOR (arXiv 2410.13609).
    """

    def scores(self) -> Floats:
        """See `Ranked.scores`."""
        weights = _GAMMA ** (self.correct - self.correct.max()).astype(float)
        share = self.votes.shares(weights)
        return self.votes.by_item(share * (1 - share))
