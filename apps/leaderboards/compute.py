"""All numbers of a board from tables alone: what the board's job and `manage.py pick` both call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apps.catalog.tables import NOT_RUN, Classes, PredictionTable
from apps.leaderboards.statistics.board import rank_candidates
from apps.selection.services import certificate_summary, certify, suggest_items

FORMAT = 2
"""Goes up with every change of what a result holds or how it is computed."""

SLICE_VALUES = 30
"""Of a slice with more values than this, those with the most labels become columns."""


@dataclass(frozen=True)
class Question:
    """What is asked of the data: see `rank_candidates`. Prices are for one call of these tokens."""

    delta: float = 0.01
    alpha: float = 0.05
    seed: int = 0
    resamples: int = 10_000
    next_items: int = 20
    input_tokens: int = 1000
    output_tokens: int = 200


def compute(
    table: PredictionTable,
    labels: ArrayLike,
    *,
    question: Question,
    chosen: NDArray[np.bool_] | None = None,
    prices: ArrayLike | None = None,
    slices: Mapping[str, Sequence[str] | NDArray[Any]] | None = None,
) -> dict[str, Any]:
    """The whole result, ready for JSON.

    Args:
        table: the candidates' predictions, [n_models, n_items].
        labels: int [n_items], -1 where there is none.
        question: settings, seed included: equal arguments give equal results.
        chosen: [n_items], the label was chosen to tell candidates apart, not drawn at random.
        prices: USD per call, [n_models], NaN where unknown.
        slices: the value of each item, [n_items], by the name of the slice.

    Returns:
        `ranking` is None, and `problem` a sentence, where the labels rank nothing yet.

    Raises:
        ValueError: arguments that do not fit one another.
    """
    truth = table.checked_labels(labels)
    known = truth >= 0
    ranking, problem = _ranking(table, truth, prices, question)
    prefer = ranking["chosen"] if ranking else None
    proof = certify(table, truth, delta=question.delta, prefer=prefer)
    found = suggest_items(table, truth, k=question.next_items, seed=question.seed)
    columns, per_model = _slice_accuracy(table, truth, slices or {})
    return {
        "format": FORMAT,
        "question": asdict(question),
        "items": table.n_items,
        "models": table.n_models,
        "classes": list(table.class_names),
        "labels": int(known.sum()),
        "chosen_labels": int((known & chosen).sum()) if chosen is not None else 0,
        "not_run": int((table.predictions == NOT_RUN).sum()),
        "all_agree": bool((table.predictions == table.predictions[0]).all()),
        "ranking": ranking,
        "problem": problem,
        "certificate": certificate_summary(proof),
        "next": {
            "method": found.method,
            "items": [{"index": index, "id": table.item_ids[index]} for index in found.indices],
        },
        "slice_columns": columns,
        "slice_cells": per_model,
    }


def _ranking(
    table: PredictionTable, truth: Classes, prices: ArrayLike | None, question: Question
) -> tuple[dict[str, Any] | None, str]:
    if not (truth >= 0).any():
        return None, ""
    if not (table.predictions[:, truth >= 0] != NOT_RUN).any():
        return None, "No model was run on any of the labelled items: there is nothing to rank."
    result = rank_candidates(
        table,
        truth,
        prices=prices,
        delta=question.delta,
        alpha=question.alpha,
        resamples=question.resamples,
        seed=question.seed,
    )
    return result.as_dict(), ""


def _slice_accuracy(
    table: PredictionTable, truth: Classes, slices: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, list[list[int]]]]:
    """Columns {slice, value, labels}, and per model [correct, answered] in the order of the columns."""
    known = truth >= 0
    answers = table.predictions[:, known]
    right, ran = answers == truth[known], answers != NOT_RUN
    columns: list[dict[str, Any]] = []
    cells: list[NDArray[np.int_]] = []
    for name, values in slices.items():
        of_labelled = np.asarray(values, dtype=str)[known]
        distinct, counts = np.unique(of_labelled[of_labelled != ""], return_counts=True)
        most = np.sort(np.argsort(-counts, kind="stable")[:SLICE_VALUES])
        for place in most:
            mask = of_labelled == distinct[place]
            columns.append(
                {"slice": name, "value": str(distinct[place]), "labels": int(counts[place])}
            )
            cells.append(np.stack([right[:, mask].sum(axis=1), ran[:, mask].sum(axis=1)], axis=1))
    if not columns:
        return [], {}
    stacked = np.stack(cells, axis=1)
    return columns, {name: stacked[row].tolist() for row, name in enumerate(table.model_names)}
