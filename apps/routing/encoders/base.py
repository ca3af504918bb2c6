"""What an encoder promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Encoder(Protocol):
    """Turns texts into vectors; the same text gives the same vector in whatever company it comes.

    Attributes:
        name: under which `encoder()` gives exactly these vectors again, revision included.
        dimensions: length of a vector.
        slow: whether a vector takes longer to make than to read from a disk.
    """

    name: str
    dimensions: int
    slow: bool

    def encode(self, texts: Sequence[str]) -> Vectors:
        """float32 [n_texts, dimensions], each row of length 1, or 0 where a text holds nothing."""


def normalised(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1; rows of zeros stay as they are."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32, copy=False)
