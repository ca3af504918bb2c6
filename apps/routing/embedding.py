"""Prompts as vectors, each prompt encoded once: kept by the hash of encoder and text.

The vectors lie in one SQLite file of the data folder. It is a cache of this machine: whoever deletes
it loses time and nothing else, so it is neither in the database nor among the files kept by hash.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from django.conf import settings

from apps.routing.encoders import Encoder, Vectors, encoder

_BATCH = 256  # prompts between two looks at whether to stop
_ASKED = 500  # keys in one question to SQLite
_MOST = 1_000_000  # vectors kept, the oldest go first: 1.5 GB of MiniLM's


def embed(
    name: str,
    prompts: Sequence[str],
    *,
    progress: Callable[[int, int, str], None] | None = None,
    stop_if_asked: Callable[[], None] | None = None,
) -> tuple[Vectors, str]:
    """Vectors float32 [n_prompts, dimensions], and the encoder's name with its revision.

    Args:
        progress: told (done, total, message) after each batch.
        stop_if_asked: called before each batch; what it raises ends the work, and what was encoded
            until then is kept.

    Raises:
        ValueError: one sentence: no such encoder, or it cannot be loaded here.
    """
    reader = encoder(name)
    if not reader.slow:
        return reader.encode(prompts), reader.name
    keys = [_key(reader, prompt) for prompt in prompts]
    vectors = np.zeros((len(prompts), reader.dimensions), dtype=np.float32)
    with _open() as known:
        found = _read(known, keys)
        missing = list(dict.fromkeys(key for key in keys if key not in found))
        text = dict(zip(keys, prompts, strict=True))
        for start in range(0, len(missing), _BATCH):
            if stop_if_asked:
                stop_if_asked()
            some = missing[start : start + _BATCH]
            made = reader.encode([text[key] for key in some])
            _write(known, some, made)
            found.update(zip(some, made, strict=True))
            if progress:
                progress(start + len(some), len(missing), "Reading prompts")
    for row, key in enumerate(keys):
        vectors[row] = found[key]
    return vectors, reader.name


def _key(reader: Encoder, prompt: str) -> bytes:
    said = f"{reader.name}\0{prompt}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(said).digest()


@contextmanager
def _open() -> Iterator[sqlite3.Connection]:
    folder = Path(settings.DATA_DIR) / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / "embeddings.sqlite3", timeout=20)) as known:
        known.execute("PRAGMA journal_mode=WAL")
        known.execute("PRAGMA synchronous=OFF")  # a cache: a lost write is made again
        known.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB UNIQUE, vector BLOB)")
        yield known


def _read(known: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
    found = {}
    for start in range(0, len(keys), _ASKED):
        some = keys[start : start + _ASKED]
        marks = ",".join("?" * len(some))
        rows = known.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", some)  # noqa: S608
        found.update({key: np.frombuffer(vector, dtype="<f4") for key, vector in rows})
    return found


def _write(known: sqlite3.Connection, keys: Sequence[bytes], vectors: Vectors) -> None:
    rows = [(key, row.astype("<f4").tobytes()) for key, row in zip(keys, vectors, strict=True)]
    with known:
        known.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)
        known.execute(
            "DELETE FROM vectors WHERE rowid <= (SELECT max(rowid) FROM vectors) - ?", (_MOST,)
        )
