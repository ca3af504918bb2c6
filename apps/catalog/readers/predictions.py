"""Predictions: any supported file, wide or long, to one matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from apps.catalog.readers.cells import Cells
from apps.catalog.readers.coding import (
    BAD,
    NOT_A_NUMBER,
    Coder,
    first_rows,
    look_alikes,
    not_one_of,
    other_class_name,
    refuse_foreign,
    report_empty,
    report_look_alikes,
    to_probabilities,
    whole_name,
    whole_numbers,
)
from apps.catalog.readers.limits import (
    MAX_CELLS,
    MAX_CLASSES,
    MAX_FLOAT_CLASSES,
    MAX_ITEMS,
    MAX_MODELS,
)
from apps.catalog.readers.mapping import Mapping, check_mapping
from apps.catalog.readers.npz_predictions import read_npz
from apps.catalog.readers.npz_source import NpzSource
from apps.catalog.readers.opening import open_source
from apps.catalog.readers.prediction_data import PredictionData
from apps.catalog.readers.problems import Problem, shown
from apps.catalog.readers.source import Batch, Progress, Reading, Source
from apps.core.spreadsheets import as_written, names_as_written


def read_predictions(
    path: Path,
    mapping: Mapping,
    *,
    name: str,
    known_items: Sequence[str] | None = None,
    known_classes: Sequence[str] | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> PredictionData:
    """Read and validate a whole predictions file.

    Args:
        path: the file. name: what its owner calls it, for messages.
        mapping: which column is what; not looked at for .npz.
        known_items: the dataset's item ids in their order; others are errors. None takes all.
        known_classes: the dataset's classes in their order; others are errors. None takes all.
        progress: called with (done, total) now and then. should_stop: asked now and then.

    Returns:
        The matrix [n_models, n_items], -1 where a model was not run (an empty cell, NaN, or no row).
        Items are in the order of `known_items` (all of them), else of the file; models in the
        order of the file; classes in the order of `known_classes`, else sorted.

    Raises:
        FileProblem: the first 100 things wrong with the file, and the count of all.
        ReadingStopped: `should_stop` said so.
    """
    reading = Reading(path, name, progress=progress, should_stop=should_stop)
    source = open_source(path, name=name)
    try:
        if isinstance(source, NpzSource):
            return read_npz(source, reading, known_items=known_items, known_classes=known_classes)
        check_mapping(mapping, source.columns, name)
        if not mapping.is_long and not mapping.models:
            reading.problems.fail("No column of predictions is chosen.")
        return _Reader(source, reading, mapping, known_items, known_classes).read()
    finally:
        pa.default_memory_pool().release_unused()


@dataclass(frozen=True)
class _Again:
    """A cell that the file sets a second time."""

    row: int
    item: str
    model: str


class _Reader:
    def __init__(
        self,
        source: Source,
        reading: Reading,
        mapping: Mapping,
        known_items: Sequence[str] | None,
        known_classes: Sequence[str] | None,
    ) -> None:
        problems = reading.problems
        self.source, self.reading, self.mapping = source, reading, mapping
        self.known_items, self.known_classes = known_items, known_classes
        self.items = Coder(
            "item",
            problems,
            known=known_items,
            most=MAX_ITEMS,
            not_known="is not an item of this dataset",
            also=as_written,
        )
        self.models = Coder("model", problems, known=None, most=MAX_MODELS)
        self.classes = Coder(
            "class",
            problems,
            known=known_classes,
            most=MAX_CLASSES,
            not_known=not_one_of(known_classes or ()),
            also=other_class_name,
            empty=NOT_A_NUMBER,
        )
        self.cells = Cells(
            problems,
            items=len(known_items or ()),
            models=len(mapping.models),
            confidence=mapping.is_long and mapping.probability is not None,
        )
        self.again: list[_Again] = []
        self.repeats = 0

    def read(self) -> PredictionData:
        if self.mapping.is_long:
            self._read_long()
        else:
            self._read_wide()
        self._report_repeats()
        refuse_foreign(self.items, "predictions", self.reading.name)
        if self.known_items is None:
            report_look_alikes(self.source, self.reading, self.items.names, self.mapping.item)
        if self.mapping.model is not None:
            names = self.models.names
            report_look_alikes(self.source, self.reading, names, self.mapping.model)
        self.reading.problems.raise_any()
        return self._finished()

    def _read_long(self) -> None:
        item, model = self.mapping.item, self.mapping.model or ""
        prediction, probability = self.mapping.prediction or "", self.mapping.probability
        texts = [probability] if probability else []
        coded = [item, model, prediction]
        for batch in self.source.batches(self.reading, coded=coded, texts=texts):
            items = self._required(self.items, batch, item)
            models = self._required(self.models, batch, model)
            classes = self._classes(batch, prediction)
            sure = None
            if probability:
                sure = to_probabilities(batch, probability, self.reading.problems)
            self.cells.fit(len(self.models.names), len(self.items.names))
            self._put(batch, models, items, classes, sure)

    def _read_wide(self) -> None:
        item, columns = self.mapping.item, self.mapping.models
        self.models.names.extend(columns)
        for earlier, later in look_alikes(columns):
            self.reading.problems.fail(
                f"The columns `{shown(earlier)}` and `{shown(later)}` differ only in case or white "
                "space.",
                row=1,
                column=later,
            )
        for batch in self.source.batches(self.reading, coded=[item, *columns]):
            items = self._required(self.items, batch, item)
            self.cells.fit(len(columns), len(self.items.names))
            if (rows := self.source.row_estimate()) * len(columns) <= MAX_CELLS:
                self.cells.fit(len(columns), rows)
            for place, column in enumerate(columns):
                classes = self._classes(batch, column)
                models = np.full(items.size, place, np.int32)
                self._put(batch, models, items, classes, None, repeats=place == 0)

    def _required(self, coder: Coder, batch: Batch, column: str) -> NDArray[np.int32]:
        codes = coder.codes(batch.data[column], column)
        coder.report(codes, batch.data[column], batch.rows, column)
        report_empty(codes, batch.rows, column, self.reading.problems)
        return codes

    def _classes(self, batch: Batch, column: str) -> NDArray[np.int32]:
        codes = self.classes.codes(batch.data[column], column)
        self.classes.report(codes, batch.data[column], batch.rows, column)
        if self.known_classes is None and len(self.classes.names) > MAX_FLOAT_CLASSES:
            self._refuse_numbers(column)
        return codes

    def _refuse_numbers(self, column: str) -> None:
        """Scores in place of classes are the likeliest mistake in choosing a column."""
        names = self.classes.names[: 2 * MAX_FLOAT_CLASSES]
        decimals = sum(_is_decimal(name) for name in names)
        if decimals > 0.9 * len(names):
            self.reading.problems.fail(
                f"Column `{shown(column)}` looks like a number, not a class: it has more than "
                f"{MAX_FLOAT_CLASSES:,} different decimals, such as {shown(names[0])}.",
                column=column,
            )

    def _put(
        self,
        batch: Batch,
        models: NDArray[np.int32],
        items: NDArray[np.int32],
        classes: NDArray[np.int32],
        sure: NDArray[np.float32] | None,
        *,
        repeats: bool = True,
    ) -> None:
        good = np.flatnonzero((models >= 0) & (items >= 0) & (classes != BAD))
        if good.size < items.size:
            models, items, classes = models[good], items[good], classes[good]
            sure = None if sure is None else sure[good]
        again = self.cells.put(models, items, classes, sure)
        if not repeats:
            return
        self.repeats += again.size
        for index in again[: self.reading.problems.room - len(self.again)].tolist():
            row = int(batch.rows[good[index]])
            pair = self.items.names[items[index]], self.models.names[models[index]]
            self.again.append(_Again(row, *pair))

    def _report_repeats(self) -> None:
        if not self.again:
            self.reading.problems.skip(self.repeats)
            return
        item, model = self.mapping.item, self.mapping.model
        columns = (item, model) if model is not None else (item,)
        wanted = {(one.item, one.model)[: len(columns)] for one in self.again}
        rows = first_rows(self.source, self.reading, columns, wanted)
        for one in self.again:
            first = rows[(one.item, one.model)[: len(columns)]]
            what = f"has a second prediction of `{shown(one.model)}`" if model else "is there twice"
            message = (
                f"Row {one.row:,}: item `{shown(one.item)}` {what}; the first is in row {first:,}."
            )
            self.reading.problems.add(Problem(message, one.row, item, one.item))
        self.reading.problems.skip(self.repeats - len(self.again))

    def _finished(self) -> PredictionData:
        names, recode = self._class_order()
        models, items = len(self.models.names), len(self.items.names)
        predictions, sure = self.cells.finished(models, items, recode)
        if not (predictions >= 0).any():
            self.reading.problems.fail("The file holds no prediction: every cell is empty.")
        return PredictionData(
            item_ids=tuple(self.items.names),
            model_names=names_as_written(self.models.names),
            class_names=names,
            predictions=predictions,
            probabilities=sure,
        )

    def _class_order(self) -> tuple[tuple[str, ...], NDArray[np.int16]]:
        """Class names in their final order, and the new code of each old one."""
        old = self.classes.names
        if self.known_classes is not None:
            return tuple(old), np.arange(len(old), dtype=np.int16)
        if whole_numbers(old):
            final = [whole_name(name) for name in old]
            names = sorted(set(final), key=lambda name: (int(name), name))
        else:
            final = old
            names = sorted(final)
        place = {name: code for code, name in enumerate(names)}
        return tuple(names), np.array([place[name] for name in final], np.int16)


def _is_decimal(name: str) -> bool:
    try:
        return not float(name).is_integer()
    except (ValueError, OverflowError):
        return False
