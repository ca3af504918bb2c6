"""Rank ranges that say no more than paired evidence says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats

from .paired import PairCounts, against_each


@dataclass(frozen=True, eq=False)
class Ranks:
    """The ranks that remain possible for each model.

    Attributes:
        p: [n_models, n_models], McNemar's exact p-values, not adjusted; symmetric.
        p_adjusted: [n_models, n_models], row j after Holm over the comparisons of model j.
        low: [n_models], 1 + the number of models significantly better: the best rank possible.
        high: [n_models], n_models - the number of models significantly worse.
        open: [n_models], how many comparisons of the model the labels do not decide.
    """

    p: Floats
    p_adjusted: Floats
    low: NDArray[np.int_]
    high: NDArray[np.int_]
    open: NDArray[np.int_]

    def tied_with(self, leader: int) -> NDArray[np.intp]:
        """The other models that may still be the best, since no model is significantly better."""
        tied = self.low == 1
        tied[leader] = False
        return np.flatnonzero(tied)


def rank_ranges(counts: PairCounts, *, alpha: float = 0.05) -> Ranks:
    """Rank ranges from McNemar's exact test of every model against each of the others.

    What is guaranteed: each range is a confidence set of that model's rank. Its family is the
    model's own n_models - 1 comparisons, adjusted by Holm. If the labelled items are a random
    sample, the probability that the range of a given model misses its true rank is at most alpha.
    So the models whose range begins at 1 (the leader and what is tied with it) contain a given
    best model with probability at least 1 - alpha, whichever model the labels made the leader.
    The ranges do not all hold at once with that probability; a family of all pairs would promise
    that, and leave about half as many models again tied. Models that share few items, or none, are
    simply not separated. Labels that were chosen to tell the models apart are not a random sample:
    the guarantee does not cover them.

    Source: M. Mogstad, J. P. Romano, A. M. Shaikh, D. Wilhelm, "Inference for ranks", Review of
    Economic Studies 91 (2024) 476: marginal confidence sets for ranks; here with exact tests.
    """
    p, adjusted = against_each(counts)
    decided = adjusted <= alpha
    n_models = len(p)
    behind = (decided & (counts.wins < counts.wins.T)).sum(axis=1)
    ahead = (decided & (counts.wins > counts.wins.T)).sum(axis=1)
    return Ranks(p, adjusted, 1 + behind, n_models - ahead, n_models - 1 - behind - ahead)
