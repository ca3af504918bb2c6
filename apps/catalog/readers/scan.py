"""One pass over the bytes of a CSV file that finds everything wrong with its form.

It runs before anything is parsed, in numpy over blocks of whole lines, so that each fault gets its
row and so that the parser behind it meets only well-formed rows. The rules are RFC 4180's: a value
that holds the delimiter, a line end or a quote mark stands in quotes, and quote marks in it are
doubled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from apps.catalog.readers.encodings import Utf8Stream
from apps.catalog.readers.limits import (
    BLOCK_BYTES,
    MAX_BLANK_ROWS,
    MAX_RECORD_BYTES,
    MAX_ROWS,
    MB,
)
from apps.catalog.readers.problems import Problems

_LF, _CR, _QUOTE = 10, 13, 34
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Scan:
    """What the pass found: data rows, places of blank rows (as a spreadsheet numbers them)."""

    rows: int
    blanks: Positions
    multiline: bool
    longest: int

    def row_numbers(self, start: int, count: int) -> Positions:
        """Spreadsheet rows of `count` data rows from index `start`: the header is row 1."""
        records = np.arange(start + 1, start + 1 + count, dtype=np.int64)
        if not self.blanks.size:
            return records + 1
        before = self.blanks - 1 - np.arange(self.blanks.size)
        return records + 1 + np.searchsorted(before, records, side="right")


@dataclass
class _State:
    """What is carried from block to block."""

    problems: Problems
    delimiter: int
    columns: int
    rows: int = 0  # records that ended, the header and blank ones included
    blank: list[Positions] = field(default_factory=list)
    blanks: int = 0
    in_quote: bool = False
    multiline: bool = False
    fields: int = 0  # delimiters of the record that has not ended yet
    length: int = 0  # and its bytes
    longest: int = 0


def scan_csv(
    stream: Utf8Stream,
    *,
    delimiter: str,
    columns: int,
    problems: Problems,
    should_stop: Callable[[], None],
) -> Scan:
    """Check the form of a CSV file and number its rows.

    Ragged rows are collected in `problems`; NUL characters, rows over the limit and faulty quotes
    end the pass, since what follows them cannot be told.

    Args:
        stream: the whole file, header included. delimiter: one ASCII character.
        columns: how many the header has. should_stop: raises when the caller wants to stop.

    Raises:
        FileProblem: see above.
    """
    state = _State(problems, ord(delimiter), columns)
    for block in _blocks(stream, state):
        should_stop()
        _scan_block(block, state)
    _finish(state)
    blanks = np.concatenate(state.blank) if state.blank else np.empty(0, np.int64)
    rows = max(0, state.rows - state.blanks - 1)
    return Scan(rows, blanks, state.multiline, state.longest)


def _blocks(stream: Utf8Stream, state: _State) -> Iterator[bytes]:
    """Whole lines, about 2 MB at a time; the last may lack its line end."""
    carry = b""
    while chunk := stream.read(BLOCK_BYTES):
        chunk = carry + chunk
        cut = chunk.rfind(b"\n") + 1 or chunk.rfind(b"\r", 0, len(chunk) - 1) + 1
        if cut:
            yield chunk[:cut]
        carry = chunk[cut:]
        if len(carry) > MAX_RECORD_BYTES:
            _too_long(state)
    if carry:
        yield carry


def _scan_block(block: bytes, state: _State) -> None:
    data = np.frombuffer(block, dtype=np.uint8)
    if b"\0" in block:
        rows = state.rows + 1 + block.count(b"\n", 0, block.index(b"\0"))
        state.problems.fail(
            f"Row {rows:,} holds a NUL character; this is not plain text.", row=rows
        )
    ends = _line_ends(data, block)
    commas = np.flatnonzero(data == state.delimiter)
    if state.in_quote or b'"' in block:
        ends, commas = _outside_quotes(data, ends, commas, state)
    _count_records(data, ends, commas, state)


def _line_ends(data: NDArray[np.uint8], block: bytes) -> Positions:
    """Positions of line feeds, and of carriage returns that no line feed follows."""
    ends = np.flatnonzero(data == _LF)
    if b"\r" not in block:
        return ends
    returns = np.flatnonzero(data == _CR)
    following = data[np.minimum(returns + 1, data.size - 1)]
    lone = returns[(following != _LF) | (returns + 1 >= data.size)]
    return np.union1d(ends, lone) if lone.size else ends


def _outside_quotes(
    data: NDArray[np.uint8], ends: Positions, commas: Positions, state: _State
) -> tuple[Positions, Positions]:
    """Leave out line ends and delimiters inside quotes; fail at the first faulty quote."""
    quotes = np.flatnonzero(data == _QUOTE)
    opened = int(state.in_quote)
    if quotes.size:
        _check_quotes(data, quotes, ends, state)
    inside_end = (np.searchsorted(quotes, ends) + opened) % 2 == 1
    inside_comma = (np.searchsorted(quotes, commas) + opened) % 2 == 1
    state.multiline = state.multiline or bool(inside_end.any())
    state.in_quote = (quotes.size + opened) % 2 == 1
    return ends[~inside_end], commas[~inside_comma]


def _check_quotes(
    data: NDArray[np.uint8], quotes: Positions, ends: Positions, state: _State
) -> None:
    """Opening quotes stand at the start of a value, closing ones at its end."""
    opening = (np.arange(quotes.size) + int(state.in_quote)) % 2 == 0
    before = data[np.maximum(quotes - 1, 0)]
    starts = (quotes == 0) | _one_of(before, state.delimiter)
    after = data[np.minimum(quotes + 1, data.size - 1)]
    closes = (quotes == data.size - 1) | _one_of(after, state.delimiter)
    faulty = np.flatnonzero(np.where(opening, ~starts, ~closes))
    if not faulty.size:
        return
    first = quotes[faulty[0]]
    inside = (np.searchsorted(quotes, ends) + int(state.in_quote)) % 2 == 1
    row = state.rows + 1 + int(np.count_nonzero(ends[~inside] < first))
    if opening[faulty[0]]:
        what = "a quote mark stands inside a value that is not in quotes"
    else:
        what = "a value is opened with a quote mark, and text follows the quote mark that closes it"
    state.problems.fail(
        f"Row {row:,}: {what}; put the whole value in quotes and double each quote mark in it.",
        row=row,
    )


def _one_of(neighbours: NDArray[np.uint8], delimiter: int) -> NDArray[np.bool_]:
    """Whether a neighbour ends a value, or is the other half of a doubled quote mark."""
    marks = np.array([delimiter, _LF, _CR, _QUOTE], np.uint8)
    return np.isin(neighbours, marks)


def _count_records(
    data: NDArray[np.uint8], ends: Positions, commas: Positions, state: _State
) -> None:
    if not ends.size:
        state.fields += commas.size
        state.length += data.size
        if state.length > MAX_RECORD_BYTES:
            _too_long(state)
        return
    upto = np.searchsorted(commas, ends)
    fields = np.diff(upto, prepend=0)
    fields[0] += state.fields
    lengths = np.diff(ends, prepend=-1) - 1
    lengths[0] += state.length
    crlf = (ends > 0) & (data[ends] == _LF) & (data[np.maximum(ends - 1, 0)] == _CR)
    lengths = lengths - crlf
    longest = int(lengths.max())
    state.longest = max(state.longest, longest)
    if longest > MAX_RECORD_BYTES:
        state.rows += int(np.argmax(lengths > MAX_RECORD_BYTES))
        _too_long(state)
    _judge(fields, lengths == 0, state)
    state.rows += ends.size
    state.fields = commas.size - int(upto[-1])
    state.length = data.size - int(ends[-1]) - 1
    if state.rows > MAX_ROWS + MAX_BLANK_ROWS:
        state.problems.fail(f"The file has more than {MAX_ROWS:,} rows, the most that is taken.")


def _judge(fields: Positions, blank: NDArray[np.bool_], state: _State) -> None:
    """Note blank rows and rows with another number of columns than the header."""
    if blank.any():
        where = np.flatnonzero(blank) + state.rows + 1
        state.blank.append(where.astype(np.int64))
        state.blanks += where.size
        if state.blanks > MAX_BLANK_ROWS:
            state.problems.fail(f"The file has more than {MAX_BLANK_ROWS:,} blank rows.")
    ragged = np.flatnonzero((fields != state.columns - 1) & ~blank)
    kept = ragged[: state.problems.room]
    for index in kept.tolist():
        _ragged(state, state.rows + 1 + index, int(fields[index]) + 1)
    state.problems.skip(ragged.size - kept.size)


def _ragged(state: _State, row: int, fields: int, *, last: bool = False) -> None:
    has = f"has {fields:,} column{'' if fields == 1 else 's'}, the header has {state.columns:,}"
    state.problems.at(row, has + ("; the file may have been cut here" if last else ""))


def _finish(state: _State) -> None:
    """Judge a last record without line end; a file cut short ends in one."""
    row = state.rows + 1
    if state.in_quote:
        state.problems.fail(
            f"Row {row:,}: a quote mark is opened in this row and never closed; was the file cut?",
            row=row,
        )
    if state.length > 0:
        state.longest = max(state.longest, state.length)
        if state.fields != state.columns - 1:
            _ragged(state, row, state.fields + 1, last=True)
        state.rows += 1


def _too_long(state: _State) -> None:
    row = state.rows + 1
    why = " (a quote mark in it is not closed)" if state.in_quote else ""
    state.problems.fail(
        f"Row {row:,} is longer than {MAX_RECORD_BYTES // MB} MB{why}; "
        "this is not a table of rows.",
        row=row,
    )
