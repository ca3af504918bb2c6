"""CSV: any usual delimiter and encoding, a header required."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from apps.catalog.readers.encodings import Utf8Stream, detect_encoding
from apps.catalog.readers.limits import (
    BLOCK_BYTES,
    MAX_RECORD_BYTES,
    MB,
    PREVIEW_ROWS,
    SAMPLE_BYTES,
)
from apps.catalog.readers.problems import Problems
from apps.catalog.readers.scan import Scan, scan_csv
from apps.catalog.readers.source import Batch, Format, Reading, checked_columns

_INDEX = "index"
_DELIMITERS = (",", "\t", ";", "|")
_BYTES_A_COLUMN = 1_000  # so that handling a column of a block costs less than its values do
_CODED = pa.dictionary(pa.int32(), pa.string())


class CsvSource:
    """A CSV file whose encoding, delimiter and header are known."""

    format: Format = "csv"

    def __init__(self, path: Path, name: str) -> None:
        problems = Problems(name)
        self._path = path
        self.encoding: str = detect_encoding(path, name=name)
        head, whole = self._head(name, SAMPLE_BYTES)
        if not whole and not split_records(head, ",", 1)[0]:
            head, whole = self._head(name, MAX_RECORD_BYTES)
        if not head.strip():
            problems.fail("The file is empty.")
        if "\0" in head:
            row = head.count("\n", 0, head.index("\0")) + 1
            problems.fail(f"Row {row:,} holds a NUL character; this is not plain text.", row=row)
        self.delimiter: str = _delimiter(head, whole)
        records, ends = split_records(head, self.delimiter, PREVIEW_ROWS + 1, whole=whole)
        if not records:
            problems.fail(
                f"Row 1 is longer than {MAX_RECORD_BYTES // MB} MB or opens a quote mark that is "
                "never closed; this is not a header of column names.",
                row=1,
            )
        self.columns = checked_columns(_named(records[0]), problems, row=1)
        self._records = records[1:]
        self._header_bytes = len(head[: ends[0]].encode("utf-8"))
        self._bytes_per_row = max(1.0, (ends[-1] - ends[0]) / max(1, len(records) - 1))
        self._size = path.stat().st_size
        self._seen_whole = whole and len(records) <= PREVIEW_ROWS
        self._scan: Scan | None = None

    def _head(self, name: str, size: int) -> tuple[str, bool]:
        """The first characters, and whether they are the whole file."""
        with Utf8Stream(self._path, self.encoding, name=name) as stream:
            head = b""
            while len(head) <= size and (chunk := stream.read(size)):
                head += chunk
        return head[:size].decode("utf-8", "ignore"), len(head) <= size

    def preview(self) -> list[list[str]]:
        width = len(self.columns)
        return [(row + [""] * width)[:width] for row in self._records]

    def row_estimate(self) -> int:
        if self._scan:
            return self._scan.rows
        if self._seen_whole:
            return len(self._records)
        wide = 2 if self.encoding.startswith("utf-16") else 1
        size = self._size / wide - self._header_bytes
        return max(len(self._records), round(size / self._bytes_per_row))

    def scan(self, reading: Reading) -> Scan:
        """Check the form of the whole file, once.

        Raises:
            FileProblem: rows are ragged, quotes unclosed, or another fault of form.
        """
        if self._scan is None:
            with Utf8Stream(
                self._path,
                self.encoding,
                name=reading.name,
                heard=lambda done: reading.tick(done, 2 * self._size),
            ) as stream:
                self._scan = scan_csv(
                    stream,
                    delimiter=self.delimiter,
                    columns=len(self.columns),
                    problems=reading.problems,
                    should_stop=reading.check_stop,
                )
            reading.problems.raise_any()
            if self._scan.rows == 0:
                reading.problems.fail("The file has a header but no rows.")
        return self._scan

    def batches(
        self, reading: Reading, *, coded: Sequence[str], texts: Sequence[str] = ()
    ) -> Iterator[Batch]:
        scan = self.scan(reading)
        kinds = {**dict.fromkeys(texts, pa.string()), **dict.fromkeys(coded, _CODED)}
        done = 0
        with Utf8Stream(
            self._path,
            self.encoding,
            name=reading.name,
            skip=self._header_bytes,
            heard=lambda read: reading.tick(self._size + read, 2 * self._size),
        ) as stream:
            try:
                for part in self._open(stream, scan, kinds):
                    rows = scan.row_numbers(done, part.num_rows)
                    done += part.num_rows
                    yield Batch(rows, {name: part.column(name) for name in kinds})
            except pa.ArrowInvalid as error:
                reading.problems.fail(f"The rows after {done + 1:,} cannot be parsed: {error}.")

    def _open(
        self, stream: Utf8Stream, scan: Scan, kinds: dict[str, pa.DataType]
    ) -> pacsv.CSVStreamingReader:
        return pacsv.open_csv(
            stream,
            read_options=pacsv.ReadOptions(
                column_names=list(self.columns),
                block_size=max(BLOCK_BYTES, 2 * scan.longest, _BYTES_A_COLUMN * len(self.columns)),
                use_threads=False,
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=self.delimiter, newlines_in_values=scan.multiline
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=kinds, include_columns=list(kinds), strings_can_be_null=False
            ),
        )


def _delimiter(head: str, whole: bool) -> str:
    """The delimiter that gives named columns, more than one, and as many in each of the rows."""
    best, best_score = ",", (False, 0.0, 0)
    for delimiter in _DELIMITERS:
        records, _ = split_records(head, delimiter, 50, whole=whole)
        width = len(records[0]) if records else 1
        if width == 1:
            continue
        agreeing = sum(len(record) == width for record in records) / len(records)
        header = {name.strip() for name in records[0]}
        named = len(header) == width and "" not in header
        if (score := (named, agreeing, width)) > best_score:
            best, best_score = delimiter, score
    return best


def _named(header: Sequence[str]) -> Sequence[str]:
    """The header; tables written by pandas have an index without a name before the named columns."""
    if (
        len(header) > 1
        and not header[0].strip()
        and _INDEX not in (name.strip() for name in header)
    ):
        return [_INDEX, *header[1:]]
    return header


def split_records(
    text: str, delimiter: str, most: int, *, whole: bool = False
) -> tuple[list[list[str]], list[int]]:
    """Split the head of a CSV text into its first records, blank ones left out.

    Args:
        whole: the text ends where the file ends, so a last record without line end counts.

    Returns:
        The records, and where in the text each ends (behind its line end).
    """
    records: list[list[str]] = []
    ends: list[int] = []
    stop = re.compile(f"[\r\n{re.escape(delimiter)}]")
    at = 0
    while len(records) < most and at < len(text):
        values, at, complete = _record(text, at, stop, whole)
        if not complete:
            break
        if values != [""]:
            records.append(values)
            ends.append(at)
    return records, ends


def _record(text: str, at: int, stop: re.Pattern[str], whole: bool) -> tuple[list[str], int, bool]:
    """One record from position `at`: its values, where the next begins, whether it is all here."""
    values: list[str] = []
    while True:
        value, at, closed = _value(text, at, stop)
        values.append(value)
        if at >= len(text):
            return values, at, closed and whole
        if text[at] in "\r\n":
            return values, at + (2 if text.startswith("\r\n", at) else 1), True
        at += 1


def _value(text: str, at: int, stop: re.Pattern[str]) -> tuple[str, int, bool]:
    """One value from position `at`, where it ends, and whether its quote mark was closed."""
    parts = []
    if text.startswith('"', at):
        at += 1
        while True:
            end = text.find('"', at)
            if end < 0:
                return text[at:], len(text), False
            parts.append(text[at:end])
            at = end + 1
            if not text.startswith('"', at):
                break
            parts.append('"')
            at += 1
    found = stop.search(text, at)
    end = found.start() if found else len(text)
    return "".join([*parts, text[at:end]]), end, True
