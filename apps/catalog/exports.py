"""A version's predictions, outcomes and labels as files to take away."""

import io
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from apps.catalog import queries
from apps.catalog.models import DatasetVersion
from apps.catalog.store import MEASURES
from apps.catalog.tables import OutcomeTable, PredictionTable
from apps.core.spreadsheets import csv_text

_ROWS = 500  # written at one time


def predictions_csv(table: PredictionTable) -> Iterator[str]:
    """Wide CSV, part by part: `item_id`, then a column per model; an empty cell where it was not run."""
    yield csv_text([["item_id", *table.model_names]])
    names = [*table.class_names, ""]
    for start in range(0, table.n_items, _ROWS):
        columns = table.predictions[:, start : start + _ROWS].T.tolist()
        yield csv_text(
            [item, *(names[code] for code in codes)]
            for item, codes in zip(table.item_ids[start : start + _ROWS], columns, strict=True)
        )


def predictions_parquet(table: PredictionTable) -> bytes:
    """Wide Parquet with the same columns, classes as text."""
    classes = pa.array(table.class_names, pa.string())
    columns = {"item_id": pa.array(table.item_ids, pa.string())}
    for name, codes in zip(table.model_names, table.predictions, strict=True):
        indices = pa.array(codes, pa.int32(), mask=codes < 0)
        columns[name] = pa.DictionaryArray.from_arrays(indices, classes)
    return parquet(pa.table(columns))


def parquet(table: pa.Table) -> bytes:
    """A table as the bytes of a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def outcomes_table(table: OutcomeTable) -> pa.Table:
    """Wide: `prompt_id`, `prompt`, the groups, then `<measure>__<model>` where anything is known."""
    columns = {
        "prompt_id": pa.array(table.prompt_ids, pa.string()),
        "prompt": pa.array(table.prompts, pa.string()),
    }
    for name, values in table.groups.items():
        columns.setdefault(name, pa.array(values, pa.string()))
    for place, model in enumerate(table.model_names):
        for measure in MEASURES:
            matrix = getattr(table, measure)
            if matrix is not None and not np.isnan(matrix[:, place]).all():
                columns[f"{measure}__{model}"] = pa.array(matrix[:, place], from_pandas=True)
    return pa.table(columns)


def outcomes_csv(wide: pa.Table) -> str:
    """The same as CSV; an empty cell where something is unknown."""
    rows = zip(*(column.to_pylist() for column in wide.columns), strict=True)
    return csv_text([wide.column_names]) + csv_text(
        ["" if cell is None else str(cell) for cell in row] for row in rows
    )


def labels_csv(version: DatasetVersion) -> str:
    """All labels that count: `item_id,label`, in the order of the items."""
    labels, _ = queries.stored_labels(version)
    rows = [[item, labels[item]] for item in queries.item_ids_of(version) if item in labels]
    return csv_text([["item_id", "label"]]) + csv_text(rows)
