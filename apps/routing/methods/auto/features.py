"""What `auto` reads in a prompt: its meaning, its wording and its surface, in one row of numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats

READ = 1_500
"""Characters of a prompt that its wording is taken from: longer ones rarely say more of the task."""

SCANNED = 6_000
"""Characters of a prompt that its surface is taken from."""

WORDING = 96
BUCKETS = 2**13

_PRIME = np.uint64(0x9E3779B97F4A7C15)

_PATTERNS = tuple(
    re.compile(pattern, re.MULTILINE | re.IGNORECASE)
    for pattern in (
        r"^\s*[A-E][.):]\s",  # options
        r"\b(?:def|return|import|class|assert|function|print)\b",
        r"[{}\[\];=<>]",
        r"\\[a-z]+|\$",  # TeX
        r"[+*/^%=]",
        r"\b(?:not|never|except|incorrect|false)\b",
        r"\b(?:how many|how much|calculate|compute|find|evaluate|solve)\b",
        r"\b(?:which|who|when|where|what|why)\b",
        r"\b(?:write|generate|create|implement|compose)\b",
        r"\b(?:each|total|per|every|twice|half|percent)\b",
        r"\?",
        r'["“”]',
        r"_{2,}|\.{3}",
    )
)


def surface(prompts: Sequence[str]) -> Floats:
    """Counts that need no language: [n_prompts, n_features], mostly in the logarithm."""
    return np.array([_surface(prompt) for prompt in prompts], dtype=float)


def _surface(prompt: str) -> list[float]:
    seen = prompt[:SCANNED]
    words = seen.split()
    length = max(len(seen), 1)
    digits = sum(map(str.isdigit, seen))
    numbers = re.findall(r"\d+(?:\.\d+)?", seen)
    counts = [len(pattern.findall(seen)) for pattern in _PATTERNS]
    return [
        np.log1p(len(prompt)),
        np.log1p(seen.count("\n")),
        np.log1p(len(words)),
        float(np.mean([len(word) for word in words])) if words else 0.0,
        len(set(map(str.lower, words))) / max(len(words), 1),
        digits / length,
        np.log1p(len(numbers)),
        np.log1p(max((len(number) for number in numbers), default=0)),
        sum(map(str.isupper, seen)) / length,
        sum(not character.isascii() for character in seen) / length,
        np.log1p(max((len(line) for line in seen.splitlines()), default=0)),
        *np.log1p(counts),
    ]


@dataclass(frozen=True, eq=False)
class Blocks:
    """Features of prompts.

    Attributes:
        whole: [n_prompts, n_features]: meaning, wording and surface, one after another, each
            centred and of mean squared row norm 1 over the training prompts.
        vectors: float32 [n_prompts, n_dimensions], the embeddings as they came.
    """

    whole: Floats
    vectors: NDArray[np.float32]

    def of(self, rows: NDArray[np.intp]) -> Blocks:
        """The features of some prompts."""
        return Blocks(self.whole[rows], self.vectors[rows])


class Features:
    """How prompts become `Blocks`.

    Attributes:
        state: everything learnt, arrays by name.
    """

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    @classmethod
    def learn(cls, prompts: Sequence[str], vectors: NDArray[np.float32], seed: int) -> Features:
        """From the training prompts alone, without their outcomes."""
        counts = _counts(prompts)
        documents = np.bincount(counts.indices, minlength=2 * BUCKETS)
        idf = (np.log((1 + len(prompts)) / (1 + documents)) + 1).astype(np.float32)
        weighted = _weighted(counts, idf)
        seen = surface(prompts)
        features = cls(
            {
                "idf": idf,
                "axes": _principal_axes(weighted, min(WORDING, len(prompts) - 1), seed),
                "surface_mean": seen.mean(axis=0),
                "surface_scale": np.maximum(seen.std(axis=0), 1e-6),
            }
        )
        blocks = features._raw(weighted, seen, vectors)
        middles = [block.mean(axis=0) for block in blocks]
        norms = [
            np.sqrt(np.mean(np.sum((block - middle) ** 2, axis=1)))
            for block, middle in zip(blocks, middles, strict=True)
        ]
        features.state["middle"] = np.concatenate(middles)
        features.state["scale"] = np.concatenate(
            [
                np.full(len(m), max(float(norm), 1e-9))
                for m, norm in zip(middles, norms, strict=True)
            ]
        )
        return features

    def blocks(self, prompts: Sequence[str], vectors: NDArray[np.float32]) -> Blocks:
        """The features of prompts, known or new."""
        weighted = _weighted(_counts(prompts), self.state["idf"])
        raw = np.concatenate(self._raw(weighted, surface(prompts), vectors), axis=1)
        return Blocks((raw - self.state["middle"]) / self.state["scale"], vectors)

    def _raw(self, weighted: Any, seen: Floats, vectors: NDArray[np.float32]) -> list[Floats]:
        """Meaning, wording, surface."""
        scaled = (seen - self.state["surface_mean"]) / self.state["surface_scale"]
        return [
            vectors.astype(float),
            np.asarray(weighted @ self.state["axes"], dtype=float),
            np.clip(scaled, -3, 3),
        ]


def _counts(prompts: Sequence[str]) -> Any:
    """Counts of hashed n-grams, sparse [n_prompts, 2 * BUCKETS]: letters, then words."""
    from scipy.sparse import csr_matrix

    found = [_hashed(prompt[:READ]) for prompt in prompts]
    ends = np.cumsum([0, *map(len, found)])
    columns = np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
    ones = np.ones(len(columns), dtype=np.float32)
    counts = csr_matrix((ones, columns, ends), shape=(len(prompts), 2 * BUCKETS))
    counts.sum_duplicates()
    return counts


def _hashed(text: str) -> NDArray[np.int64]:
    """The buckets of a text's 2- to 4-grams of letters and 1- and 2-grams of words."""
    words = re.findall(r"\w+|[^\w\s]", text.lower())
    letters = np.frombuffer(f" {' '.join(words)} ".encode(), dtype=np.uint8).astype(np.uint64)
    names = np.array([crc32(word.encode()) for word in words], dtype=np.uint64)
    grams = [_buckets(letters, length) for length in (2, 3, 4)]
    return np.concatenate([*grams, *(_buckets(names, length) + BUCKETS for length in (1, 2))])


def _buckets(symbols: NDArray[np.uint64], length: int) -> NDArray[np.int64]:
    """Each run of so many symbols, hashed to a bucket."""
    n = len(symbols) - length + 1
    if n <= 0:
        return np.zeros(0, dtype=np.int64)
    mixed = np.full(n, length, dtype=np.uint64)
    for place in range(length):
        mixed = (mixed ^ symbols[place : place + n]) * _PRIME
        mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(20)).astype(np.int64) % BUCKETS


def _weighted(counts: Any, idf: NDArray[np.float32]) -> Any:
    """Sublinear tf-idf, letters and words each of length 1."""
    weighted = counts.copy()
    weighted.data = (1 + np.log(weighted.data)) * idf[weighted.indices]
    rows = np.repeat(np.arange(weighted.shape[0]), np.diff(weighted.indptr))
    half = 2 * rows + (weighted.indices >= BUCKETS)
    norms = np.sqrt(np.bincount(half, weighted.data.astype(float) ** 2))
    weighted.data = (weighted.data / norms[half]).astype(np.float32)
    return weighted


def _principal_axes(weighted: Any, rank: int, seed: int) -> NDArray[np.float32]:
    """The first right singular vectors over the buckets in use, float32 [n_buckets, rank].

    Randomised subspace iteration: Halko, Martinsson and Tropp, SIAM Review 2011, algorithm 4.4.
    """
    used = np.flatnonzero(np.bincount(weighted.indices, minlength=weighted.shape[1]) > 1)
    axes = np.zeros((weighted.shape[1], min(rank, len(used))), dtype=np.float32)
    if not axes.size:
        return axes
    rows = weighted[:, used]
    width = min(rank + 10, *rows.shape)
    random = np.random.default_rng(seed)
    basis = random.standard_normal((len(used), width)).astype(np.float32)
    for _ in range(3):
        basis = rows.T @ np.linalg.qr(rows @ basis)[0]
    basis = np.linalg.qr(basis)[0]
    axes[used] = basis @ np.linalg.svd(rows @ basis, full_matrices=False)[2][: axes.shape[1]].T
    return axes
