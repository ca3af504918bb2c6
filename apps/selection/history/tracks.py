"""What the realisations of a replay so far have found, as a file for whoever goes on."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from apps.core import files
from apps.selection.replay import Track

_FIELDS = ("regret", "seconds", "stops", "right")


def put(found: Sequence[dict[str, Track]], methods: Sequence[str]) -> str:
    """Store the tracks; the file's content hash."""
    arrays = {
        f"{place}.{field}": np.array([getattr(tracks[name], field) for tracks in found])
        for place, name in enumerate(methods)
        for field in _FIELDS
    }
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    stream.seek(0)
    return files.put(stream)


def get(blob: str, methods: Sequence[str]) -> list[dict[str, Track]]:
    """The tracks again, a realisation after another.

    Raises:
        FileNotFoundError: there is no such file any more.
    """
    with files.open_blob(blob) as stream:
        content = io.BytesIO(stream.read())
    with np.load(content, allow_pickle=False) as arrays:
        columns = [
            [arrays[f"{place}.{field}"] for field in _FIELDS] for place in range(len(methods))
        ]
    count = len(columns[0][0])
    return [
        {
            name: Track(*(column[number] for column in columns[place]))
            for place, name in enumerate(methods)
        }
        for number in range(count)
    ]
