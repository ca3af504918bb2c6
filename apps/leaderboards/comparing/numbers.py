"""The numbers of a comparison: made once for a state of the data, kept by the hashes of what they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.catalog.queries import Columns
from apps.catalog.tables import NOT_LABELLED
from apps.core import derived
from apps.leaderboards.statistics import comparison

FORMAT = 1
"""Goes up with every change of what the numbers hold or how they are computed."""

MATRIX_CLASSES = 12
"""Up to so many classes the confusions are a matrix; beyond, a list of the most frequent ones."""

CONFUSIONS = 20
SLICE_VALUES = 30


def numbers(
    columns: Columns, models: Sequence[str], *, alpha: float, first_only: bool
) -> dict[str, Any]:
    """Everything that a comparison says of the models together; plain JSON.

    Keys: `models` names in their order; `items`, `labels`, `differ` (items on which the answers of
    those that were run are not all the same), `differ_unlabelled`; `lines` one a model; `pairs` of
    numbers of models (`statistics.comparison.PairLine`); `classes`; `recall` right and answered by
    model and class; `confusions` one a model: {"matrix"} or {"most"}; `slices`, each with its value and
    the differences of the other models from the first.

    Args:
        models: two to six names of `columns.models`; the first is the baseline.
        alpha: 1 minus the level of the intervals.
        first_only: test against the baseline alone instead of all pairs.
    """
    key = [
        "comparison",
        FORMAT,
        [[name, *columns.held[name][:2]] for name in models],
        columns.label_key,
        columns.version.slice_names,
        alpha,
        first_only,
    ]
    found: dict[str, Any] = derived.document(
        key, lambda: _computed(columns, models, alpha, first_only)
    )
    return found


def patterns_of(columns: Columns, models: Sequence[str]) -> NDArray[np.uint16]:
    """The pattern of each item (`statistics.comparison`), [n_items]."""
    key = ["patterns", [list(columns.held[name][:2]) for name in models], columns.label_key]
    return derived.array(
        key,
        lambda: comparison.patterns([columns.answers(name) for name in models], columns.labels),
    )


def _computed(
    columns: Columns, models: Sequence[str], alpha: float, first_only: bool
) -> dict[str, Any]:
    found = patterns_of(columns, models)
    counts, n_models = comparison.tally(found), len(models)
    pairs = comparison.pair_lines(counts, n_models, alpha=alpha, first_only=first_only)
    matrices = [
        comparison.confusion(columns.answers(name), columns.labels, len(columns.classes))
        for name in models
    ]
    return {
        "format": FORMAT,
        "models": list(models),
        "alpha": alpha,
        "family": "first" if first_only else "all",
        "items": len(found),
        "labels": comparison.count_where(counts, all_of=comparison.LABELLED),
        "chosen_labels": columns.chosen_labels,
        "differ": comparison.count_where(counts, all_of=comparison.DIFFER),
        "differ_unlabelled": comparison.count_where(
            counts, all_of=comparison.DIFFER, none_of=comparison.LABELLED
        ),
        "lines": [asdict(line) for line in comparison.model_lines(counts, n_models, alpha=alpha)],
        "pairs": [asdict(pair) for pair in pairs],
        "classes": list(columns.classes),
        "recall": [_recall(matrix) for matrix in matrices],
        "confusions": [_confusions(matrix) for matrix in matrices],
        "slices": [
            entry
            for name in columns.version.slice_names
            for entry in _slices(columns, found, n_models, name, alpha)
        ],
    }


def _recall(matrix: NDArray[np.int64]) -> list[list[int]]:
    """Right and answered by class."""
    pairs: list[list[int]] = np.stack([np.diagonal(matrix), matrix.sum(axis=1)], axis=1).tolist()
    return pairs


def _confusions(matrix: NDArray[np.int64]) -> dict[str, Any]:
    if len(matrix) <= MATRIX_CLASSES:
        return {"matrix": matrix.tolist()}
    mistakes = matrix.copy()
    np.fill_diagonal(mistakes, 0)
    most = np.argsort(-mistakes, axis=None, kind="stable")[:CONFUSIONS]
    places = [divmod(int(place), len(matrix)) for place in most]
    return {
        "most": [[label, said, int(mistakes[label, said])] for label, said in places
                 if mistakes[label, said]]
    }  # fmt: skip


def _slices(
    columns: Columns, found: NDArray[np.uint16], n_models: int, name: str, alpha: float
) -> list[dict[str, Any]]:
    """The values of a slice with the most labels, each against the first model."""
    column = columns.slice(name)
    known = (columns.labels != NOT_LABELLED) & (column.codes >= 0)
    labelled = np.bincount(column.codes[known], minlength=len(column.values))
    most = np.sort(np.argsort(-labelled, kind="stable")[:SLICE_VALUES])
    most = most[labelled[most] > 0]
    if not most.size:
        return []
    recode = np.full(len(column.values) + 1, -1, np.int32)
    recode[most] = np.arange(len(most))
    counts = comparison.tally(found, recode[column.codes], len(most))
    entries: list[dict[str, Any]] = [
        {
            "slice": name,
            "value": column.values[place],
            "labels": int(labelled[place]),
            "lines": [
                asdict(line) for line in comparison.model_lines(counts[row], n_models, alpha=alpha)
            ],
            "differences": [],
        }
        for row, place in enumerate(most)
    ]
    for other in range(1, n_models):
        gaps = comparison.group_differences(counts, other, 0, alpha=alpha)
        for entry, *values in zip(entries, *gaps, strict=True):
            gap, low, high, p, shared = (float(value) for value in values)
            entry["differences"].append(
                {
                    "difference": gap if shared else None,
                    "low": low,
                    "high": high,
                    "p_adjusted": p,
                    "shared": int(shared),
                }
            )
    return entries
