"""What a method that chooses items to label promises, and what all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import NOT_LABELLED, NOT_RUN, Classes, Floats, Mask, PredictionTable

Indices = NDArray[np.intp]

ROUNDING = 1e-9
"""Scores of models that differ by less are equal."""


@dataclass(frozen=True, eq=False)
class Suggestions:
    """Items worth labelling next.

    Attributes:
        items: distinct indices of unlabelled items, the most useful first.
        probabilities: of the same length: the probability with which the item is in this batch,
            given the labels so far, over the seeds. 1 where nothing was left to chance.
    """

    items: Indices
    probabilities: Floats


@dataclass(frozen=True, eq=False)
class Belief:
    """What a method holds of the models after the labels so far.

    Attributes:
        correct: [n_models], labelled items the model got right.
        answered: [n_models], labelled items the model was run on.
        accuracy: [n_models], correct / answered; NaN where it answered none.
        low, high: [n_models], an interval around it, of the kind `rests_on` names.
        p_best, p_within_delta: [n_models], or None for a method that can state no such probability
            honestly.
        rests_on: one sentence for the page: what the intervals and probabilities assume.
        leader: the model to name now; of equals one is drawn.
    """

    correct: NDArray[np.int_]
    answered: NDArray[np.int_]
    accuracy: Floats
    low: Floats
    high: Floats
    p_best: Floats | None
    p_within_delta: Floats | None
    rests_on: str
    leader: int


class SelectionMethod(Protocol):
    """A way to choose the next items, for one pool and one seed.

    What it suggests and believes depends on the *set* of labels it has seen and on its seed, never
    on their order, and asking changes nothing: a session that is read back from its labels goes on
    as if it had never stopped.
    """

    def suggest(self, k: int) -> Suggestions:
        """Up to k distinct items that have no label yet; fewer only where fewer are left.

        Raises:
            ValueError: k is less than 1.
        """

    def observe(self, item: int, label: int) -> None:
        """Take in the label of an item, in any order, whether it was suggested or not.

        Seeing the same label again changes nothing.

        Raises:
            ValueError: no such item or class, or another label than the item already has.
        """

    def leader(self) -> int:
        """The model to name as the best now; of equals one is drawn by the seed."""

    def belief(self) -> Belief:
        """What the labels so far say about each model."""


class MethodFactory(Protocol):
    """How a registered method is made."""

    def __call__(self, table: PredictionTable, *, seed: int = 0) -> SelectionMethod:
        """A method at its start, without labels."""


class LabelledPool:
    """The pool and its labels so far: what every method keeps, and the checks every method makes.

    Attributes:
        table: the predictions of the candidates.
        labels: int32 [n_items], -1 where not labelled.
        correct, answered: int [n_models], labelled items that a model got right, and was run on.
        n_labelled: how many items have a label.
    """

    def __init__(self, table: PredictionTable, *, seed: int = 0) -> None:
        self.table = table
        self.labels: Classes = np.full(table.n_items, NOT_LABELLED, dtype=np.int32)
        self.correct = np.zeros(table.n_models, dtype=int)
        self.answered = np.zeros(table.n_models, dtype=int)
        self._seed = seed
        self.n_labelled = 0

    def observe(self, item: int, label: int) -> None:
        """See `SelectionMethod.observe`."""
        if not 0 <= item < self.table.n_items:
            raise ValueError(
                f"There is no item with the index {item}: the pool has {self.table.n_items}."
            )
        name = self.table.item_ids[item]
        classes = self.table.class_names
        if not 0 <= label < len(classes):
            raise ValueError(
                f"Item `{name}`: label {label} is not one of the {len(classes)} classes "
                f"(0 to {len(classes) - 1})."
            )
        known = self.labels[item]
        if known == label:
            return
        if known != NOT_LABELLED:
            raise ValueError(
                f"Item `{name}` already has the label `{classes[known]}`; `{classes[label]}` was "
                "not taken over."
            )
        self.labels[item] = label
        self.n_labelled += 1
        votes = self.table.predictions[:, item]
        self.correct += votes == label
        self.answered += votes != NOT_RUN

    def unlabelled(self) -> Mask:
        """[n_items], the items without a label."""
        return np.asarray(self.labels == NOT_LABELLED)

    def accuracy(self) -> Floats:
        """[n_models], the share right of the labelled items answered; NaN without any."""
        blank = np.full(self.table.n_models, np.nan)
        np.divide(self.correct, self.answered, out=blank, where=self.answered > 0)
        return blank

    def leader(self) -> int:
        """See `SelectionMethod.leader`: the model with the most right answers."""
        return self.drawn_best(self.correct.astype(float))

    def belief(self) -> Belief:
        """See `SelectionMethod.belief`: sure bounds on the accuracy over the pool.

        Of the items a model was run on, at least the right answers seen are right, and at most
        those and all its answers to unlabelled items; 0 and 1 where it was run on nothing.
        """
        ran = self._ran
        known = np.maximum(ran, 1)
        return Belief(
            correct=self.correct.copy(),
            answered=self.answered.copy(),
            accuracy=self.accuracy(),
            low=self.correct / known,
            high=np.where(ran > 0, (self.correct + ran - self.answered) / known, 1.0),
            p_best=None,
            p_within_delta=None,
            rests_on=(
                "Accuracy on items chosen because the models disagree, so lower than on all items; "
                "the bounds hold for the whole pool whatever the missing labels are."
            ),
            leader=self.leader(),
        )

    @cached_property
    def _ran(self) -> NDArray[np.int_]:
        """[n_models], items of the pool a model was run on."""
        return np.asarray(np.count_nonzero(self.table.predictions != NOT_RUN, axis=1))

    def drawn_best(self, scores: Floats) -> int:
        """The index of the highest score [n_models]; of equals one is drawn."""
        best = np.flatnonzero(scores >= scores.max() - ROUNDING)
        if len(best) == 1:
            return int(best[0])
        return int(np.random.default_rng((self._seed, self.n_labelled, 1)).choice(best))

    def draw(self, scores: Floats, items: Indices, k: int) -> Suggestions:
        """The up to k items of the highest scores; what equal scores leave open is drawn.

        Scores are equal where they agree to ten digits, so that rounding decides nothing. The draw
        depends on the seed and on the number of labels only.

        Args:
            scores: one for each of `items`.
            items: distinct item indices.
            k: how many to take.
        """
        if k < 1:
            raise ValueError(f"At least one item must be asked for, not {k}.")
        random = np.random.default_rng((self._seed, self.n_labelled))
        rounded = np.round(scores, 10)
        lots = random.random(self.table.n_items)[items]
        likely = np.arange(len(items))
        if k < len(items):
            likely = np.flatnonzero(rounded >= np.partition(rounded, -k)[-k])
        order = likely[np.lexsort((lots[likely], -rounded[likely]))[:k]]
        probabilities = np.ones(len(order))
        if len(order) < len(items):
            last = rounded[order[-1]]
            at_last = rounded[order] == last
            probabilities[at_last] = at_last.sum() / (rounded == last).sum()
        return Suggestions(items[order], probabilities)
