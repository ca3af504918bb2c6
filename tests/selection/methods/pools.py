"""Small pools of predictions for tests."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from apps.catalog.tables import PredictionTable


def pool(predictions: ArrayLike, n_classes: int) -> PredictionTable:
    matrix = np.asarray(predictions)
    return PredictionTable.of(
        item_ids=[f"item {i}" for i in range(matrix.shape[1])],
        model_names=[f"model {j}" for j in range(matrix.shape[0])],
        class_names=[f"class {c}" for c in range(n_classes)],
        predictions=matrix,
    )


@st.composite
def pools(
    draw: st.DrawFn,
    *,
    max_models: int = 5,
    max_items: int = 8,
    max_classes: int = 4,
    lowest: int = -1,
) -> PredictionTable:
    n_models, n_items, n_classes = (
        draw(st.integers(1, most)) for most in (max_models, max_items, max_classes)
    )
    classes: Any = st.integers(lowest, n_classes - 1)
    row = st.lists(classes, min_size=n_items, max_size=n_items)
    return pool(draw(st.lists(row, min_size=n_models, max_size=n_models)), n_classes)


def labels_for(table: PredictionTable, *, lowest: int = -1) -> st.SearchStrategy[list[int]]:
    label = st.integers(lowest, len(table.class_names) - 1)
    return st.lists(label, min_size=table.n_items, max_size=table.n_items)
