"""From text to small integers, a block at a time: no Python step a row."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from apps.catalog.readers.problems import FileProblem, Problem, Problems, listed, name_fault, shown
from apps.catalog.readers.source import Batch, Reading, Source
from apps.core.spreadsheets import as_written

EMPTY = -1
BAD = -2
# What numpy, pandas and R write for a number that is not there. "NA", "None" and "null" stay classes:
# there are tasks that have such ones.
NOT_A_NUMBER = frozenset({"NaN", "nan", "<NA>"})
_WHOLE = re.compile(r"([+-]?\d+)\.0*")
_INTEGER = re.compile(r"-?\d+(\.0*)?")
Codes = NDArray[np.int32]


class Coder:
    """Gives each distinct value of a column a code: its place in `names`.

    Args:
        thing: "item", "model" or "class", for messages.
        known: the only values allowed, in code order; None takes new ones as they come.
        most: how many distinct values are allowed.
        not_known: the end of a sentence about a value that is not known.
        also: another spelling to look up among `known` when a value is not there.
        empty: values that mean an empty cell, where they are not known.
    """

    def __init__(
        self,
        thing: str,
        problems: Problems,
        *,
        known: Sequence[str] | None,
        most: int,
        not_known: str = "",
        also: Callable[[str], str] | None = None,
        empty: Collection[str] = (),
    ) -> None:
        self.names: list[str] = list(known or ())
        self.matched = False
        self.unknown: list[str] = []
        self._thing = thing
        self._problems = problems
        self._closed = known is not None
        self._most = most
        self._not_known = not_known
        self._also = also
        self._empty = empty
        self._by_name = {name: code for code, name in enumerate(self.names)}
        self._faults: dict[str, str] = {}
        self._folded: dict[str, str] | None = None

    def codes(self, array: Any, column: str) -> Codes:
        """Codes of a dictionary-coded column: EMPTY for empty cells, BAD for values not taken."""
        values = array.dictionary.to_pylist()
        table = np.empty(len(values) + 1, np.int32)
        table[-1] = EMPTY
        for place, value in enumerate(values):
            table[place] = self._code(value, column)
        places = array.indices
        if places.null_count:
            places = places.fill_null(len(values))
        found: Codes = table[places.to_numpy(zero_copy_only=False)]
        return found

    def report(self, codes: Codes, array: Any, rows: NDArray[np.int64], column: str) -> None:
        """Add a problem for each BAD code."""
        bad = np.flatnonzero(codes == BAD)
        kept = bad[: self._problems.room]
        for index in kept.tolist():
            value = array[index].as_py()
            self._problems.at(int(rows[index]), self._faults[value], column=column, value=value)
        self._problems.skip(bad.size - kept.size)

    def _code(self, value: str | None, column: str) -> int:
        if value is None:
            return EMPTY
        code = self._by_name.get(value)
        if code is not None:
            self.matched = True
            return code
        if value in self._faults:
            return BAD
        name = value.strip()
        if not name:
            return EMPTY
        code = self._by_name.get(name)
        if code is None and self._closed and self._also is not None:
            code = self._by_name.get(self._also(name))
        if code is not None:
            self.matched = True
            return code
        return EMPTY if name in self._empty else self._new(value, name, column)

    def _new(self, value: str, name: str, column: str) -> int:
        fault = name_fault(name)
        if fault is None and self._closed:
            self.unknown.append(name)
            fault = self._not_known + self._near(name)
        if fault is not None:
            self._faults[value] = fault
            return BAD
        if len(self.names) >= self._most:
            self._problems.fail(
                f"Column `{shown(column)}` brings more than {self._most:,} different "
                f"{self._thing} names; is it the right column?",
                column=column,
            )
        self._by_name[name] = len(self.names)
        self.names.append(name)
        return len(self.names) - 1

    def _near(self, name: str) -> str:
        """Point at a known value that differs only in case, white space or Unicode form."""
        if self._folded is None:
            self._folded = {folded(known): known for known in self.names}
        near = self._folded.get(folded(name))
        return "" if near is None else f"; there is `{shown(near)}`, mind case and white space"


def refuse_foreign(coder: Coder, what: str, name: str) -> None:
    """When not one id is known, say so once instead of once a row.

    Raises:
        FileProblem: none of the ids belongs to the dataset.
    """
    if coder.unknown and not coder.matched:
        count = len(coder.unknown)
        ids = f"none of their {count:,} item ids is" if count > 1 else "their only item id is not"
        message = (
            f"These {what} are for another dataset version: {ids} in this one "
            f"(the first is `{shown(coder.unknown[0])}`)."
        )
        raise FileProblem(name, [Problem(message, value=coder.unknown[0])])


def report_empty(codes: Codes, rows: NDArray[np.int64], column: str, problems: Problems) -> None:
    """Add a problem for each cell that must not be empty but is."""
    empty = np.flatnonzero(codes == EMPTY)
    kept = empty[: problems.room]
    for index in kept.tolist():
        problems.at(int(rows[index]), "is empty", column=column)
    problems.skip(empty.size - kept.size)


def folded(name: str) -> str:
    """A name without case, white space and Unicode form: equal ones are too alike to tell apart."""
    if not name.isascii():
        name = unicodedata.normalize("NFC", name)
    return "".join(name.split()).casefold()


def look_alikes(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of names that are the same when folded, in the order of the second."""
    hashes = np.fromiter((hash(folded(name)) for name in names), np.int64, len(names))
    order = np.argsort(hashes, kind="stable")
    same = hashes[order][1:] == hashes[order][:-1]
    suspects = np.union1d(order[1:][same], order[:-1][same])
    pairs: list[tuple[str, str]] = []
    first: dict[str, str] = {}
    for index in suspects.tolist():
        earlier = first.setdefault(folded(names[index]), names[index])
        if earlier != names[index]:
            pairs.append((earlier, names[index]))
    return pairs


def report_look_alikes(source: Source, reading: Reading, names: Sequence[str], column: str) -> None:
    """Add a problem, with both rows, for names that differ only in case or white space."""
    pairs = look_alikes(names)
    kept = pairs[: reading.problems.room]
    if not kept:
        return
    wanted: set[tuple[str, ...]] = {(name,) for pair in kept for name in pair}
    rows = first_rows(source, reading, (column,), wanted)
    for earlier, later in kept:
        row, other = rows.get((later,), 0), rows.get((earlier,), 0)
        reason = f"and `{shown(earlier)}` of row {other:,} differ only in case or white space"
        message = f"Row {row:,}: `{shown(later)}` in column `{shown(column)}` {reason}."
        reading.problems.add(Problem(message, row, column, later))
    reading.problems.skip(len(pairs) - len(kept))


def first_rows(
    source: Source, reading: Reading, columns: tuple[str, ...], wanted: set[tuple[str, ...]]
) -> dict[tuple[str, ...], int]:
    """Read again to find in which row each wanted combination of values stands first."""
    found: dict[tuple[str, ...], int] = {}
    parts = [{key[place] for key in wanted} for place in range(len(columns))]
    for batch in source.batches(reading.again(), coded=columns):
        hit = np.ones(batch.rows.size, np.bool_)
        for column, values in zip(columns, parts, strict=True):
            hit &= _is_one_of(batch.data[column], values)
        for index in np.flatnonzero(hit).tolist():
            key = tuple(batch.data[column][index].as_py().strip() for column in columns)
            if key in wanted:
                found.setdefault(key, int(batch.rows[index]))
        if len(found) == len(wanted):
            break
    return found


def _is_one_of(array: Any, values: set[str]) -> NDArray[np.bool_]:
    distinct = array.dictionary.to_pylist()
    table = np.zeros(len(distinct) + 1, np.bool_)
    for place, value in enumerate(distinct):
        table[place] = value is not None and value.strip() in values
    hit: NDArray[np.bool_] = table[
        array.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
    ]
    return hit


def other_class_name(name: str) -> str:
    """A class as our own CSV or a table of numbers would have written it."""
    return whole_name(as_written(name))


def whole_name(name: str) -> str:
    """`3.0` as `3`, since spreadsheets and pandas write whole numbers so; others unchanged."""
    match = _WHOLE.fullmatch(name)
    return match.group(1) if match else name


def whole_numbers(names: Iterable[str]) -> bool:
    """Whether all names are whole numbers, `1.0` included."""
    return all(_INTEGER.fullmatch(name) for name in names)


def checked_texts(batch: Batch, column: str, most: int, problems: Problems) -> list[str]:
    """A text column as strings, empty for null; a problem for each text over the limit."""
    array = batch.data[column]
    lengths = pc.fill_null(pc.binary_length(array), 0).to_numpy(zero_copy_only=False)
    for index in np.flatnonzero(lengths > most).tolist():
        problems.at(int(batch.rows[index]), f"is longer than {most:,} bytes", column=column)
    return list(array.fill_null("").to_pylist())


def to_probabilities(batch: Batch, column: str, problems: Problems) -> NDArray[np.float32]:
    """A column of numbers in [0, 1]; NaN for empty cells, a problem for anything else."""
    texts = pc.utf8_trim_whitespace(batch.data[column].fill_null(""))
    empty = pc.equal(texts, "").to_numpy(zero_copy_only=False)
    try:
        numbers = pc.cast(pc.if_else(pc.equal(texts, ""), None, texts), pa.float64())
        found = numbers.to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        found = np.array([_number(text) for text in texts.to_pylist()], np.float64)
    with np.errstate(invalid="ignore"):
        bad = np.flatnonzero(~((found >= 0) & (found <= 1)) & ~empty)
    kept = bad[: problems.room]
    for index in kept.tolist():
        value = batch.data[column][index].as_py()
        reason = "is not a probability between 0 and 1"
        problems.at(int(batch.rows[index]), reason, column=column, value=value)
    problems.skip(bad.size - kept.size)
    probabilities: NDArray[np.float32] = found.astype(np.float32)
    return probabilities


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def not_one_of(classes: Sequence[str]) -> str:
    """The end of a sentence about a class that the dataset does not have."""
    return f"is not one of the classes {listed(classes)}"
