"""Items at random: the baseline that every other method must beat."""

from __future__ import annotations

import numpy as np

from .base import Belief, LabelledPool, Suggestions


class RandomSampling(LabelledPool):
    """Uniformly random unlabelled items, without replacement; the leader has the most right.

    Labels gained this way are the only ones from which accuracies, intervals and tests follow
    without further assumptions.
    """

    def suggest(self, k: int) -> Suggestions:
        """See `SelectionMethod.suggest`: each of r unlabelled items with probability k / r."""
        items = np.flatnonzero(self.unlabelled())
        return self.draw(np.zeros(len(items)), items, k)

    def belief(self) -> Belief:
        """See `SelectionMethod.belief`: Wilson's 95% interval, 0 to 1 where nothing was answered.

        P(best) needs a comparison of all models: a board makes it from the same labels.
        """
        known = self.answered > 0
        # Imported here: it takes a second, and web servers start without computing anything.
        from statsmodels.stats.proportion import proportion_confint

        low, high = proportion_confint(
            self.correct, np.where(known, self.answered, 1), alpha=0.05, method="wilson"
        )
        return Belief(
            correct=self.correct.copy(),
            answered=self.answered.copy(),
            accuracy=self.accuracy(),
            low=np.where(known, low, 0.0),
            high=np.where(known, high, 1.0),
            p_best=None,
            p_within_delta=None,
            rests_on="95% intervals, right if the labelled items were drawn at random.",
            leader=self.leader(),
        )
