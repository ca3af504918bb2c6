"""Graded answers: a share of a point for each pair of a true and a predicted class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apps.catalog.tables import NOT_LABELLED, NOT_RUN, Classes, Floats

_LARGEST = 1e12
_BLOCK = 4_000_000


@dataclass(frozen=True, eq=False)
class Credit:
    """What an answer earns, in 0..1; the score of a model is the mean over the items.

    Classes that earn the same whatever the label is are one *kind* of answer: models that differ
    only within a kind cannot be told apart by any label. Not being run is an answer that earns 0.

    Attributes:
        earned: [n_classes, n_kinds], of a label and a kind of answer.
        kind: int32 [n_classes + 1], the kind of each predicted class; the last is "not run".
        counted: [n_classes], which labels make an item count in the score: all, or those of one
            class where the score is a recall.
    """

    earned: Floats
    kind: Classes
    counted: NDArray[np.bool_]

    @classmethod
    def of(cls, matrix: ArrayLike) -> Credit:
        """From [n_classes, n_classes]: a row for each true class, a column for each predicted one.

        Raises:
            ValueError: not square, or an entry that is not between 0 and 1.
        """
        values = square(matrix)
        if ((values < 0) | (values > 1)).any():
            raise ValueError("Each credit must be between 0 and 1.")
        return cls._of(values, np.ones(len(values), dtype=bool))

    @classmethod
    def of_costs(cls, matrix: ArrayLike) -> Credit:
        """From costs [n_classes, n_classes]: the cheapest entry earns 1, the dearest 0.

        The mean cost of an item is `highest - score * (highest - lowest)`, so the best score is the
        lowest cost; an item that a model was not run on costs it the highest.

        Raises:
            ValueError: not square, an entry that is no number, or all entries equal.
        """
        values = square(matrix)
        spread = values.max() - values.min()
        if spread <= 0:
            raise ValueError("All costs are equal: then no model is better than another.")
        return cls._of((values.max() - values) / spread, np.ones(len(values), dtype=bool))

    @classmethod
    def of_class(cls, n_classes: int, chosen: int) -> Credit:
        """The recall of a class: only items of that class count.

        Raises:
            ValueError: there is no such class.
        """
        if not 0 <= chosen < n_classes:
            raise ValueError(f"There is no class {chosen}: there are {n_classes}.")
        earned = np.zeros((n_classes, 2))
        earned[chosen, 0] = 1.0
        kind = np.ones(n_classes + 1, dtype=np.int32)
        kind[chosen] = 0
        return cls(earned, kind, np.arange(n_classes) == chosen)

    @classmethod
    def _of(cls, values: Floats, counted: NDArray[np.bool_]) -> Credit:
        columns = np.column_stack([values, np.zeros(len(values))])
        distinct, kind = np.unique(columns, axis=1, return_inverse=True)
        return cls(distinct, kind.reshape(-1).astype(np.int32), counted)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.earned)

    @cached_property
    def gain(self) -> Floats:
        """[n_kinds, n_kinds], the most that an answer of one kind can earn above one of another on
        an item, whatever its label is."""
        rows = np.unique(self.earned, axis=0)
        most = np.full((rows.shape[1],) * 2, -np.inf)
        for row in rows:
            np.maximum(most, row[:, None] - row, out=most)
        return most

    @cached_property
    def stake(self) -> Floats:
        """[n_kinds, n_kinds], the most by which the two can differ, either way."""
        return np.maximum(self.gain, self.gain.T)

    def kinds(self, predictions: Classes) -> Classes:
        """The kind of each prediction, of the same shape; -1 (not run) has one too."""
        return np.asarray(self.kind[predictions])  # the index -1 is the last entry

    def of_labels(self, kinds: Classes, labels: Classes) -> Floats:
        """[n_models, n], what answers of these kinds [n_models, n] earn with the labels [n]; 0
        where an item is not labelled."""
        found = self.earned[labels, kinds]
        return np.asarray(np.where(labels == NOT_LABELLED, 0.0, found))

    def expected(self, kinds: Classes, shares: Floats) -> Floats:
        """[n_models, n_items], what each answer earns if labels are spread as `shares`
        [n_items, n_classes]."""
        by_kind = shares @ self.earned
        return np.asarray(np.take_along_axis(by_kind.T, kinds, axis=0))

    def base(self, labels: Classes) -> float:
        """Items that surely count in the score once all are labelled, of int32 [n_items]: all of
        them, or for a recall those of its class so far."""
        known = labels[labels != NOT_LABELLED]
        rest = (len(labels) - len(known)) if self.counted.all() else 0
        return float(np.count_nonzero(self.counted[known]) + rest)


def square(matrix: ArrayLike) -> Floats:
    """The matrix as floats.

    Raises:
        ValueError: not square, empty, or an entry that is no finite number.
    """
    try:
        values = np.asarray(matrix, dtype=float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("The matrix needs a number for each pair of classes.") from error
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not values.size:
        shape = " × ".join(map(str, values.shape)) or "a single number"
        raise ValueError(f"The matrix must have a row and a column for each class, not {shape}.")
    if not (np.abs(values) <= _LARGEST).all():
        raise ValueError(
            "Each entry of the matrix must be a number, and at most a million million."
        )
    return values


def vote_shares(predictions: Classes, n_classes: int) -> Floats:
    """[n_items, n_classes], the share of the models that say a class, of those that were run on the
    item; equal shares where none was."""
    n_models, n_items = predictions.shape
    counts = np.zeros((n_items, n_classes))
    step = max(1, _BLOCK // max(1, n_items))
    items = np.arange(n_items)
    for first in range(0, n_models, step):
        block = predictions[first : first + step]
        places = (items * n_classes + block)[block != NOT_RUN]
        counts += np.bincount(places, minlength=n_items * n_classes).reshape(counts.shape)
    total = counts.sum(axis=1, keepdims=True)
    blank = np.full_like(counts, 1 / n_classes)
    return np.asarray(np.divide(counts, total, out=blank, where=total > 0))
