"""Labels: which class an item really is, said by whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.catalog.readers.coding import (
    EMPTY,
    NOT_A_NUMBER,
    Coder,
    not_one_of,
    other_class_name,
    refuse_foreign,
    report_empty,
    report_look_alikes,
    whole_name,
    whole_numbers,
)
from apps.catalog.readers.limits import MAX_CLASSES, MAX_ITEMS, MAX_LABELS, MAX_MODELS
from apps.catalog.readers.mapping import Mapping, check_mapping
from apps.catalog.readers.opening import open_source
from apps.catalog.readers.problems import Problem, shown
from apps.catalog.readers.source import Progress, Reading
from apps.core.spreadsheets import as_written

Column = NDArray[np.int32]


@dataclass(frozen=True)
class LabelData:
    """Validated labels, one a place: at most one for an item and annotator.

    `annotators` is None when the file names none; an empty name is an unnamed annotator. `rows`
    are the file's rows, for messages about conflicts with labels that came earlier.
    """

    item_ids: tuple[str, ...]
    labels: tuple[str, ...]
    annotators: tuple[str, ...] | None
    rows: tuple[int, ...]


def read_labels(
    path: Path,
    mapping: Mapping,
    *,
    name: str,
    known_items: Sequence[str] | None = None,
    known_classes: Sequence[str] | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> LabelData:
    """Read and validate a whole file of labels. Rows whose label is empty are not labels yet.

    Args:
        known_items: the dataset's item ids; others are errors. None takes all.
        known_classes: the only classes allowed. None takes all: a class that no model predicted
            is a legal label.

    Raises:
        FileProblem: the first 100 things wrong with the file, and the count of all.
        ReadingStopped: `should_stop` said so.
    """
    reading = Reading(path, name, progress=progress, should_stop=should_stop)
    problems = reading.problems
    source = open_source(path, name=name)
    check_mapping(mapping, source.columns, name)
    if mapping.label is None:
        problems.fail("No column of labels is chosen.")
    items = Coder(
        "item",
        problems,
        known=known_items,
        most=MAX_ITEMS,
        not_known="is not an item of this dataset",
        also=as_written,
    )
    classes = Coder(
        "class",
        problems,
        known=known_classes,
        most=MAX_CLASSES,
        not_known=not_one_of(known_classes or ()),
        also=other_class_name,
        empty=NOT_A_NUMBER,
    )
    people = Coder("annotator", problems, known=None, most=MAX_MODELS)
    coders = [(items, mapping.item), (classes, mapping.label)]
    if mapping.annotator is not None:
        coders.append((people, mapping.annotator))
    parts: list[list[Column]] = [[] for _ in coders]
    rows: list[NDArray[np.int64]] = []
    for batch in source.batches(reading, coded=[column for _, column in coders]):
        found = []
        for coder, column in coders:
            codes = coder.codes(batch.data[column], column)
            coder.report(codes, batch.data[column], batch.rows, column)
            found.append(codes)
        report_empty(found[0], batch.rows, mapping.item, problems)
        given = np.flatnonzero(found[1] != EMPTY)
        rows.append(batch.rows[given])
        for part, codes in zip(parts, found, strict=True):
            part.append(codes[given])
        if sum(one.size for one in rows) > MAX_LABELS:
            problems.fail(f"The file has more than {MAX_LABELS:,} labels, the most that is taken.")
    refuse_foreign(items, "labels", name)
    if known_items is None:
        report_look_alikes(source, reading, items.names, mapping.item)
    columns = [np.concatenate(part) if part else np.empty(0, np.int32) for part in parts]
    return _finished(reading, np.concatenate(rows or [np.empty(0, np.int64)]), columns, coders)


def _finished(
    reading: Reading,
    rows: NDArray[np.int64],
    columns: list[Column],
    coders: list[tuple[Coder, str]],
) -> LabelData:
    items, classes = coders[0][0].names, coders[1][0].names
    _report_repeats(reading, rows, columns, items, classes)
    reading.problems.raise_any()
    if not rows.size:
        reading.problems.fail(
            f"No label is filled in: column `{shown(coders[1][1])}` is empty in every row."
        )
    names = [whole_name(name) for name in classes] if whole_numbers(classes) else classes
    annotators = None
    if len(columns) == 3:
        people = [*coders[2][0].names, ""]
        annotators = tuple(people[code] for code in columns[2].tolist())
    return LabelData(
        item_ids=tuple(items[code] for code in columns[0].tolist()),
        labels=tuple(names[code] for code in columns[1].tolist()),
        annotators=annotators,
        rows=tuple(rows.tolist()),
    )


def _report_repeats(
    reading: Reading,
    rows: NDArray[np.int64],
    columns: list[Column],
    items: list[str],
    classes: list[str],
) -> None:
    """Add a problem for each second label of one item by the same annotator."""
    good = np.flatnonzero((columns[0] >= 0) & (columns[1] >= 0))
    keys = columns[0][good].astype(np.int64)
    if len(columns) == 3:
        keys = keys * (MAX_MODELS + 1) + columns[2][good] + 1
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    earlier = good[first[inverse]]
    again = np.flatnonzero(earlier != good)
    kept = again[: reading.problems.room]
    for index in kept.tolist():
        here, there = int(good[index]), int(earlier[index])
        item, row = items[columns[0][here]], int(rows[here])
        label, other = classes[columns[1][here]], classes[columns[1][there]]
        what = "again" if label == other else f"and as `{shown(other)}`"
        where = "" if len(columns) < 3 else " by the same annotator"
        message = (
            f"Row {row:,}: item `{shown(item)}` is labelled `{shown(label)}` here {what} "
            f"in row {int(rows[there]):,}{where}; keep one of the two."
        )
        reading.problems.add(Problem(message, row, None, label))
    reading.problems.skip(again.size - kept.size)
