"""What methods share that order the disputed items by a score."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from apps.catalog.tables import Floats, PredictionTable

from .base import LabelledPool, Suggestions
from .votes import Votes


class Ranked(LabelledPool, ABC):
    """Disputed items by a score, then the others; equals at random; the most right answers lead."""

    def __init__(self, table: PredictionTable, *, seed: int = 0) -> None:
        super().__init__(table, seed=seed)
        self.votes = Votes.of(table.predictions)

    @abstractmethod
    def scores(self) -> Floats:
        """[n_disputed], of the items `self.votes.items`: how useful their labels are now."""

    def suggest(self, k: int) -> Suggestions:
        """See `SelectionMethod.suggest`: disputed items by their score, then others at random."""
        scores = np.full(self.table.n_items, -np.inf)
        scores[self.votes.items] = self.scores()
        items = np.flatnonzero(self.unlabelled())
        return self.draw(scores[items], items, k)

    def plain_shares(self) -> Floats:
        """[n_groups], each group's share of the votes on its item."""
        votes = self.votes
        return np.asarray(votes.size / votes.by_item(votes.size.astype(float))[votes.owner])


class Fixed(Ranked, ABC):
    """Ranked by a score that no label changes: a subclass says how doubtful each vote is."""

    def __init__(self, table: PredictionTable, *, seed: int = 0) -> None:
        super().__init__(table, seed=seed)
        self._doubt = self.doubt(self.plain_shares())

    @abstractmethod
    def doubt(self, share: Floats) -> Floats:
        """[n_disputed], from each group's share of the votes on its item, [n_groups]."""

    def scores(self) -> Floats:
        """See `Ranked.scores`."""
        return self._doubt
