"""What candidate models predicted for items: immutable, checked once, plain numpy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import check_shape, indices, names, read_only, whole_numbers

NOT_RUN = -1
"""The prediction of a model that was not run on an item."""

NOT_LABELLED = -1
"""The label of an item that nobody has labelled."""

Classes = NDArray[np.int32]
"""Class indices, with -1 where there is none."""


@dataclass(frozen=True, eq=False)
class PredictionTable:
    """What each candidate model predicted for each item. `of` checks it; nothing changes it.

    Attributes:
        item_ids: distinct, [n_items].
        model_names: distinct, [n_models].
        class_names: distinct, [n_classes]; the classes of the predictions *and* of the labels. A
            class that no model predicts is legal: every model is wrong where it is the label.
        predictions: int32 [n_models, n_items], an index into `class_names`, or -1 where the model
            was not run.
        probabilities: float32 [n_models, n_items] in 0..1, the confidence a model stated in its
            predicted class, NaN where it stated none; None where no model stated any.
    """

    item_ids: tuple[str, ...]
    model_names: tuple[str, ...]
    class_names: tuple[str, ...]
    predictions: Classes
    probabilities: NDArray[np.float32] | None = None

    @classmethod
    def of(
        cls,
        *,
        item_ids: Iterable[str],
        model_names: Iterable[str],
        class_names: Iterable[str],
        predictions: ArrayLike,
        probabilities: ArrayLike | None = None,
    ) -> PredictionTable:
        """Check and copy the parts of a table.

        Raises:
            ValueError: one sentence that says what is wrong, and where.
        """
        items = names(item_ids, "item id", "item")
        models = names(model_names, "model name", "model")
        classes = names(class_names, "class name", "class")
        shape = (len(models), len(items))
        matrix = whole_numbers(predictions, "Predictions")
        check_shape(matrix, shape, "Predictions")
        wrong = (matrix < NOT_RUN) | (matrix >= len(classes))
        if wrong.any():
            row, column = (int(place[0]) for place in np.nonzero(wrong))
            raise ValueError(
                f"Model `{models[row]}`, item `{items[column]}`: prediction {matrix[row, column]} "
                f"is not one of the {len(classes)} classes (0 to {len(classes) - 1}, or -1 for "
                "not run)."
            )
        stated = None
        if probabilities is not None:
            stated = _probabilities(probabilities, shape, models, items)
        return cls(items, models, classes, read_only(matrix.astype(np.int32)), stated)

    @property
    def n_models(self) -> int:
        """Number of candidate models."""
        return len(self.model_names)

    @property
    def n_items(self) -> int:
        """Number of items in the pool."""
        return len(self.item_ids)

    def subset(
        self,
        *,
        items: Sequence[int] | NDArray[Any] | None = None,
        models: Sequence[int] | NDArray[Any] | None = None,
    ) -> PredictionTable:
        """The table of some items and models, in the order given; all of them where None.

        Args:
            items: distinct item indices, or a mask [n_items].
            models: distinct model indices, or a mask [n_models].

        Raises:
            ValueError: an index that does not exist or comes twice, or nothing left.
        """
        columns = indices(items, self.n_items, "item")
        rows = indices(models, self.n_models, "model")
        cut = np.ix_(rows, columns)
        return PredictionTable(
            tuple(self.item_ids[index] for index in columns),
            tuple(self.model_names[index] for index in rows),
            self.class_names,
            read_only(self.predictions[cut]),
            None if self.probabilities is None else read_only(self.probabilities[cut]),
        )

    def checked_labels(self, labels: ArrayLike) -> Classes:
        """The labels of the items as a read-only int32 [n_items], -1 where an item is not labelled.

        Raises:
            ValueError: the wrong number of labels, or one that is not a class.
        """
        values = whole_numbers(labels, "Labels")
        check_shape(values, (self.n_items,), "Labels")
        wrong = np.flatnonzero((values < NOT_LABELLED) | (values >= len(self.class_names)))
        if wrong.size:
            raise ValueError(
                f"Item `{self.item_ids[wrong[0]]}`: label {values[wrong[0]]} is not one of the "
                f"{len(self.class_names)} classes (0 to {len(self.class_names) - 1}, or -1 for not "
                "labelled)."
            )
        return read_only(values.astype(np.int32))


def _probabilities(
    values: ArrayLike, shape: tuple[int, int], models: tuple[str, ...], items: tuple[str, ...]
) -> NDArray[np.float32]:
    array = np.array(values, dtype=np.float32)
    check_shape(array, shape, "Probabilities")
    wrong = (array < 0) | (array > 1)
    if wrong.any():
        row, column = (int(place[0]) for place in np.nonzero(wrong))
        raise ValueError(
            f"Model `{models[row]}`, item `{items[column]}`: probability {array[row, column]:g} "
            "is not between 0 and 1."
        )
    return read_only(array)
