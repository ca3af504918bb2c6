"""Scores of models from what they said and what was true: sums of credit, F1, recalls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import NOT_LABELLED, Classes, Floats, PredictionTable

from .credit import Credit

ACCURACY, CREDIT, MACRO_F1, WORST_CLASS = "accuracy", "credit", "macro_f1", "worst_class"


@dataclass(frozen=True, eq=False)
class Score:
    """What makes a model good, in 0..1.

    Attributes:
        name: `accuracy`; `credit`, the mean of a credit over the items that count in it; `macro_f1`,
            the mean F1 of the classes that some label is; `worst_class`, the lowest recall of one of
            them.
        credit: what each answer earns; None for right or wrong.
    """

    name: str = ACCURACY
    credit: Credit | None = None

    @property
    def additive(self) -> bool:
        """Whether the best model is the one with the highest sum over the items."""
        return self.name in (ACCURACY, CREDIT)

    def of_labels(
        self, table: PredictionTable, labels: Classes, weights: Floats | None = None
    ) -> Floats:
        """[n_models], the score on the labelled items; 0 where none of them counts.

        Args:
            table: the predictions.
            labels: int32 [n_items], -1 where an item is left out.
            weights: [n_items], what each item counts; 1 where None.
        """
        known = np.flatnonzero(labels != NOT_LABELLED)
        votes, truth = table.predictions[:, known], labels[known]
        counts = np.ones(len(known)) if weights is None else weights[known]
        if self.additive:
            if self.credit is None:
                earned = (votes == truth).astype(float)
            else:
                earned = self.credit.of_labels(self.credit.kinds(votes), truth)
                counts = counts * self.credit.counted[truth]
            whole = float(counts.sum())
            return np.asarray(earned @ counts / whole if whole else np.zeros(len(votes)))
        n_classes = len(table.class_names)
        true = np.bincount(truth, weights=counts, minlength=n_classes).astype(float)
        right = by_class(votes == truth, truth, counts, n_classes)
        return of_counts(self.name, right, by_class(votes >= 0, votes, counts, n_classes), true)


def by_class(hits: NDArray[np.bool_], classes: Classes, counts: Floats, n_classes: int) -> Floats:
    """[n_models, n_classes], the weight of each model's hits [n_models, n] by class, [n] or like the
    hits."""
    found = np.zeros((len(hits), n_classes))
    for model, row in enumerate(hits):
        own = classes if classes.ndim == 1 else classes[model]
        found[model] = np.bincount(own[row], weights=counts[row], minlength=n_classes)
    return found


def of_counts(name: str, right: Floats, said: Floats, true: Floats) -> Floats:
    """[n_models], macro-F1 or the worst class; 0 without any label.

    Args:
        name: which.
        right, said: [n_models, n_classes], items of a class that a model says it of, and all items
            that it says it of.
        true: [n_classes], items of a class.
    """
    there = true > 0
    if not there.any():
        return np.zeros(len(right))
    right, said, true = right[:, there], said[:, there], true[there]
    if name == WORST_CLASS:
        return np.asarray((right / true).min(axis=1))
    return np.asarray((2 * right / (said + true)).mean(axis=1))
