import re
from typing import Any

import numpy as np
import pytest

from apps.catalog.tables import PredictionTable


def table(**changes: Any) -> PredictionTable:
    parts: dict[str, Any] = {
        "item_ids": ["i1", "i2", "i3"],
        "model_names": ["alpha", "beta"],
        "class_names": ["cat", "dog"],
        "predictions": [[0, 1, -1], [1, 1, 0]],
    }
    return PredictionTable.of(**parts | changes)


def test_a_table_keeps_names_and_predictions() -> None:
    made = table(probabilities=[[0.5, 1, np.nan], [0, 0.25, 0.75]])
    assert (made.n_models, made.n_items) == (2, 3)
    assert made.predictions.dtype == np.int32
    assert made.predictions.tolist() == [[0, 1, -1], [1, 1, 0]]
    assert made.probabilities is not None
    assert made.probabilities.dtype == np.float32


def test_nothing_can_change_a_table_afterwards() -> None:
    source = np.array([[0, 1, -1], [1, 1, 0]])
    made = table(predictions=source, probabilities=np.full((2, 3), 0.5))
    source[0, 0] = 1
    assert made.predictions[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        made.predictions[0, 0] = 1
    assert made.probabilities is not None
    with pytest.raises(ValueError, match="read-only"):
        made.probabilities[0, 0] = 1
    with pytest.raises(AttributeError):
        made.item_ids = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"item_ids": []}, "A table needs at least one item."),
        ({"model_names": ["a", "a"]}, "The model name `a` comes more than once."),
        ({"item_ids": ["x", "y", "x"]}, "The item id `x` comes more than once."),
        ({"class_names": ["cat", "cat"]}, "The class name `cat` comes more than once."),
        ({"predictions": [[0, 1]]}, "Predictions: 1 × 2 where 2 × 3 were expected."),
        ({"predictions": 1}, "Predictions: a single one where 2 × 3 were expected."),
        (
            {"predictions": [[0.5] * 3] * 2},
            "Predictions must be whole numbers, not float64.",
        ),
        (
            {"predictions": [[0, 1, -1], [1, 2, 0]]},
            "Model `beta`, item `i2`: prediction 2 is not one of the 2 classes (0 to 1, or -1 for "
            "not run).",
        ),
        (
            {"probabilities": [[0.5, 0.5, 1.5], [0, 0, 0]]},
            "Model `alpha`, item `i3`: probability 1.5 is not between 0 and 1.",
        ),
        (
            {"probabilities": [[0.5, 0.5, -np.inf], [0, 0, 0]]},
            "Model `alpha`, item `i3`: probability -inf is not between 0 and 1.",
        ),
    ],
)
def test_a_bad_part_is_named_in_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        table(**changes)


def test_a_huge_index_is_refused_and_not_wrapped_around() -> None:
    with pytest.raises(ValueError, match="prediction 4294967296 is not one of"):
        table(predictions=[[0, 1, -1], [1, 2**32, 0]])


def test_a_subset_keeps_the_order_asked_for() -> None:
    made = table(probabilities=np.arange(6).reshape(2, 3) / 10)
    cut = made.subset(items=[2, 0], models=np.array([False, True]))
    assert (cut.item_ids, cut.model_names) == (("i3", "i1"), ("beta",))
    assert cut.predictions.tolist() == [[0, 1]]
    assert cut.probabilities is not None
    assert cut.probabilities[0] == pytest.approx([0.5, 0.3])
    assert cut.class_names == made.class_names
    assert not cut.predictions.flags.writeable


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        ([3], "There is no item with the index 3: the table has 3."),
        ([-1], "There is no item with the index -1: the table has 3."),
        ([1, 1], "The same item was chosen more than once."),
        ([], "A list of at least one item was expected."),
        ([[0], [1]], "A list of at least one item was expected."),
        (np.array([True]), "The chosen items: 1 where 3 were expected."),
        ([0.0], "The chosen items must be whole numbers, not float64."),
    ],
)
def test_a_subset_of_what_is_not_there_is_refused(items: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        table().subset(items=items)


def test_labels_are_checked_against_the_classes() -> None:
    labels = table().checked_labels([1, -1, 0])
    assert labels.dtype == np.int32
    assert labels.tolist() == [1, -1, 0]
    with pytest.raises(ValueError, match="Item `i2`: label 2 is not one of the 2 classes"):
        table().checked_labels([0, 2, 0])
    with pytest.raises(ValueError, match="Labels: 2 where 3 were expected"):
        table().checked_labels([0, 1])
