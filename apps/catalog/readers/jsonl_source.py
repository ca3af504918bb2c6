"""JSON Lines: one flat object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import pyarrow as pa

from apps.catalog.readers.encodings import Utf8Stream, detect_encoding
from apps.catalog.readers.limits import (
    BLOCK_BYTES,
    MAX_RECORD_BYTES,
    MAX_ROWS,
    MB,
    PREVIEW_ROWS,
    SAMPLE_BYTES,
)
from apps.catalog.readers.problems import Problems, shown
from apps.catalog.readers.source import Batch, Format, Reading, checked_columns

_BATCH_ROWS = 20_000
_BATCH_BYTES = 4 * MB
_SAMPLE_ROWS = 1_000

Row = dict[str, object]


class BadJson(ValueError):
    """What is wrong with a piece of JSON, as the end of a sentence."""


def parse_object(text: str) -> Row:
    """Parse one JSON object with every number kept as the text it was written as.

    Raises:
        BadJson: not one object, keys repeated, NaN or infinity, nested too deep, broken.
    """
    try:
        value = _DECODER.decode(text)
    except BadJson:
        raise
    except RecursionError:
        raise BadJson("is nested too deep") from None
    except ValueError as error:
        reason = getattr(error, "msg", "broken")
        raise BadJson(f"is not valid JSON ({reason}, character {_place(error)})") from None
    if not isinstance(value, dict):
        raise BadJson('is not a JSON object like {"item_id": "7", "label": "cat"}')
    return value


def _place(error: ValueError) -> int:
    return int(getattr(error, "pos", 0)) + 1


def _no_repeats(pairs: list[tuple[str, object]]) -> Row:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise BadJson(f"has the key `{shown(key)}` twice")
            seen.add(key)
    return found


def _no_constant(name: str) -> NoReturn:
    raise BadJson(f"holds {name}, which is not a JSON value")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_no_repeats, parse_constant=_no_constant, parse_float=str, parse_int=str
)


class JsonlSource:
    """A JSON Lines file; its columns are the keys of the first lines."""

    format: Format = "jsonl"
    delimiter: str | None = None

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._size = path.stat().st_size
        self.encoding: str = detect_encoding(path, name=name)
        problems = Problems(name)
        keys: dict[str, None] = {}
        self._head: list[Row] = []
        self._bytes = 0
        with Utf8Stream(path, self.encoding, name=name) as stream:
            for number, line in numbered_lines(stream, problems):
                self._bytes += len(line)
                try:
                    row = parse_object(line.decode("utf-8"))
                except BadJson as error:
                    problems.fail(f"Row {number:,} {error}.", row=number)
                keys.update(dict.fromkeys(row))
                self._head.append(row)
                if len(self._head) >= _SAMPLE_ROWS or self._bytes >= SAMPLE_BYTES:
                    break
        if not self._head:
            problems.fail("The file is empty.")
        if any(key != key.strip() for key in keys):
            bad = next(key for key in keys if key != key.strip())
            problems.fail(f"The key `{shown(bad)}` has white space around it.", column=bad)
        self.columns = checked_columns(list(keys), problems, row=None)
        self._known = frozenset(self.columns)

    def preview(self) -> list[list[str]]:
        return [
            [_shown_cell(row.get(column)) for column in self.columns]
            for row in self._head[:PREVIEW_ROWS]
        ]

    def row_estimate(self) -> int:
        return max(len(self._head), round(self._size * len(self._head) / max(1, self._bytes)))

    def batches(
        self, reading: Reading, *, coded: Sequence[str], texts: Sequence[str] = ()
    ) -> Iterator[Batch]:
        names = [*coded, *texts]
        cells: dict[str, list[str | None]] = {name: [] for name in names}
        rows: list[int] = []
        size = 0
        with Utf8Stream(
            self._path,
            self.encoding,
            name=reading.name,
            heard=lambda done: reading.tick(done, self._size),
        ) as stream:
            for number, line in numbered_lines(stream, reading.problems):
                row = self._row(number, line, names, reading)
                if row is None:
                    continue
                rows.append(number)
                size += len(line)
                for name in names:
                    cells[name].append(row[name])
                if len(rows) >= _BATCH_ROWS or size >= _BATCH_BYTES:
                    yield _batch(rows, cells, set(coded))
                    rows, size = [], 0
                    cells = {name: [] for name in names}
        if rows:
            yield _batch(rows, cells, set(coded))

    def _row(
        self, number: int, line: bytes, names: Sequence[str], reading: Reading
    ) -> dict[str, str | None] | None:
        """The named cells of one line as text; None when it is faulty, which is told."""
        try:
            row = parse_object(line.decode("utf-8"))
        except BadJson as error:
            reading.problems.at(number, str(error))
            return None
        if not row.keys() <= self._known:
            new = next(key for key in row if key not in self._known)
            reading.problems.at(number, f"has the key `{shown(new)}`, which the first rows lack")
            return None
        cells: dict[str, str | None] = {}
        for name in names:
            value = row.get(name)
            if isinstance(value, str) and value.isascii():
                cells[name] = value
            elif fault := _cell_fault(value):
                reading.problems.at(number, fault, column=name)
                return None
            else:
                cells[name] = plain_cell(value)
        return cells


def numbered_lines(stream: Utf8Stream, problems: Problems) -> Iterator[tuple[int, bytes]]:
    """Numbered lines that are not blank; numbers begin with 1."""
    number, carry = 0, b""
    while chunk := stream.read(BLOCK_BYTES):
        *whole, carry = (carry + chunk).split(b"\n")
        if len(carry) > MAX_RECORD_BYTES:
            whole.append(carry)
        for line in whole:
            number += 1
            if len(line) > MAX_RECORD_BYTES:
                problems.fail(
                    f"Row {number:,} is longer than {MAX_RECORD_BYTES // MB} MB.", row=number
                )
            if line.strip():
                yield number, line
        if number > MAX_ROWS:
            problems.fail(f"The file has more than {MAX_ROWS:,} rows, the most that is taken.")
    if carry.strip():
        yield number + 1, carry


def _cell_fault(value: object) -> str | None:
    if isinstance(value, str):
        if not any("\ud800" <= char <= "\udfff" for char in value):
            return None
        return "holds half a character (a lone surrogate)"
    if value is None or isinstance(value, bool):
        return None
    return "is a list or an object; one plain value is expected"


def plain_cell(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None


def _shown_cell(value: object) -> str:
    nested = isinstance(value, (dict, list))
    text = json.dumps(value, ensure_ascii=False) if nested else plain_cell(value) or ""
    return text.encode("utf-8", "replace").decode("utf-8")


def _batch(rows: list[int], cells: dict[str, list[str | None]], coded: set[str]) -> Batch:
    data = {}
    for name, values in cells.items():
        array = pa.array(values, pa.string())
        data[name] = array.dictionary_encode() if name in coded else array
    return Batch(np.asarray(rows, np.int64), data)
