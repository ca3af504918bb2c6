"""All numbers of a board from tables alone: what the board's job and `manage.py pick` both call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apps.catalog.tables import NOT_RUN, Classes, PredictionTable
from apps.leaderboards.statistics.board import ENOUGH_ANSWERS, rank_candidates
from apps.leaderboards.statistics.bootstrap import frontier_shares
from apps.leaderboards.statistics.classwise import classwise
from apps.leaderboards.statistics.paired import pair_counts
from apps.selection.services import certificate_summary, certify, suggest_items

FORMAT = 5
"""Goes up with every change of what a result holds or how it is computed."""

CLASSES = 30
"""Of more classes than this, those with the most labels become columns."""

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
    by_class = _by_class(table, truth, question.alpha) if ranking else {}
    if ranking:
        _add_frontier(by_class["metrics"], table, truth, prices, question)
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
        **by_class,
    }


def kept_arrays(
    table: PredictionTable,
    labels: ArrayLike,
    *,
    chosen: NDArray[np.bool_],
    slices: Mapping[str, Sequence[str] | NDArray[Any]],
) -> dict[str, NDArray[Any]]:
    """What a board may still be asked once its numbers are made: see `leaderboards.parts`.

    `models` [n_models]: their names. `wins`, `both_right`, `shared` [n_models, n_models]: `PairCounts`
    over the labelled items, as whole numbers. Of the n labelled items in their order: `correct` and
    `answered` [n_models, n / 8] as bits; `label` [n], an index into the classes of the table;
    `chosen` [n]. `slices`: names of slices; of the slice k its `codes_k` [n], -1 where it says nothing,
    into `values_k`, and `sizes_k`: how many items, labelled or not, have the value.

    Args: as of `compute`.
    """
    truth = table.checked_labels(labels)
    known = truth >= 0
    answers = table.predictions[:, known]
    correct, answered = answers == truth[known], answers != NOT_RUN
    counts = pair_counts(correct, answered)
    arrays = {
        "models": np.array(table.model_names, dtype=str),
        **{
            name: getattr(counts, name).astype(np.int32)
            for name in ("wins", "both_right", "shared")
        },
        "correct": np.packbits(correct, axis=1),
        "answered": np.packbits(answered, axis=1),
        "label": truth[known].astype(np.int32),
        "chosen": np.asarray(chosen)[known],
        "slices": np.array(list(slices), dtype=str),
    }
    for number, of_items in enumerate(slices.values()):
        values = np.asarray(of_items, dtype=str)
        held = np.unique(values[known & (values != "")])
        codes = np.full(len(values), -1, np.int32)
        if held.size:
            place = np.minimum(np.searchsorted(held, values), len(held) - 1)
            codes = np.where(held[place] == values, place, -1).astype(np.int32)
        arrays[f"codes_{number}"] = codes[known]
        arrays[f"values_{number}"] = held
        arrays[f"sizes_{number}"] = np.bincount(codes[codes >= 0], minlength=len(held))
    return arrays


def _by_class(table: PredictionTable, truth: Classes, alpha: float) -> dict[str, Any]:
    """`metrics` by model, and columns and cells of classes as those of slices."""
    known = truth >= 0
    found = classwise(
        table.predictions[:, known], truth[known], len(table.class_names), alpha=alpha
    )
    labels = np.bincount(truth[known], minlength=len(table.class_names))
    most = np.sort(np.argsort(-labels, kind="stable")[:CLASSES])
    most = most[labels[most] > 0]
    cells = np.stack([found.right[:, most], found.asked[:, most]], axis=2).astype(int)
    metrics: dict[str, dict[str, Any]] = {}
    for row, name in enumerate(table.model_names):
        worst = int(found.worst[row])
        metrics[name] = {
            "macro_f1": _span(found.macro_f1[row], found.low[row], found.high[row]),
            "worst": None
            if worst < 0
            else {
                "class": table.class_names[worst],
                **_span(
                    found.right[row, worst] / found.asked[row, worst],
                    found.worst_low[row],
                    found.worst_high[row],
                ),
            },
            "p_frontier": None,
        }
    return {
        "class_columns": [
            {"class": table.class_names[place], "labels": int(labels[place])} for place in most
        ],
        "class_cells": {name: cells[row].tolist() for row, name in enumerate(table.model_names)},
        "metrics": metrics,
    }


def _span(value: float, low: float, high: float) -> dict[str, float | None]:
    """An estimate and the ends of its interval; None where it is not known."""
    parts = {"value": float(value), "low": float(low), "high": float(high)}
    return {name: None if np.isnan(part) else part for name, part in parts.items()}


def _add_frontier(
    metrics: dict[str, dict[str, Any]],
    table: PredictionTable,
    truth: Classes,
    prices: ArrayLike | None,
    question: Question,
) -> None:
    """P(on the frontier) of the models of known price that were run on enough to be compared."""
    if prices is None:
        return
    answers = table.predictions[:, truth >= 0]
    ran = answers != NOT_RUN
    enough = ran.sum(axis=1) >= ENOUGH_ANSWERS * ran.sum(axis=1).max()
    shares = frontier_shares(
        answers == truth[truth >= 0],
        ran,
        np.where(enough, np.asarray(prices, dtype=float), np.nan),
        resamples=question.resamples,
        seed=question.seed,
    )
    for name, share in zip(table.model_names, shares.tolist(), strict=True):
        metrics[name]["p_frontier"] = None if np.isnan(share) else share


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
