"""Arrays and documents made from stored files, kept on this machine under what they were made from.

A column of ten million answers is taken out of its file once and then looked into by position: the
operating system holds what is used and shares it between processes. Nothing here is the truth: what is
deleted, or does not fit, is made again.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

MOST_BYTES = 4 << 30
"""What is kept in all; beyond it the files that were used least recently go first."""

_STALE = 3600.0  # seconds after which a use is written down, so that most uses write nothing

Key = Sequence[Any]
"""Plain JSON that names everything that the content follows from."""


def array(key: Key, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """The read-only array of `key`, mapped from its file; made by `make` where it is not there."""
    path = _path(key, ".npy")
    with suppress(OSError, ValueError):
        found = _mapped(path)
        _used(path)
        return found
    made = np.ascontiguousarray(make())
    if _keep(path, lambda file: np.save(file, made, allow_pickle=False)):
        with suppress(OSError, ValueError):
            return _mapped(path)  # so that a process does not hold a copy of its own
    made.flags.writeable = False
    return made


def document(key: Key, make: Callable[[], Any]) -> Any:
    """The JSON document of `key`; made by `make` where it is not there."""
    path = _path(key, ".json")
    with suppress(OSError, ValueError):
        found = json.loads(path.read_bytes())
        _used(path)
        return found
    made = make()
    content = json.dumps(made).encode()
    _keep(path, lambda file: file.write(content))
    return json.loads(content)


def _mapped(path: Path) -> NDArray[Any]:
    try:
        found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:  # an empty array cannot be mapped
        found = np.load(path, allow_pickle=False)
        found.flags.writeable = False
    return found


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "derived"


def _path(key: Key, ending: str) -> Path:
    canonical = json.dumps(key, sort_keys=True, separators=(",", ":"))
    return _folder() / (hashlib.sha256(canonical.encode()).hexdigest() + ending)


def _used(path: Path) -> None:
    with suppress(OSError):
        if time.time() - path.stat().st_mtime > _STALE:
            os.utime(path)


def _keep(path: Path, write: Callable[[Any], Any]) -> bool:
    """Write a file whole or not at all; False where this machine cannot keep it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as draft:
            try:
                write(draft)
                draft.flush()
                Path(draft.name).replace(path)
            except BaseException:
                Path(draft.name).unlink(missing_ok=True)
                raise
    except OSError:
        return False
    _make_room(path)
    return True


def _make_room(newest: Path) -> None:
    """Delete what was used least recently until the rest fits. A mapped file lives on until it is let go."""
    held = []
    with os.scandir(newest.parent) as entries:
        for entry in entries:
            with suppress(OSError):
                status = entry.stat()
                held.append((status.st_mtime, status.st_size, entry.path))
    total = sum(size for _, size, _ in held)
    for _, size, name in sorted(held):
        if total <= MOST_BYTES:
            return
        if name != str(newest):
            Path(name).unlink(missing_ok=True)
            total -= size
