"""The main job on files alone: `manage.py pick`. No database, the same numbers as a board's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.catalog.readers import (
    FileProblem,
    LabelData,
    PredictionData,
    Problem,
    Sniffed,
    read_labels,
    read_predictions,
    read_prices,
    sniff,
)
from apps.catalog.readers.problems import listed, shown
from apps.catalog.readers.sniffing import LABEL_COLUMNS
from apps.catalog.tables import NOT_LABELLED, PredictionTable
from apps.leaderboards.compute import Question, compute
from apps.leaderboards.exports import SELECTED_BY
from apps.leaderboards.words import price_unit

_MILLION = 1_000_000
_NAME_WIDTH = 36
_DRAWN = ("", "random", "uniform")


@dataclass(frozen=True)
class Files:
    """What to pick from. `predictions` may be a folder that holds predictions.npz."""

    predictions: Path
    labels: Path
    prices: Path | None = None


def pick(files: Files, question: Question, *, today: date) -> dict[str, Any]:
    """The result of `compute` for files.

    `set_aside` in it names columns that no model was seen in, `strangers` labels that no model answers.

    Raises:
        FileProblem: a file that cannot be read, or that says what cannot be; nothing else.
    """
    predictions, set_aside = _predictions(files.predictions)
    labels, chosen = _labels(files.labels, predictions)
    strangers = _strangers(files.labels.name, labels, predictions)
    classes = [*predictions.class_names]
    classes += sorted(set(labels.labels) - set(classes))
    code = {name: index for index, name in enumerate(classes)}
    place = {item: index for index, item in enumerate(predictions.item_ids)}
    truth = np.full(len(place), NOT_LABELLED, np.int32)
    truth[[place[item] for item in labels.item_ids]] = [code[name] for name in labels.labels]
    try:
        table = PredictionTable.of(
            item_ids=predictions.item_ids,
            model_names=predictions.model_names,
            class_names=classes,
            predictions=predictions.predictions,
        )
        prices = _prices(files.prices, table.model_names, question, today)
        result = compute(
            table,
            truth,
            question=question,
            chosen=(truth >= 0) if chosen else None,
            prices=prices,
        )
    except ValueError as error:
        raise FileProblem(files.labels.name, [Problem(str(error))]) from error
    if result["ranking"] is None:
        message = result["problem"] or "There is no label in it: at least one is needed to rank."
        raise FileProblem(files.labels.name, [Problem(message)])
    return result | {"set_aside": set_aside, "strangers": strangers}


def answer(result: dict[str, Any]) -> dict[str, Any]:
    """What the command writes as JSON."""
    ranking, proof = result["ranking"], result["certificate"]
    keys = (
        "model", "correct", "accuracy", "low", "high", "rank_low", "rank_high", "p_best", "price",
    )  # fmt: skip
    return {
        "chosen": ranking["chosen"],
        "cheapest_within_delta": ranking["cheapest_within_delta"],
        "p_best": ranking["p_best"],
        "tied_with": ranking["tied_with"],
        "labels": result["labels"],
        "certificate": {
            "holds": proof["holds"],
            "worst_case_labels_left": proof["worst_case_labels_left"],
        },
        "board": [{key: row[key] for key in keys} for row in ranking["rows"]],
        "next_items": [item["id"] for item in result["next"]["items"]],
    }


def as_text(result: dict[str, Any], rows: int = 20) -> str:
    """The board as a table for a terminal, the best `rows` models."""
    listed = result["ranking"]["rows"]
    unit = price_unit(result)
    lines = [f"{'rank':>9}  {'model':<{_NAME_WIDTH}} {'right':>11}  {'accuracy (interval)':<22}"
             f"{'P(best)':>8}  price {unit.name}"]  # fmt: skip
    for row in listed[:rows]:
        low, high = row["rank_low"], row["rank_high"]
        name = row["model"]
        name = name if len(name) <= _NAME_WIDTH else name[: _NAME_WIDTH - 1] + "…"
        lines.append(
            f"{f'{low}-{high}' if low != high else str(low):>9}  {name:<{_NAME_WIDTH}} "
            f"{row['correct']:>5}/{row['answered']:<5}  {_interval(row):<22}"
            f"{_chance(row['p_best']):>8}  "
            f"{'unknown' if row['price'] is None else unit.amount(row['price'])}"
        )
    if len(listed) > rows:
        lines.append(f"{'':>9}  and {len(listed) - rows:,} more")
    return "\n".join(lines)


def _interval(row: dict[str, Any]) -> str:
    if row["accuracy"] is None:
        return "unknown"
    return f"{row['accuracy']:6.1%} ({row['low']:.1%}-{row['high']:.1%})"


def _chance(p: float | None) -> str:
    return "unknown" if p is None else f"{p:.1%}"


def _predictions(path: Path) -> tuple[PredictionData, list[str]]:
    """The predictions, and the columns of a wide table that are not taken for models."""
    if path.is_dir():
        path = path / "predictions.npz"
    _check_there(path)
    found = sniff(path, purpose="predictions", name=path.name)
    mapping = found.mapping
    taken = {mapping.item, *mapping.models}
    aside = [name for name in found.columns if name not in taken] if mapping.models else []
    return read_predictions(path, mapping, name=path.name), aside


def _labels(path: Path, predictions: PredictionData) -> tuple[LabelData, bool]:
    """The labels, and whether the file says that a method chose the items."""
    _check_there(path)
    found = sniff(path, purpose="labels", name=path.name)
    _check_label_column(found, path.name)
    labels = read_labels(path, found.mapping, name=path.name, known_items=predictions.item_ids)
    _check_agreement(labels, path.name)
    return _named(labels, predictions.class_names), _says_chosen(found)


def _check_label_column(found: Sniffed, name: str) -> None:
    """Nobody confirms the columns here, so among several none is taken for the labels by its place."""
    used = {found.mapping.item, found.mapping.annotator}
    others = [column for column in found.columns if column not in used]
    label = (found.mapping.label or "").strip().lower()
    if found.mapping.label in others and len(others) > 1 and label not in LABEL_COLUMNS:
        message = (
            f"None of its {len(found.columns)} columns is called `label`: name the one that is."
        )
        raise FileProblem(name, [Problem(message)])


def _check_agreement(labels: LabelData, name: str) -> None:
    """Nobody settles here what annotators call differently, and the last one is no better."""
    first: dict[str, tuple[str, int]] = {}
    for item, label, row in zip(labels.item_ids, labels.labels, labels.rows, strict=True):
        other, place = first.setdefault(item, (label, row))
        if other != label:
            message = (
                f"Row {row:,}: item `{shown(item)}` is labelled `{shown(label)}` here, but "
                f"`{shown(other)}` in row {place:,}; settle on one of the two."
            )
            raise FileProblem(name, [Problem(message, row)])


def _strangers(name: str, labels: LabelData, predictions: PredictionData) -> list[str]:
    """Labels that no model ever answers, sorted. Are all of them, the two files speak of two things."""
    codes = np.unique(predictions.predictions)
    answered = {predictions.class_names[code] for code in codes[codes >= 0]}
    given = set(labels.labels)
    if given and given.isdisjoint(answered):
        message = (
            f"No model answers any of its labels ({listed(sorted(given))}); "
            f"they answer {listed(sorted(answered))}."
        )
        raise FileProblem(name, [Problem(message)])
    return sorted(given - answered)


def _says_chosen(found: Sniffed) -> bool:
    """Whether a list says of itself that a method picked its items."""
    if SELECTED_BY not in found.columns:
        return False
    place = found.columns.index(SELECTED_BY)
    return any(row[place].strip().lower() not in _DRAWN for row in found.preview)


def _named(labels: LabelData, classes: Sequence[str]) -> LabelData:
    """Labels that are numbers of classes, where no class has such a name, become the names."""
    known, numbers = set(classes), {str(index) for index in range(len(classes))}
    given = set(labels.labels)
    if not given or given & known or not given <= numbers:
        return labels
    names = tuple(classes[int(label)] for label in labels.labels)
    return LabelData(labels.item_ids, names, labels.annotators, labels.rows)


def _prices(
    path: Path | None, models: Sequence[str], question: Question, today: date
) -> NDArray[np.float64] | None:
    """US dollars a call, [n_models]: the newest price of each model that is in force today."""
    if path is None:
        return None
    _check_there(path)
    newest: dict[str, tuple[date, float]] = {}
    for price in read_prices(path, name=path.name):
        since = price.valid_from or date.min
        model = price.model.lower()
        if since <= today and (model not in newest or since >= newest[model][0]):
            cost = price.usd_per_call or Decimal(0)
            if price.input_usd_per_1m is not None and price.output_usd_per_1m is not None:
                cost += price.input_usd_per_1m * question.input_tokens / _MILLION
                cost += price.output_usd_per_1m * question.output_tokens / _MILLION
            newest[model] = since, float(cost)
    found = np.array([newest.get(name.lower(), (today, math.nan))[1] for name in models])
    if np.isnan(found).all():
        message = "None of its prices is for a model of the predictions, in force today."
        raise FileProblem(path.name, [Problem(message)])
    return found


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise FileProblem(path.name, [Problem(f"There is no file at {path}.")])
    try:
        path.open("rb").close()
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror})."
        raise FileProblem(path.name, [Problem(message)]) from error
