"""What every file format is turned into: columns of text, batch by batch, with row numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from apps.catalog.readers.limits import MAX_COLUMNS
from apps.catalog.readers.problems import Problems, ReadingStopped, name_fault, shown

Format = Literal["csv", "jsonl", "json", "parquet", "npz", "zip"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Batch:
    """Some rows. `data` holds per column a string array, dictionary-coded where asked for.

    `file`: which file of several the rows are of; empty where there is one.
    """

    rows: NDArray[np.int64]
    data: dict[str, Any]
    file: str = ""


class Reading:
    """One reading of one file: its name, its problems, who listens, who may stop it."""

    def __init__(
        self,
        path: Path,
        name: str,
        *,
        progress: Progress | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        self.path = path
        self.name = name
        self.problems = Problems(name)
        self._progress = progress
        self._should_stop = should_stop

    def again(self) -> Reading:
        """A second reading of the same file that only looks something up: no problem is kept."""
        return Reading(self.path, self.name, should_stop=self._should_stop)

    def part(self, path: Path, name: str) -> Reading:
        """The reading of one of several files: what is wrong with its rows is kept in this one."""
        part = Reading(path, name, should_stop=self._should_stop)
        part.problems = self.problems
        return part

    def check_stop(self) -> None:
        """Raise `ReadingStopped` when the caller wants no more."""
        if self._should_stop is not None and self._should_stop():
            raise ReadingStopped

    def tick(self, done: int, total: int) -> None:
        """Tell the caller how far the reading is, in whatever unit `total` is."""
        self.check_stop()
        if self._progress is not None:
            self._progress(min(done, total), total)


class Source(Protocol):
    """A file of one format, opened. Nothing but its head has been read."""

    format: Format
    columns: tuple[str, ...]

    @property
    def delimiter(self) -> str | None: ...

    @property
    def encoding(self) -> str | None:
        """A Python codec name; None for what is not text."""
        ...

    def preview(self) -> list[list[str]]:
        """The first rows as text."""
        ...

    def row_estimate(self) -> int:
        """How many rows there are, about."""
        ...

    def batches(
        self, reading: Reading, *, coded: Sequence[str], texts: Sequence[str] = ()
    ) -> Iterator[Batch]:
        """The rows of some columns: `coded` come dictionary-coded, `texts` as plain strings.

        Raises:
            FileProblem: the file's form is broken. It may come after some batches.
        """
        ...


def checked_columns(
    names: Sequence[str], problems: Problems, *, row: int | None
) -> tuple[str, ...]:
    """Column names, stripped; fails on empty, repeated, unsafe or too many ones."""
    if not names:
        problems.fail("The file names no column.", row=row)
    if len(names) > MAX_COLUMNS:
        message = f"The file has {len(names):,} columns; at most {MAX_COLUMNS:,} are taken."
        problems.fail(message, row=row)
    stripped = [name.strip() for name in names]
    first: dict[str, int] = {}
    for position, name in enumerate(stripped, start=1):
        fault = name_fault(name) if name else "is empty"
        if not fault and name in first:
            fault = f"repeats the name of column {first[name]:,}"
        if fault and not name:
            problems.fail(f"The name of column {position:,} {fault}.", row=row)
        if fault:
            message = f"The name of column {position:,}, `{shown(name)}`, {fault}."
            problems.fail(message, row=row, column=name)
        first[name] = position
    return tuple(stripped)
