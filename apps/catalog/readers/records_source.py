"""JSON records as APIs export them (litellm's spend logs): an array or a line each, nested a little."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from apps.catalog.readers.encodings import Utf8Stream, detect_encoding
from apps.catalog.readers.jsonl_source import BadJson, parse_object, plain_cell
from apps.catalog.readers.limits import MAX_JSON_BYTES, MAX_TEXT_BYTES, MB, PREVIEW_ROWS
from apps.catalog.readers.problems import Problems
from apps.catalog.readers.source import Batch, Format, Reading, checked_columns

_BATCH_ROWS = 20_000


class RecordsSource:
    """Records, parsed whole. The plain values of an object `metadata` are columns `metadata.<key>`;
    other lists and objects are left out, and so are keys that cannot name a column."""

    format: Format = "json"
    delimiter: str | None = None

    def __init__(self, path: Path, name: str) -> None:
        problems = Problems(name)
        if path.stat().st_size > MAX_JSON_BYTES:
            problems.fail(
                f"A JSON array of more than {MAX_JSON_BYTES // MB} MB is not taken; write one object "
                "a line."
            )
        self.encoding: str = detect_encoding(path, name=name)
        with Utf8Stream(path, self.encoding, name=name) as stream:
            content = b""
            while chunk := stream.read(MB):
                content += chunk
        self._rows = [_flat(record) for record in _records(content.decode("utf-8"), problems)]
        if not self._rows:
            problems.fail("The file holds no records.")
        keys = dict.fromkeys(key for row in self._rows for key in row)
        self.columns = checked_columns(list(keys), problems, row=None)

    def preview(self) -> list[list[str]]:
        return [
            [(row.get(column) or "")[:MAX_TEXT_BYTES] for column in self.columns]
            for row in self._rows[:PREVIEW_ROWS]
        ]

    def row_estimate(self) -> int:
        return len(self._rows)

    def batches(
        self, reading: Reading, *, coded: Sequence[str], texts: Sequence[str] = ()
    ) -> Iterator[Batch]:
        for start in range(0, len(self._rows), _BATCH_ROWS):
            rows = self._rows[start : start + _BATCH_ROWS]
            reading.tick(start + len(rows), len(self._rows))
            data = {}
            for name in (*coded, *texts):
                array = pa.array([row.get(name) for row in rows], pa.string())
                data[name] = array.dictionary_encode() if name in coded else array
            yield Batch(np.arange(start + 1, start + 1 + len(rows), dtype=np.int64), data)


def _records(text: str, problems: Problems) -> list[dict[str, object]]:
    """Each object of the array, or each line."""
    text = text.removeprefix("\ufeff").strip()
    try:
        if not text.startswith("["):
            return [parse_object(line) for line in text.splitlines() if line.strip()]
        # Parsed as the one value of an object, so that the same checks hold.
        found = parse_object(f'{{"rows": {text}}}')["rows"]
    except BadJson as error:
        problems.fail(f"The file {error}.")
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        problems.fail("The JSON array holds something that is not an object.")
    return found


def _flat(record: dict[str, object]) -> dict[str, str | None]:
    metadata = record.get("metadata")
    if isinstance(metadata, str) and metadata.startswith("{"):
        try:
            metadata = json.loads(metadata, parse_float=str, parse_int=str)
        except (ValueError, RecursionError):
            metadata = None
    flat = dict(record)
    if isinstance(metadata, dict):
        flat.update((f"metadata.{key}", value) for key, value in metadata.items())
    return {
        key: _whole(plain_cell(value))
        for key, value in flat.items()
        if not isinstance(value, (dict, list)) and key and key == key.strip()
    }


def _whole(cell: str | None) -> str | None:
    """A cell without halves of characters, which no column can hold."""
    return None if cell is None else cell.encode("utf-8", "replace").decode("utf-8")
