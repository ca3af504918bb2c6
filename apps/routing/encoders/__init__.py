"""Prompts to vectors. `encoder(name)` gives one of the registered encoders, loaded once a process.

| name | what | needs |
|---|---|---|
| `hashing` | hashed words and letters, 2,048 dimensions | nothing |
| `minilm` | all-MiniLM-L6-v2, 384 dimensions | the extra `minilm` |
| `transformers:<hub id or folder>[@revision]` | any in safetensors | the folder, or a hub |
"""

from __future__ import annotations

from functools import lru_cache

from .base import Encoder, Vectors

__all__ = ["Encoder", "Vectors", "available", "encoder"]

_KEPT = 4  # encoders that stay loaded in a process


def encoder(name: str) -> Encoder:
    """The encoder of that name; loading it may take seconds the first time, and nothing later.

    Raises:
        ValueError: one sentence: no such encoder, or it cannot be loaded here.
    """
    return _loaded(name.strip())


def available() -> list[str]:
    """Names of the encoders that work here without naming a folder or a hub id, best first."""
    from . import minilm

    return ["minilm", "hashing"] if minilm.folder() else ["hashing"]


@lru_cache(maxsize=_KEPT)
def _loaded(name: str) -> Encoder:
    from . import hashing, hub, minilm

    if name == hashing.Hashing.name:
        return hashing.Hashing()
    if name == minilm.MiniLM.name:
        return minilm.MiniLM()
    if name.startswith(hub.PREFIX):
        return hub.TransformersEncoder(name.removeprefix(hub.PREFIX))
    raise ValueError(
        f"There is no encoder “{name[:80]}”: choose hashing, minilm, or "
        f"{hub.PREFIX}<hub id or folder>[@revision]."
    )
