"""Open a file by what it holds, whatever its name says."""

from __future__ import annotations

from pathlib import Path

from apps.catalog.readers.csv_source import CsvSource
from apps.catalog.readers.jsonl_source import JsonlSource
from apps.catalog.readers.npz_source import NpzSource
from apps.catalog.readers.parquet_source import ParquetSource
from apps.catalog.readers.problems import FileProblem, Problem, Problems
from apps.catalog.readers.source import Source

_REFUSED = (
    (b"\x1f\x8b", "is packed with gzip; please unpack it first"),
    (b"BZh", "is packed with bzip2; please unpack it first"),
    (b"\xfd7zXZ", "is packed with xz; please unpack it first"),
    (b"\x28\xb5\x2f\xfd", "is packed with zstd; please unpack it first"),
    (b"7z\xbc\xaf", "is a 7z archive; please unpack it first"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook; please save the sheet as CSV"),
    (b"%PDF", "is a PDF document; a table is expected"),
    (b"\x89PNG", "is a picture; a table is expected"),
    (b"\xff\xd8\xff", "is a picture; a table is expected"),
    (b"\x80\x02", "is a Python pickle, which could run code; save it as CSV, Parquet or .npz"),
    (b"\x80\x04", "is a Python pickle, which could run code; save it as CSV, Parquet or .npz"),
    (b"\x80\x05", "is a Python pickle, which could run code; save it as CSV, Parquet or .npz"),
    (b"\x93NUMPY", "is a single NumPy array; save it with its names as .npz"),
    (b"ARROW1", "is a Feather file; please save it as Parquet"),
    (b"SQLite format 3", "is an SQLite database; a table is expected"),
)
_BINARY = {".npz": "an .npz archive", ".parquet": "a Parquet file"}
"""What is never text, by the end of its name."""

_HEAD_BYTES = 4096


def open_source(path: Path, *, name: str) -> Source:
    """Open a CSV, JSON Lines, Parquet or .npz file; the format is told from its bytes.

    Args:
        path: the file on disk. name: what its owner calls it, for messages.

    Raises:
        FileProblem: it is none of these, or its head is broken.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if not head:
            raise FileProblem(name, [Problem("The file is empty.")])
        for magic, what in _REFUSED:
            if head.startswith(magic):
                raise FileProblem(name, [Problem(f"The file {what}.")])
        if head.startswith(b"PAR1"):
            return ParquetSource(path, name)
        if head.startswith(b"PK"):
            return _open_zip(path, name)
        return _open_text(path, head, name)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise FileProblem(name, [Problem(f"The file cannot be read ({reason}).")]) from error


def _open_zip(path: Path, name: str) -> NpzSource:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if b"[Content_Types].xml" in head or b"xl/" in head:
        Problems(name).fail("The file is an Excel workbook; please save the sheet as CSV.")
    if b".npy" not in head[:512]:
        Problems(name).fail("The file is a zip archive; please unpack it first.")
    return NpzSource(path, name)


def _open_text(path: Path, head: bytes, name: str) -> Source:
    if what := _BINARY.get(Path(name).suffix.lower()):
        Problems(name).fail(f"The file cannot be read as {what}; was it damaged, or is it another?")
    start = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if start.startswith(b"{"):
        return JsonlSource(path, name)
    if start.startswith(b"[") and start[1:].lstrip()[:1] in (b"{", b"[", b"]"):
        Problems(name).fail(
            "The file is one JSON array; write one object a line, without brackets and commas "
            "around them."
        )
    if start[:1] == b"<" and start[:200].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        Problems(name).fail("The file is a web page or XML; a table is expected.")
    return CsvSource(path, name)
