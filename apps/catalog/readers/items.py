"""Items: what the models were run on, with their text or picture and the slices they belong to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from apps.catalog.readers.coding import Coder, checked_texts, report_empty, report_look_alikes
from apps.catalog.readers.images import BadImage, read_image
from apps.catalog.readers.limits import (
    MAX_ITEMS,
    MAX_TEXT_BYTES,
    MAX_TEXT_TOTAL_BYTES,
    MB,
)
from apps.catalog.readers.mapping import Mapping, check_mapping
from apps.catalog.readers.opening import open_source
from apps.catalog.readers.problems import Problem, Problems, shown
from apps.catalog.readers.source import Batch, Progress, Reading

_MAX_SLICES = 10_000


@dataclass(frozen=True)
class ItemData:
    """Validated items, in the order of the file; every sequence has a place an item.

    Attributes:
        texts: "" = none. images: PNG bytes, None = none. slices: by column name, "" = none.
    """

    item_ids: tuple[str, ...]
    texts: tuple[str, ...] | None
    images: tuple[bytes | None, ...] | None
    slices: dict[str, tuple[str, ...]]


def read_items(
    path: Path,
    mapping: Mapping,
    *,
    name: str,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> ItemData:
    """Read and validate a whole file of items.

    Raises:
        FileProblem: the first 100 things wrong with the file, and the count of all.
        ReadingStopped: `should_stop` said so.
    """
    reading = Reading(path, name, progress=progress, should_stop=should_stop)
    source = open_source(path, name=name)
    check_mapping(mapping, source.columns, name)
    reader = _Reader(mapping, reading.problems)
    extra = [column for column in (mapping.text, mapping.image) if column is not None]
    try:
        coded = [mapping.item, *mapping.slices]
        for batch in source.batches(reading, coded=coded, texts=extra):
            reader.take(batch)
        report_look_alikes(source, reading, reader.ids.names, mapping.item)
    finally:
        pa.default_memory_pool().release_unused()
    reading.problems.raise_any()
    return reader.finished()


class _Reader:
    def __init__(self, mapping: Mapping, problems: Problems) -> None:
        self.mapping, self.problems = mapping, problems
        self.ids = Coder("item", problems, known=None, most=MAX_ITEMS)
        self.rows: list[int] = []  # by item code, for messages about repeats
        self.texts: list[str] = []
        self.images: list[bytes | None] = []
        self.bytes = 0
        self.groups = {
            column: Coder("slice", problems, known=None, most=_MAX_SLICES)
            for column in mapping.slices
        }
        self.slices: dict[str, list[str]] = {column: [] for column in mapping.slices}

    def take(self, batch: Batch) -> None:
        column = self.mapping.item
        codes = self.ids.codes(batch.data[column], column)
        self.ids.report(codes, batch.data[column], batch.rows, column)
        report_empty(codes, batch.rows, column, self.problems)
        self._report_repeats(codes, batch)
        if self.mapping.text is not None:
            self.texts.extend(self._texts(batch, self.mapping.text))
        if self.mapping.image is not None:
            self.images.extend(self._images(batch, self.mapping.image))
        for name, coder in self.groups.items():
            groups = coder.codes(batch.data[name], name)
            coder.report(groups, batch.data[name], batch.rows, name)
            names = [*coder.names, ""]
            self.slices[name].extend(names[max(code, -1)] for code in groups.tolist())

    def _report_repeats(self, codes: NDArray[np.int32], batch: Batch) -> None:
        for code, row in zip(codes.tolist(), batch.rows.tolist(), strict=True):
            if code == len(self.rows):
                self.rows.append(row)
            elif code >= 0:
                item = self.ids.names[code]
                message = (
                    f"Row {row:,}: item `{shown(item)}` is there twice; "
                    f"the first is in row {self.rows[code]:,}."
                )
                self.problems.add(Problem(message, row, self.mapping.item, item))

    def _texts(self, batch: Batch, column: str) -> list[str]:
        texts = checked_texts(batch, column, MAX_TEXT_BYTES, self.problems)
        for index, text in enumerate(texts):
            if "\0" in text:
                reason = "holds a NUL character"
                self.problems.at(int(batch.rows[index]), reason, column=column)
        self._weigh(sum(len(text) for text in texts), column)
        return texts

    def _images(self, batch: Batch, column: str) -> list[bytes | None]:
        images: list[bytes | None] = []
        for index, value in enumerate(checked_texts(batch, column, MAX_TEXT_BYTES, self.problems)):
            images.append(None)
            if value.strip() and len(value) <= MAX_TEXT_BYTES:
                try:
                    images[-1] = read_image(value.strip())
                except BadImage as error:
                    row = int(batch.rows[index])
                    self.problems.at(row, str(error), column=column, value=value)
        self._weigh(sum(len(image or b"") for image in images), column)
        return images

    def _weigh(self, size: int, column: str) -> None:
        self.bytes += size
        if self.bytes > MAX_TEXT_TOTAL_BYTES:
            self.problems.fail(
                f"The texts or pictures in column `{shown(column)}` are more than "
                f"{MAX_TEXT_TOTAL_BYTES // MB:,} MB in all.",
                column=column,
            )

    def finished(self) -> ItemData:
        return ItemData(
            item_ids=tuple(self.ids.names),
            texts=None if self.mapping.text is None else tuple(self.texts),
            images=None if self.mapping.image is None else tuple(self.images),
            slices={name: tuple(values) for name, values in self.slices.items()},
        )
