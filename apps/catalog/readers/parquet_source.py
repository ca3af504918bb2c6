"""Parquet: flat columns of text and numbers, within limits that its own footer states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from apps.catalog.readers.limits import (
    MAX_ROW_GROUP_BYTES,
    MAX_ROWS,
    MAX_TEXT_TOTAL_BYTES,
    MAX_UNPACKED_BYTES,
    MB,
    PREVIEW_ROWS,
)
from apps.catalog.readers.problems import FileProblem, Problems, ReadingStopped, shown
from apps.catalog.readers.source import Batch, Format, Reading, checked_columns

_BATCH_ROWS = 65_536
_WIDE_BATCH_CELLS = 2_000_000
_EXACT = 2.0**53  # integers up to here are exact in a double


class ParquetSource:
    """A Parquet file whose footer has been read and found within limits."""

    format: Format = "parquet"
    delimiter: str | None = None
    encoding: str | None = None

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        problems = Problems(name)
        try:
            with pq.ParquetFile(path) as file:
                self._meta = file.metadata
                schema = file.schema_arrow
        except Exception as error:  # damaged bytes make pyarrow raise almost anything
            problems.fail(f"The Parquet file cannot be opened ({_short(error)}); was it cut?")
        _check_sizes(self._meta, problems)
        for field in schema:
            if not _is_flat(field.type):
                problems.fail(
                    f"Column `{shown(field.name)}` has the type {shown(str(field.type))}; "
                    "only flat columns of text, numbers and dates are taken.",
                    column=field.name,
                )
        self.columns = checked_columns(schema.names, problems, row=None)
        self._names = dict(zip(self.columns, schema.names, strict=True))
        self._strings = [field.name for field in schema if _is_text(field.type)]
        if self._meta.num_rows == 0:
            problems.fail("The file has columns but no rows.")

    def preview(self) -> list[list[str]]:
        reading = Reading(self._path, self._name)
        for batch in self._read(reading, self.columns, (), rows=PREVIEW_ROWS):
            columns = [batch.data[name].fill_null("").to_pylist() for name in self.columns]
            return [list(row) for row in zip(*columns, strict=True)]
        return []

    def row_estimate(self) -> int:
        return int(self._meta.num_rows)

    def batches(
        self, reading: Reading, *, coded: Sequence[str], texts: Sequence[str] = ()
    ) -> Iterator[Batch]:
        width = len(coded) + len(texts)
        rows = max(1_000, min(_BATCH_ROWS, _WIDE_BATCH_CELLS // max(1, width)))
        yield from self._read(reading, texts, coded, rows=rows)

    def _read(
        self, reading: Reading, texts: Sequence[str], coded: Sequence[str], *, rows: int
    ) -> Iterator[Batch]:
        wanted = [self._names[name] for name in (*coded, *texts)]
        done, total = 0, int(self._meta.num_rows)
        try:
            with pq.ParquetFile(
                self._path,
                read_dictionary=[name for name in self._strings if name in set(wanted)],
                buffer_size=MB,
                pre_buffer=False,
            ) as file:
                for part in file.iter_batches(rows, columns=wanted, use_threads=False):
                    data = {name: _coded(part.column(self._names[name])) for name in coded}
                    for name in texts:
                        data[name] = _text(part.column(self._names[name]), reading.problems)
                    numbers = np.arange(done + 2, done + 2 + part.num_rows, dtype=np.int64)
                    done += part.num_rows
                    reading.tick(done, total)
                    yield Batch(numbers, data)
        except (FileProblem, ReadingStopped):
            raise
        except Exception as error:  # as above
            reading.problems.fail(
                f"The rows after {done + 1:,} cannot be read ({_short(error)}); "
                "was the file cut or damaged?"
            )


def _check_sizes(meta: pq.FileMetaData, problems: Problems) -> None:
    """Refuse what would unpack to more than memory should hold, before unpacking anything."""
    if meta.num_rows > MAX_ROWS:
        problems.fail(f"The file has {meta.num_rows:,} rows; at most {MAX_ROWS:,} are taken.")
    groups = [meta.row_group(index).total_byte_size for index in range(meta.num_row_groups)]
    if sum(groups) > MAX_UNPACKED_BYTES or min(groups, default=0) < 0:
        problems.fail(
            f"The file unpacks to {sum(groups) // MB:,} MB; "
            f"at most {MAX_UNPACKED_BYTES // MB:,} MB is taken."
        )
    if max(groups, default=0) > MAX_ROW_GROUP_BYTES:
        problems.fail(
            f"A row group of the file unpacks to {max(groups) // MB:,} MB; "
            f"write it with row groups of at most {MAX_ROW_GROUP_BYTES // MB:,} MB."
        )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_flat(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    checks = (
        _is_text,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_boolean,
        pa.types.is_decimal,
        pa.types.is_temporal,
        pa.types.is_null,
    )
    return any(check(kind) for check in checks)


def _coded(column: Any) -> Any:
    """Dictionary-code a column and turn the dictionary's values into text.

    pandas writes integers with gaps as floats, NaN for the gap: whole floats become integers and
    NaN becomes null, so that 1.0 is the class "1" and NaN an empty cell.
    """
    categorical = pa.types.is_dictionary(column.type)
    column = _compact(column) if categorical else column.dictionary_encode()
    values = column.dictionary
    values.validate(full=True)
    if pa.types.is_floating(values.type):
        values = _float_texts(values)
    return pa.DictionaryArray.from_arrays(column.indices.cast(pa.int32()), values.cast(pa.string()))


def _compact(column: Any) -> Any:
    """Keep of a dictionary only what this batch uses, in the order of its rows.

    A row group has one dictionary for all its batches, and that of a categorical column is sorted and
    names categories that no row has.
    """
    used = pc.unique(column.indices).drop_null()
    fresh = pc.index_in(column.indices, value_set=used)
    return pa.DictionaryArray.from_arrays(fresh, column.dictionary.take(used))


def _float_texts(values: Any) -> Any:
    numbers = values.cast(pa.float64()).to_pylist()
    plain = values.cast(pa.string()).to_pylist()
    texts = [
        None if n is None or n != n else str(int(n)) if abs(n) < _EXACT and n == int(n) else text
        for n, text in zip(numbers, plain, strict=True)
    ]
    return pa.array(texts, pa.string())


def _text(column: Any, problems: Problems) -> Any:
    """Plain strings; a dictionary of long texts is measured before it is laid out."""
    if pa.types.is_dictionary(column.type):
        lengths = pc.fill_null(pc.binary_length(column.dictionary).take(column.indices), 0)
        if (pc.sum(lengths).as_py() or 0) > MAX_TEXT_TOTAL_BYTES:
            problems.fail(f"The texts are more than {MAX_TEXT_TOTAL_BYTES // MB:,} MB in all.")
    texts = column.cast(pa.string())
    texts.validate(full=True)
    return texts


def _short(error: BaseException) -> str:
    return shown(str(error).splitlines()[0] if str(error) else type(error).__name__)
