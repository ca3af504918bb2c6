"""Whether what the models agree on may be believed: read from the labels bought."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import NOT_RUN, Classes, Floats, Mask
from apps.selection.metrics.credit import Credit

from .base import ROUNDING, Indices
from .votes import own_shares

_ALIKE = 0.5  # above this share of its pairs, being wrong is a thing that models do together
_SURE = 3.0  # standard errors by which the better models must be seen to agree more with the others


class Committee:
    """Who sides with whom on the items, and what the labels say of that.

    Labels are bought where models are split. That the right answer is *outvoted* on most of them, by
    a wrong one that is at least as frequent, says little of the other items by itself. So two more
    things are looked at:

    * *Wrong together.* Of all pairs of models that are both wrong on a label, the share that give
      the same answer. Where that is low, models agree on little but what is right. With two classes
      it is 1.
    * *Better means agreeing.* Let r be a model's mean credit on its labels and a its mean share of
      the votes on the open items. Where the others are mostly right, models of higher r have
      higher a. With c the correlation of the two over n models, z = artanh(c) sqrt(n - 3).

    The committee `misleads` where the right answer is outvoted on more than half of the labels, the
    share is at least 1/2 and z is below 3. Models that stand equal in r and a, such as copies, count
    once in n. Two models are no committee.

    Args:
        answers: [n_models, n_items], classes, or with a credit the kinds of answers.
        credit: what each answer earns; None for right or wrong.

    Source: this project; what was tried is in docs/decisions/0010-the-auto-method.md.
    """

    def __init__(self, answers: Classes, credit: Credit | None = None) -> None:
        self._answers, self._credit = answers, credit
        self._own = own_shares(answers).astype(np.float32)
        self._shared = self._own.sum(axis=1, dtype=float)
        self._open = np.count_nonzero(answers != NOT_RUN, axis=1)
        self._earned = np.zeros(len(answers))
        self._answered = np.zeros(len(answers), dtype=int)
        self._pairs = self._alike = 0
        self._labels = 0
        self.outvoted = 0
        """Labels on which no right answer is more frequent than every wrong one."""

    def observe(self, item: int, label: int) -> None:
        """Take in the label of an item, once."""
        answers = self._answers[:, item]
        run = answers != NOT_RUN
        said, votes = np.unique(answers[run], return_counts=True)
        if self._credit is None:
            earned, right = (answers == label).astype(float), said == label
        else:
            worth = self._credit.earned[label]
            earned, right = worth[answers], worth[said] >= worth.max() - ROUNDING
        self._shared -= self._own[:, item]
        self._open -= run
        self._earned += earned
        self._answered += run
        self._labels += 1
        self.outvoted += int(votes[right].max(initial=0) <= votes[~right].max(initial=-1))
        wrong = int(votes[~right].sum())
        self._alike += int((votes[~right] * (votes[~right] - 1)).sum())
        self._pairs += wrong * (wrong - 1)

    def backs(self, leader: int, items: Indices | Mask) -> NDArray[np.bool_]:
        """[n_models, n], where more models say what the leader says than what each one says."""
        own = self._own[:, items]
        return np.asarray(own[leader] > own)

    @property
    def misleads(self) -> bool:
        """What the models agree on may well be wrong, for all that the labels tell."""
        if len(self._answers) < 3 or not self._pairs or 2 * self.outvoted <= self._labels:
            return False
        return self._alike >= _ALIKE * self._pairs and self._agreeing() < _SURE

    def _agreeing(self) -> float:
        """z; infinite where no model is better than another or none agrees more."""
        known = (self._answered > 0) & (self._open > 0)
        each = np.column_stack([self._earned[known], self._shared[known]])
        each /= np.column_stack([self._answered[known], self._open[known]])
        each = np.unique(np.round(each, 9), axis=0)
        if len(each) < 2 or not (spread := each.std(axis=0)).all():
            return math.inf
        around: Floats = (each - each.mean(axis=0)) / spread
        c = float(np.clip((around[:, 0] * around[:, 1]).mean(), -1 + 1e-9, 1 - 1e-9))
        return math.atanh(c) * math.sqrt(max(0, len(each) - 3))
