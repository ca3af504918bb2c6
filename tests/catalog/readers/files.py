"""Writing the files that the tests read."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apps.catalog.readers import FileProblem, Mapping, PredictionData, read_predictions

LONG = Mapping("item_id", model="model", prediction="prediction")
LABELS = Mapping("item_id", label="label")


def wide(*models: str) -> Mapping:
    return Mapping("item_id", models=models)


def put(folder: Path, data: str | bytes, name: str = "mine.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def predictions(
    folder: Path, data: str | bytes, mapping: Mapping = LONG, **known: Sequence[str]
) -> PredictionData:
    path = put(folder, data)
    return read_predictions(
        path,
        mapping,
        name="mine.csv",
        known_items=known.get("items"),
        known_classes=known.get("classes"),
    )


def fault(action: Callable[[], object]) -> FileProblem:
    """The problem an action raises; anything else, or nothing, fails the test."""
    with pytest.raises(FileProblem) as caught:
        action()
    problem = caught.value
    assert problem.problems
    assert "\n" not in str(problem)
    assert problem.count >= len(problem.problems)
    return problem


def parquet(folder: Path, columns: dict[str, object], name: str = "mine.parquet") -> Path:
    path = folder / name
    pq.write_table(pa.table(columns), path)
    return path


def jsonl(rows: Sequence[dict[str, object]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def npz(folder: Path, name: str = "mine.npz", **arrays: object) -> Path:
    buffer = io.BytesIO()
    members: dict[str, Any] = {key: np.asarray(value) for key, value in arrays.items()}
    np.savez_compressed(buffer, **members)
    return put(folder, buffer.getvalue(), name)
