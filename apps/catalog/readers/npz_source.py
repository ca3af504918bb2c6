"""NumPy's .npz: a prediction matrix with its names, and arrays along the items.

Arrays: `predictions` int [n_models, n_items] (-1 = not run), `model_names` [n_models]; optional
`class_names` [n_classes], `labels` int or text [n_items], `item_ids` [n_items] (else the item's
index), `probabilities` float or `top1_prob` uint8/255 [n_models, n_items], and any one-dimensional
array along the items as a column (`subset` with `subset_names` is shown by name).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.lib import format as npy
from numpy.typing import NDArray

from apps.catalog.readers.limits import (
    MAX_ARRAY_BYTES,
    MAX_CELLS,
    MAX_ITEMS,
    MAX_MODELS,
    MB,
    PREVIEW_ROWS,
)
from apps.catalog.readers.problems import FileProblem, Problems, listed, shown
from apps.catalog.readers.source import Batch, Format, Reading, checked_columns

_KINDS = "biufU"
ITEM_COLUMN = "item_ids"
_BATCH_ROWS = 65_536


class NpzSource:
    """An .npz file whose members' headers have been read and found within limits."""

    format: Format = "npz"
    delimiter: str | None = None
    encoding: str | None = None

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self.problems = Problems(name)
        self.shapes: dict[str, tuple[int, ...]] = {}
        try:
            with zipfile.ZipFile(path) as archive:
                for member in archive.infolist():
                    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                        raise zipfile.BadZipFile
                    self._admit(archive, member)
        except FileProblem:
            raise
        except Exception:  # damaged bytes make zipfile, zlib and numpy raise almost anything
            self.problems.fail("The .npz file cannot be opened; was it cut or damaged?")
        self.items = self._count_items()
        along = [key for key, shape in self.shapes.items() if shape == (self.items,)]
        names = [key for key in along if not key.endswith("_names") and key != ITEM_COLUMN]
        self.columns = checked_columns([ITEM_COLUMN, *names], self.problems, row=None)

    def _admit(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        """Check one array by its header, before anything is unpacked."""
        name = member.filename
        if not name.endswith(".npy"):
            self.problems.fail(f"The .npz file holds `{shown(name)}`, which is not an array.")
        key = name.removesuffix(".npy")
        if key in self.shapes:
            self.problems.fail(f"The .npz file holds the array `{shown(key)}` twice.")
        with archive.open(member) as file:
            version = npy.read_magic(file)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = read(file)
            header = file.tell()
        if dtype.kind not in _KINDS:
            self.problems.fail(
                f"The array `{shown(key)}` has the type {shown(str(dtype))}; "
                "only numbers and text are taken."
            )
        size = dtype.itemsize
        for length in shape:
            size *= int(length)
        if size > MAX_ARRAY_BYTES:
            self.problems.fail(
                f"The array `{shown(key)}` unpacks to {size // MB:,} MB; "
                f"at most {MAX_ARRAY_BYTES // MB:,} MB is taken."
            )
        if size + header != member.file_size:
            self.problems.fail(
                f"The array `{shown(key)}` is not as long as it says; was the file cut?"
            )
        self.shapes[key] = tuple(int(length) for length in shape)

    def _count_items(self) -> int:
        if "predictions" in self.shapes:
            shape = self.shapes["predictions"]
            if len(shape) != 2:
                self.problems.fail("The array `predictions` must have two axes: models and items.")
            if self.shapes.get("model_names") != shape[:1]:
                self.problems.fail(
                    f"`predictions` has {shape[0]:,} models, so `model_names` must name as many."
                )
            models, items = shape
            if not models:
                self.problems.fail("The .npz file has no models: `predictions` has no rows.")
            if models > MAX_MODELS or models * items > MAX_CELLS:
                self.problems.fail(
                    f"{models:,} models x {items:,} items is more than is taken "
                    f"({MAX_MODELS:,} models, {MAX_CELLS:,} predictions)."
                )
        elif "labels" in self.shapes or ITEM_COLUMN in self.shapes:
            shape = self.shapes.get("labels") or self.shapes[ITEM_COLUMN]
            items = shape[0] if len(shape) == 1 else 0
        else:
            self.problems.fail(
                f"The .npz file has neither `predictions` nor `labels`; "
                f"it has {listed(self.shapes)}."
            )
        if not 0 < items <= MAX_ITEMS:
            self.problems.fail(f"The .npz file has {items:,} items; 1 to {MAX_ITEMS:,} are taken.")
        return items

    def array(self, key: str) -> NDArray[Any]:
        """Load one array.

        Raises:
            FileProblem: its bytes are damaged, or its text is not Unicode.
        """
        try:
            with np.load(self._path, allow_pickle=False) as archive:
                values = np.asarray(archive[key])
        except Exception:  # as above
            self.problems.fail(
                f"The array `{shown(key)}` cannot be read; was the file cut or damaged?"
            )
        if values.dtype.kind == "U" and not _is_unicode(values):
            self.problems.fail(
                f"The array `{shown(key)}` holds text that is not Unicode (half a character, or a "
                "number that is none); was the file damaged?"
            )
        return values

    def texts(self, key: str) -> list[str]:
        """A one-dimensional array as text; codes by name where the file has the names."""
        if key == ITEM_COLUMN and key not in self.shapes:
            return [str(index) for index in range(self.items)]
        values = self.array(key)
        names_key = "class_names" if key == "labels" else self._names_of(key)
        if values.dtype.kind in "iu" and names_key in self.shapes:
            return self._named(key, values, self.array(names_key))
        if values.dtype.kind == "f" and np.all(np.mod(values[np.isfinite(values)], 1) == 0):
            return [
                "" if np.isnan(v) else str(int(v)) if np.isfinite(v) else str(v) for v in values
            ]
        texts = [str(value) for value in values.tolist()]
        if key == "labels" and values.dtype.kind in "iu":
            return ["" if text == "-1" else text for text in texts]
        return texts

    def _names_of(self, key: str) -> str:
        return f"{key}_names"

    def _named(self, key: str, values: NDArray[Any], names: NDArray[Any]) -> list[str]:
        if names.ndim != 1 or values.max(initial=-1) >= names.size or values.min(initial=0) < -1:
            self.problems.fail(
                f"`{shown(key)}` holds the number {int(values.max(initial=-1))}, "
                f"but there are only {names.size:,} names for it."
            )
        table = [str(name) for name in names.tolist()] + [""]
        return [table[value] for value in values.tolist()]

    def preview(self) -> list[list[str]]:
        columns = [self.texts(name)[:PREVIEW_ROWS] for name in self.columns]
        return [list(row) for row in zip(*columns, strict=True)]

    def row_estimate(self) -> int:
        return self.items

    def batches(
        self, reading: Reading, *, coded: Sequence[str], texts: Sequence[str] = ()
    ) -> Iterator[Batch]:
        columns = {name: self.texts(name) for name in (*coded, *texts)}
        for start in range(0, self.items, _BATCH_ROWS):
            stop = min(start + _BATCH_ROWS, self.items)
            data: dict[str, Any] = {}
            for name, values in columns.items():
                array = pa.array(values[start:stop], pa.string())
                data[name] = array.dictionary_encode() if name in coded else array
            reading.tick(stop, self.items)
            yield Batch(np.arange(start + 2, stop + 2, dtype=np.int64), data)


def _is_unicode(values: NDArray[Any]) -> bool:
    """Whether every character exists: NumPy keeps any 32 bits as one, Python and Arrow do not."""
    if not values.dtype.itemsize:
        return True
    code = np.dtype(np.uint32).newbyteorder(values.dtype.byteorder)
    codes = np.ascontiguousarray(values).view(code)
    halves = (codes >= 0xD800) & (codes <= 0xDFFF)
    return bool(codes.max(initial=0) <= 0x10FFFF and not halves.any())
