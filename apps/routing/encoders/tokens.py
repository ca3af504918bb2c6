"""Texts to padded token ids, in batches that waste little on padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LETTERS_A_TOKEN = 32  # read of a text for each token that is kept: a megabyte costs no more


def tokenised(tokenizer: Any, texts: Sequence[str], most: int) -> list[list[int]]:
    """Token ids of each text, at most `most` of them; `tokenizer` is of the library tokenizers."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=most)
    cut = [text[: most * LETTERS_A_TOKEN] for text in texts]
    return [encoding.ids for encoding in tokenizer.encode_batch(cut)]


def batches(
    ids: Sequence[Sequence[int]], *, tokens: int, pad: int = 0, padding: bool = True
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.bool_]]]:
    """Rows, their ids [n, longest] and which of these are no padding, shortest texts first.

    Args:
        tokens: that a batch may hold, padding included; one text always fits.
        pad: the id of padding.
        padding: whether texts of different lengths may come into one batch.
    """
    lengths = np.array([len(row) for row in ids])
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and lengths[order[end]] * (end + 1 - start) <= tokens:
            if not padding and lengths[order[end]] > lengths[order[start]]:
                break
            end += 1
        rows = order[start:end]
        longest = int(lengths[rows[-1]])
        padded = np.full((len(rows), longest), pad, dtype=np.int64)
        for place, row in enumerate(rows):
            padded[place, : lengths[row]] = ids[row]
        yield rows, padded, np.arange(longest) < lengths[rows, None]
        start = end
