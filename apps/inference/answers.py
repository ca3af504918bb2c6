"""The answers of a run as one Parquet file, kept by the hash of its content."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from apps.core import files


@dataclass(frozen=True)
class Kept:
    """What came of one item, as it is kept. `position`: its place in the version.

    `label`: the name of the class; `confidence`: its probability; `cost`: US dollars; the rest as
    `runners.Answer` and `scorers.Score` have it.
    """

    position: int
    failure: str = ""
    text: str = ""
    label: str | None = None
    confidence: float | None = None
    loss: float | None = None
    latency_ms: float | None = None
    score: float | None = None
    why: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None


_GROUP = 2_000  # rows that are read together
_TYPES = {
    "position": pa.int32(),
    "failure": pa.string(),
    "text": pa.string(),
    "label": pa.string(),
    "why": pa.string(),
    "input_tokens": pa.int32(),
    "output_tokens": pa.int32(),
}


def write(answers: Sequence[Kept]) -> str:
    """Store answers, in the order of their places; return the file's hash."""
    rows = sorted(answers, key=lambda kept: kept.position)
    columns = {
        field.name: pa.array(
            [getattr(row, field.name) for row in rows], _TYPES.get(field.name, pa.float64())
        )
        for field in fields(Kept)
    }
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        path = Path(folder) / "answers.parquet"
        pq.write_table(pa.table(columns), path, compression="zstd", row_group_size=_GROUP)
        return files.put_path(path)


def read(digest: str) -> list[Kept]:
    """All answers of a file."""
    with files.local_path(digest) as path:
        return [Kept(**row) for row in pq.read_table(path, use_threads=False).to_pylist()]


def part(digest: str, failures: bool, start: int, count: int) -> tuple[list[Kept], int]:
    """Some of a file's failures, or of its answers, in their order; and how many there are."""
    with files.local_path(digest) as path:
        failed = pq.read_table(path, columns=["failure"], use_threads=False).column("failure")
        places = [place for place, why in enumerate(failed.to_pylist()) if bool(why) == failures]
        wanted = places[start : start + count]
        rows: list[Kept] = []
        with pq.ParquetFile(path) as file:
            for group in sorted({place // _GROUP for place in wanted}):
                inside = [place - group * _GROUP for place in wanted if place // _GROUP == group]
                table = file.read_row_group(group, use_threads=False).take(inside)
                rows += [Kept(**row) for row in table.to_pylist()]
    return rows, len(places)


def payload(kept: Kept) -> dict[str, Any]:
    """What a row of the journal holds beside its own columns."""
    own = ("position", "input_tokens", "output_tokens", "cost")
    return {
        key: value
        for key, value in vars(kept).items()
        if key not in own and value not in (None, "")
    }
