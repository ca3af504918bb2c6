"""The prediction matrix of an .npz file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.catalog.readers.coding import Coder, look_alikes, refuse_foreign, whole_name
from apps.catalog.readers.limits import MAX_CLASSES
from apps.catalog.readers.npz_source import ITEM_COLUMN, NpzSource
from apps.catalog.readers.prediction_data import PredictionData
from apps.catalog.readers.problems import Problems, listed, name_fault, shown
from apps.catalog.readers.source import Reading


def read_npz(
    source: NpzSource,
    reading: Reading,
    *,
    known_items: Sequence[str] | None,
    known_classes: Sequence[str] | None,
) -> PredictionData:
    """See `read_predictions`; classes keep the order of the file's `class_names`."""
    problems = reading.problems
    if "predictions" not in source.shapes:
        problems.fail(f"The .npz file has no `predictions`; it has {listed(source.shapes)}.")
    models = _unique(source.texts("model_names"), "model_names", problems)
    items = _unique(source.texts(ITEM_COLUMN), ITEM_COLUMN, problems)
    codes = source.array("predictions")
    if codes.dtype.kind not in "iu":
        problems.fail(
            f"`predictions` holds {codes.dtype}; whole numbers (class indices) are taken."
        )
    reading.tick(1, 3)
    low, high = int(codes.min()), int(codes.max())
    if low < -1:
        problems.fail(f"`predictions` holds {low}; class indices and -1 (not run) are taken.")
    if high < 0:
        problems.fail("The file holds no prediction: every cell is -1.")
    classes = _classes(source, high, problems)
    predictions = codes.astype(np.int16)
    sure = _probabilities(source, predictions.shape, problems)
    reading.tick(2, 3)
    if known_classes is not None:
        predictions = _recoded(predictions, classes, known_classes, models, items, problems)
        classes = list(known_classes)
    if known_items is not None:
        places = _places(items, known_items, reading)
        predictions = _spread(predictions, places, len(known_items), -1)
        sure = None if sure is None else _spread(sure, places, len(known_items), np.nan)
        items = list(known_items)
    reading.tick(3, 3)
    return PredictionData(tuple(items), tuple(models), tuple(classes), predictions, sure)


def _unique(names: list[str], key: str, problems: Problems) -> list[str]:
    stripped = [name.strip() for name in names]
    seen: dict[str, int] = {}
    for index, name in enumerate(stripped):
        fault = name_fault(name) if name else "is empty"
        if fault is None and name in seen:
            fault = f"is there twice, at {seen[name]:,} and {index:,}"
        if fault is not None:
            problems.fail(f"`{shown(name)}` at {index:,} of `{key}` {fault}.", column=key)
        seen[name] = index
    for earlier, later in look_alikes(stripped) if key != "class_names" else ():
        problems.fail(
            f"`{shown(earlier)}` and `{shown(later)}` in `{key}` differ only in case or "
            "white space.",
            column=key,
        )
    return stripped


def _classes(source: NpzSource, high: int, problems: Problems) -> list[str]:
    if high >= MAX_CLASSES:
        problems.fail(f"`predictions` holds {high:,}; at most {MAX_CLASSES:,} classes are taken.")
    if "class_names" not in source.shapes:
        return [str(index) for index in range(high + 1)]
    classes = _unique(source.texts("class_names"), "class_names", problems)
    if high >= len(classes):
        problems.fail(
            f"`predictions` holds the class index {high:,}, "
            f"but `class_names` has only {len(classes):,}."
        )
    return classes


def _probabilities(
    source: NpzSource, shape: tuple[int, ...], problems: Problems
) -> NDArray[np.float32] | None:
    key = next((key for key in ("probabilities", "top1_prob") if key in source.shapes), None)
    if key is None:
        return None
    if source.shapes[key] != shape:
        problems.fail(
            f"`{key}` must have the shape of `predictions`: the probability stated for each.",
            column=key,
        )
    values = source.array(key)
    if values.dtype == np.uint8:
        return values.astype(np.float32) / np.float32(255)
    if values.dtype.kind != "f":
        problems.fail(f"`{key}` holds {values.dtype}; probabilities between 0 and 1 are taken.")
    with np.errstate(invalid="ignore"):
        bad = np.argwhere(~(((values >= 0) & (values <= 1)) | np.isnan(values)))
    if bad.size:
        model, item = bad[0]
        problems.fail(
            f"`{key}` of model {model:,} and item {item:,} is {values[model, item]}, "
            f"not a probability between 0 and 1 ({len(bad):,} such).",
            column=key,
        )
    return values.astype(np.float32)


def _recoded(
    predictions: NDArray[np.int16],
    classes: Sequence[str],
    known: Sequence[str],
    models: Sequence[str],
    items: Sequence[str],
    problems: Problems,
) -> NDArray[np.int16]:
    place = {name: code for code, name in enumerate(known)}
    table = np.array(
        [place.get(name, place.get(whole_name(name), -2)) for name in classes] + [-1], np.int16
    )
    recoded = table[predictions]
    bad = np.argwhere(recoded == -2)
    if bad.size:
        model, item = bad[0]
        value = classes[int(predictions[model, item])]
        problems.fail(
            f"`{shown(value)}`, predicted by `{shown(models[model])}` for item "
            f"`{shown(items[item])}`, "
            f"is not one of the classes {listed(known)} ({len(bad):,} such).",
        )
    return recoded


def _places(items: Sequence[str], known: Sequence[str], reading: Reading) -> NDArray[np.int64]:
    """Where each of the file's items stands in the dataset."""
    place = {name: index for index, name in enumerate(known)}
    missing = [name for name in items if name not in place]
    if missing:
        coder = Coder("item", reading.problems, known=(), most=0)
        coder.unknown, coder.matched = missing, len(missing) < len(items)
        refuse_foreign(coder, "predictions", reading.name)
        reading.problems.fail(
            f"{len(missing):,} item ids are not items of this dataset: {listed(missing)}."
        )
    return np.array([place[name] for name in items], np.int64)


def _spread(
    values: NDArray[Any], places: NDArray[np.int64], items: int, fill: float
) -> NDArray[Any]:
    out = np.full((values.shape[0], items), fill, values.dtype)
    out[:, places] = values
    return out
