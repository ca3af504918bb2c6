"""CSV that a spreadsheet opens without running anything in it."""

import csv
import io
import re
from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula; numbers stay as they are."""
    if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def as_written(cell: str) -> str:
    """What `safe_cell` made this cell of, so that a file of ours finds its way back."""
    return cell[1:] if cell.startswith("'") and safe_cell(cell[1:]) == cell else cell


def names_as_written(names: Iterable[str]) -> tuple[str, ...]:
    """`as_written` of each of several names, but of those that are there both ways."""
    all_names = tuple(names)
    there = set(all_names)
    plain = (as_written(name) for name in all_names)
    return tuple(
        name if found in there else found for name, found in zip(all_names, plain, strict=True)
    )


def csv_text(rows: Iterable[Iterable[str]]) -> str:
    """Rows as CSV (RFC 4180), every cell a safe one."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return text.getvalue()
