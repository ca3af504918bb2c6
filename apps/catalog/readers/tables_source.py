"""One table or several alike, with what tables of outcomes often lack: ids, the file, the latency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from apps.catalog.readers.archive import Archive, Member
from apps.catalog.readers.harness_source import HarnessSource, is_harness
from apps.catalog.readers.npz_source import NpzSource
from apps.catalog.readers.opening import open_source
from apps.catalog.readers.problems import FileProblem, Problem, Problems, listed, shown
from apps.catalog.readers.records_source import RecordsSource
from apps.catalog.readers.source import Batch, Format, Reading, Source

ROW = "(row)"
FILE = "(file)"
LATENCY = "(latency_ms)"
_TIMES = ("startTime", "endTime")
_HEAD_BYTES = 4096
_KINDS = ((".csv", ".tsv"), (".parquet",), (".jsonl",), (".json",))


def open_outcomes(path: Path, *, name: str) -> Source:
    """Open a table, JSON records, or a folder or .zip of them or of lm-evaluation-harness samples.

    Raises:
        FileProblem: it is none of these, or its head is broken.
    """
    if not path.is_dir():
        try:
            with path.open("rb") as file:
                head = file.read(_HEAD_BYTES)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise FileProblem(name, [Problem(f"The file cannot be read ({reason}).")]) from error
        if not head.startswith(b"PK") or b"[Content_Types].xml" in head or b"xl/" in head:
            return TablesSource([(Member(name, path), _table(path, head, name))])
    archive = Archive(path, name)
    if is_harness(archive):
        return HarnessSource(archive, name)
    parts = []
    for member in _alike(archive):
        with member.path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        parts.append((member, _table(member.path, head, f"{name}: {member.name}")))
    _check_alike(parts, Problems(name))
    return TablesSource(parts, archive)


def _table(path: Path, head: bytes, name: str) -> Source:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    is_array = start.startswith(b"[") and start[1:].lstrip()[:1] in (b"{", b"]")
    is_log = start.startswith(b"{") and b'"request_id"' in head and b'"spend"' in head
    if is_array or is_log:
        return RecordsSource(path, name)
    source = open_source(path, name=name)
    if isinstance(source, NpzSource):
        Problems(name).fail("Outcomes are taken from CSV, JSON, Parquet or .zip, not from .npz.")
    return source


def _alike(archive: Archive) -> list[Member]:
    """The files of the first kind that there are any of."""
    for suffixes in _KINDS:
        found = [one for one in archive.members if one.name.lower().endswith(suffixes)]
        if found:
            return found
    return []


def _check_alike(parts: Sequence[tuple[Member, Source]], problems: Problems) -> None:
    first = parts[0][1].columns
    for member, source in parts[1:]:
        if set(source.columns) != set(first):
            problems.fail(
                f"`{shown(member.name)}` has the columns {listed(source.columns)}, but "
                f"`{shown(parts[0][0].name)}` has {listed(first)}; files that come together need the "
                "same."
            )


class TablesSource:
    """Tables with the same columns, one after the other; columns in parentheses are made here."""

    def __init__(self, parts: Sequence[tuple[Member, Source]], archive: Archive | None = None):
        self._parts, self._archive = parts, archive
        first = parts[0][1]
        self.format: Format = "zip" if archive is not None else first.format
        self.delimiter, self.encoding = first.delimiter, first.encoding
        made = [ROW]
        if archive is not None:
            made.append(FILE)
        if all(name in first.columns for name in _TIMES):
            made.append(LATENCY)
        self.columns = (*first.columns, *(name for name in made if name not in first.columns))
        self._made = made

    def preview(self) -> list[list[str]]:
        member, source = self._parts[0]
        rows = []
        for number, row in enumerate(source.preview(), start=1):
            cells = dict(zip(source.columns, row, strict=True))
            own = {
                ROW: self._id(member, number),
                FILE: member.stem,
                LATENCY: _latency(*(cells.get(name) for name in _TIMES)) or "",
            }
            rows.append([*row, *(own[name] for name in self.columns[len(row) :])])
        return rows

    def row_estimate(self) -> int:
        return sum(source.row_estimate() for _, source in self._parts)

    def batches(
        self, reading: Reading, *, coded: Sequence[str], texts: Sequence[str] = ()
    ) -> Iterator[Batch]:
        wanted = [name for name in coded if name not in self._made]
        timed = LATENCY in coded and LATENCY in self._made
        wanted += [name for name in _TIMES if timed and name not in wanted]
        for member, source in self._parts:
            label = member.name if self._archive is not None else ""
            # The first column stands in where only made ones are asked for.
            asked = wanted or [source.columns[0]]
            part = reading
            if label:
                part = reading.part(member.path, f"{reading.name}: {label}")
            count = 0
            for batch in source.batches(part, coded=asked, texts=texts):
                data = dict(batch.data)
                size = batch.rows.size
                if ROW in coded:
                    ids = [self._id(member, count + place) for place in range(1, size + 1)]
                    data[ROW] = _coded(ids)
                if FILE in coded:
                    data[FILE] = _coded([member.stem] * size)
                if timed:
                    pairs = zip(*(data[name].to_pylist() for name in _TIMES), strict=True)
                    data[LATENCY] = _coded([_latency(*pair) for pair in pairs])
                count += size
                yield Batch(batch.rows, data, file=label)

    def _id(self, member: Member, number: int) -> str:
        return f"{member.stem}-{number}" if self._archive is not None else str(number)


def _coded(values: Sequence[str | None]) -> Any:
    return pa.array(values, pa.string()).dictionary_encode()


def _latency(start: str | None, end: str | None) -> str | None:
    """Milliseconds between two ISO times; None where they are none."""
    try:
        begun, ended = (datetime.fromisoformat((text or "").strip()) for text in (start, end))
        return f"{(ended - begun).total_seconds() * 1000:.3f}"
    except (ValueError, TypeError):
        return None
