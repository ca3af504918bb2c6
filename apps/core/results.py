"""The file in which a benchmark leaves its numbers: refused before they are computed, not after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def check_place(path: Path | None) -> None:
    """Whether a file may be written there; None, where none is asked for, always may.

    Raises:
        ValueError: it is a folder, or in a folder that is not there.
    """
    if path is None:
        return
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a file in it.")
    if not path.resolve().parent.is_dir():
        raise ValueError(f"There is no folder {path.resolve().parent} to write in.")


def write_json(path: Path | None, value: dict[str, Any]) -> None:
    """Write it, where a file is named.

    Raises:
        ValueError: it cannot be written.
    """
    if path is None:
        return
    try:
        path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}.") from error
