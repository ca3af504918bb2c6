"""The catalog's files: items, predictions and labels as Parquet, kept by the hash of their content.

Written whole before the transaction that names them; read column by column, and of items only the row
groups that are asked for.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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
_SEARCHED_AT_ONCE = 16  # row groups
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


def read_item_rows(
    digest: str, indices: Sequence[int], *, leave_out: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The rows at some places, in the order given; only their row groups are read."""
    wanted: dict[int, list[int]] = {}
    for index in indices:
        wanted.setdefault(index // _ITEM_ROWS, []).append(index)
    rows: dict[int, dict[str, Any]] = {}
    with files.local_path(digest) as path, pq.ParquetFile(path) as file:
        columns = [name for name in file.schema_arrow.names if name not in leave_out]
        for group, places in wanted.items():
            taken = file.read_row_group(group, columns=columns, use_threads=False).take(
                [place - group * _ITEM_ROWS for place in places]
            )
            rows.update(zip(places, taken.to_pylist(), strict=True))
    return [rows[index] for index in indices]


def read_slice(digest: str, name: str) -> tuple[NDArray[np.int32], list[str]]:
    """A slice column as codes [n_items], an index into the distinct values or -1, and those values."""
    with files.local_path(digest) as path:
        column = pq.read_table(path, columns=[SLICE + name], use_threads=False).column(0)
    coded = column.combine_chunks().dictionary_encode()
    values = coded.dictionary.to_pylist()
    order = sorted(place for place, value in enumerate(values) if value)
    order.sort(key=lambda place: values[place])
    recode = np.full(len(values) + 1, -1, np.int32)
    recode[order] = np.arange(len(order))
    return recode[coded.indices.fill_null(len(values)).to_numpy()], [values[at] for at in order]


def find_items(
    digest: str, text: str, *, among: NDArray[Any], within: float, texts: bool
) -> tuple[list[int], int]:
    """Places of rows whose id or text holds `text` in any case, of the rising places `among`.

    Looks at row groups in their order until about `within` seconds are over; returns the places found
    and how many of `among` were looked at.
    """
    ends, found, done = time.monotonic() + within, [], 0
    columns = [ITEM_ID, TEXT] if texts else [ITEM_ID]
    with files.local_path(digest) as path, pq.ParquetFile(path) as file:
        while done < len(among) and (not done or time.monotonic() < ends):
            first = int(among[done]) // _ITEM_ROWS
            groups = range(first, min(first + _SEARCHED_AT_ONCE, file.num_row_groups))
            upto = int(np.searchsorted(among, groups.stop * _ITEM_ROWS))
            table = file.read_row_groups(list(groups), columns=columns, use_threads=False)
            hit = np.zeros(table.num_rows, bool)
            for column in table.columns:
                match = pc.match_substring(column, text, ignore_case=True)
                hit |= match.fill_null(False).to_numpy()
            places = among[done:upto]
            found += places[hit[places - first * _ITEM_ROWS]].tolist()
            done = upto
    return found, done


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


def label_names(digest: str) -> list[str]:
    """The distinct labels of one batch."""
    with files.local_path(digest) as path:
        column = pq.read_table(path, columns=["label"], use_threads=False).column(0)
    names: list[str] = column.unique().to_pylist()
    return names


def read_label_codes(digest: str, class_names: Sequence[str]) -> NDArray[np.int32]:
    """The labels of one batch as indices into class names.

    Raises:
        ValueError: a label is not among them.
    """
    with files.local_path(digest) as path:
        column = pq.read_table(path, columns=["label"], use_threads=False).column(0)
    found = pc.index_in(column, value_set=pa.array(class_names, pa.string()))
    if found.null_count:
        missing = pc.min(column.filter(found.is_null())).as_py()
        raise ValueError(f"The label `{missing}` is not one of the classes asked for.")
    codes: NDArray[np.int32] = found.to_numpy()
    return codes


def label_places(items: str, digest: str) -> NDArray[np.int32]:
    """Where the labelled items of one batch stand among the items of a file."""
    with files.local_path(items) as path:
        ids = pq.read_table(path, columns=[ITEM_ID], use_threads=False).column(0)
    with files.local_path(digest) as path:
        labelled = pq.read_table(path, columns=[ITEM_ID], use_threads=False).column(0)
    places: NDArray[np.int32] = pc.index_in(labelled, value_set=ids.combine_chunks()).to_numpy()
    return places


def _write(table: pa.Table, *, row_group_size: int | None) -> str:
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        path = Path(folder) / "table.parquet"
        pq.write_table(table, path, row_group_size=row_group_size, **_OPTIONS)
        return files.put_path(path)
