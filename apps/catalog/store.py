"""The catalog's files: items, predictions and labels as Parquet, kept by the hash of their content.

Written whole before the transaction that names them; read column by column, and of items only the row
groups that are asked for.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from apps.core import files

ITEM_ID = "item_id"
TEXT = "text"
IMAGE = "image"
SLICE = "slice:"
PREDICTION = "pred:"
PROBABILITY = "prob:"
MEASURES = ("score", "cost", "in_tokens", "out_tokens", "latency_ms")
"""What is kept of an outcome, by the names that `OutcomeTable` has for it."""
_ITEM_ROWS = 2_000  # rows of a row group of items: what is read to show a few of them
_OPTIONS: dict[str, Any] = {"compression": "zstd", "write_statistics": False, "store_schema": False}


@dataclass(frozen=True)
class Items:
    """Items in their order. `texts` and `images` (PNG) are None where the version has none."""

    ids: Sequence[str]
    texts: Sequence[str | None] | None = None
    images: Sequence[bytes | None] | None = None
    slices: dict[str, Sequence[str]] = field(default_factory=dict)


def write_items(items: Items) -> str:
    """Store items and return the file's hash."""
    columns = {ITEM_ID: pa.array(items.ids, pa.string())}
    if items.texts is not None:
        columns[TEXT] = pa.array(items.texts, pa.string())
    if items.images is not None:
        columns[IMAGE] = pa.array(items.images, pa.binary())
    for name, values in items.slices.items():
        columns[SLICE + name] = pa.array(values, pa.string())
    return _write(pa.table(columns), row_group_size=_ITEM_ROWS)


def read_item_columns(digest: str, columns: Sequence[str]) -> dict[str, list[Any]]:
    """Whole columns of an items file."""
    with files.local_path(digest) as path:
        table = pq.read_table(path, columns=list(columns), use_threads=False)
    return {name: table.column(name).to_pylist() for name in columns}


def read_item_rows(digest: str, indices: Sequence[int]) -> list[dict[str, Any]]:
    """The rows at some places, in the order given; only their row groups are read."""
    wanted: dict[int, list[int]] = {}
    for index in indices:
        wanted.setdefault(index // _ITEM_ROWS, []).append(index)
    rows: dict[int, dict[str, Any]] = {}
    with files.local_path(digest) as path, pq.ParquetFile(path) as file:
        for group, places in wanted.items():
            taken = file.read_row_group(group, use_threads=False).take(
                [place - group * _ITEM_ROWS for place in places]
            )
            rows.update(zip(places, taken.to_pylist(), strict=True))
    return [rows[index] for index in indices]


def write_predictions(
    columns: Sequence[str],
    predictions: NDArray[Any],
    probabilities: NDArray[np.float32] | None = None,
) -> str:
    """Store class indices [n_models, n_items] (-1 = not run), a column a model; return the hash."""
    kind = np.int16 if predictions.max(initial=0) <= np.iinfo(np.int16).max else np.int32
    matrix = np.ascontiguousarray(predictions, dtype=kind)
    data = {PREDICTION + name: pa.array(row) for name, row in zip(columns, matrix, strict=True)}
    if probabilities is not None:
        for name, stated in zip(columns, probabilities, strict=True):
            data[PROBABILITY + name] = pa.array(stated)
    return _write(pa.table(data), row_group_size=None)


def read_predictions(
    digest: str, columns: Sequence[str]
) -> tuple[NDArray[np.int32], NDArray[np.float32] | None]:
    """Class indices [n_columns, n_items] of some models, and what they stated where they did."""
    with files.local_path(digest) as path, pq.ParquetFile(path) as file:
        present = set(file.schema_arrow.names)
        stated = [name for name in columns if PROBABILITY + name in present]
        wanted = [
            *(PREDICTION + name for name in columns),
            *(PROBABILITY + name for name in stated),
        ]
        table = file.read(wanted, use_threads=False)
    # Looked up once: finding a column by its name takes longer the more there are.
    found = dict(zip(table.column_names, table.columns, strict=True))
    matrix = np.empty((len(columns), table.num_rows), np.int32)
    for row, name in zip(matrix, columns, strict=True):
        row[:] = found[PREDICTION + name].to_numpy()
    if not stated:
        return matrix, None
    probabilities = np.full(matrix.shape, np.nan, np.float32)
    place = {name: index for index, name in enumerate(columns)}
    for name in stated:
        probabilities[place[name]] = found[PROBABILITY + name].to_numpy()
    return matrix, probabilities


def write_outcomes(columns: Sequence[str], measures: Mapping[str, NDArray[np.float64]]) -> str:
    """Store measures [n_prompts, n_models] (NaN = unknown), by their name; return the hash."""
    data = {}
    for measure, values in measures.items():
        for name, column in zip(columns, values.T, strict=True):
            if not np.isnan(column).all():
                data[f"{measure}:{name}"] = pa.array(column, from_pandas=True)
    return _write(pa.table(data), row_group_size=None)


def read_outcomes(digest: str, columns: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """The measures [n_prompts, n_columns] of some models that the file has for any of them."""
    with files.local_path(digest) as path, pq.ParquetFile(path) as file:
        present = set(file.schema_arrow.names)
        wanted = [
            name
            for measure in MEASURES
            for column in columns
            if (name := f"{measure}:{column}") in present
        ]
        table = file.read(wanted, use_threads=False)
    found = dict(zip(table.column_names, table.columns, strict=True))
    measures: dict[str, NDArray[np.float64]] = {}
    for measure in MEASURES:
        for place, column in enumerate(columns):
            if (name := f"{measure}:{column}") in found:
                blank = np.full((table.num_rows, len(columns)), np.nan)
                measures.setdefault(measure, blank)[:, place] = found[name].to_numpy()
    return measures


def write_labels(
    item_ids: Sequence[str], labels: Sequence[str], annotators: Sequence[str | None] | None
) -> str:
    """Store labels as text beside their item ids; return the hash."""
    columns = {ITEM_ID: pa.array(item_ids, pa.string()), "label": pa.array(labels, pa.string())}
    if annotators is not None:
        columns["annotator"] = pa.array(annotators, pa.string())
    return _write(pa.table(columns), row_group_size=None)


def read_labels(digest: str) -> tuple[list[str], list[str]]:
    """Item ids and labels of one batch."""
    with files.local_path(digest) as path:
        table = pq.read_table(path, columns=[ITEM_ID, "label"], use_threads=False)
    return table.column(ITEM_ID).to_pylist(), table.column("label").to_pylist()


def _write(table: pa.Table, *, row_group_size: int | None) -> str:
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        path = Path(folder) / "table.parquet"
        pq.write_table(table, path, row_group_size=row_group_size, **_OPTIONS)
        return files.put_path(path)
