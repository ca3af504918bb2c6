"""Vectors from hashed words and letters: nothing to download, nothing to learn, microseconds a text.

Signed feature hashing (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning",
2009) of word 1-2-grams and of letter 3-5-grams within words, each into half of the dimensions, with
the square root of the counts, so that a long prompt's frequent words do not drown the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .base import Vectors, normalised

DIMENSIONS = 2048
_WORD = r"\w+|[^\w\s]"
_LETTERS = 20_000  # read of a text: what lies beyond tells little and costs time


class Hashing:
    """See the module; the encoder that is always there."""

    name = "hashing"
    dimensions = DIMENSIONS
    slow = False

    def __init__(self) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer

        options = {"n_features": DIMENSIONS // 2, "norm": None}
        self._parts = (
            HashingVectorizer(analyzer="word", token_pattern=_WORD, ngram_range=(1, 2), **options),
            HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), **options),
        )

    def encode(self, texts: Sequence[str]) -> Vectors:
        """float32 [n_texts, 2048]; see `Encoder`."""
        if not texts:
            return np.zeros((0, DIMENSIONS), dtype=np.float32)
        cut = [text[:_LETTERS] for text in texts]
        halves = []
        for part in self._parts:
            counts = part.transform(cut).toarray()
            halves.append(normalised(np.sign(counts) * np.sqrt(np.abs(counts))))
        return normalised(np.hstack(halves).astype(np.float32))
