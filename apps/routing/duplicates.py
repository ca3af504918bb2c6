"""Clusters of prompts that are nearly the same text.

Broder, *On the Resemblance and Containment of Documents*, 1997: the Jaccard similarity of the sets
of word triples, found by MinHash in bands and then computed exactly for what was found.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.8
"""Prompts whose Jaccard similarity is at least this belong together."""

_WORDS = 2_000  # of a prompt are read
_SHINGLE = 3
_BANDS, _ROWS = 20, 4
_TEMPLATE = 0.02

_WORD = re.compile(r"\w+")


def clusters(prompts: Sequence[str]) -> NDArray[np.intp]:
    """A code from 0 for each prompt, [n_prompts]; near-duplicates share one.

    Word triples that come in more than 2% of the prompts (and in more than 20) are a template that
    says nothing about the prompt and do not count; a prompt made of nothing else is compared as a
    whole.
    """
    shingles = _without_templates([_shingles(prompt) for prompt in prompts], len(prompts))
    whole = [zlib.crc32(" ".join(_WORD.findall(prompt.casefold())).encode()) for prompt in prompts]
    parents = np.arange(len(prompts))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = int(parents[place])
        return place

    for bucket in _buckets(shingles, whole):
        first = bucket[0]
        for other in bucket[1:]:
            if root(first) != root(other) and (
                whole[first] == whole[other] or _jaccard(shingles[first], shingles[other]) >= ALIKE
            ):
                parents[root(other)] = root(first)
    roots = [root(place) for place in range(len(prompts))]
    return np.unique(roots, return_inverse=True)[1].astype(np.intp)


def folds(prompts: Sequence[str], count: int, seed: int) -> NDArray[np.intp]:
    """The fold of each prompt, [n_prompts] in 0..count - 1; near-duplicates are in the same one.

    Whoever is judged on a prompt held out must not have learnt from its twin.
    """
    return dealt(kin(prompts, count), count, seed)


def kin(prompts: Sequence[str], count: int) -> NDArray[np.intp]:
    """A code from 0 for each prompt, [n_prompts], that near-duplicates share.

    Where hardly anything but twins is there, fewer than two kinds of prompt for each of so many
    folds, every prompt stands for itself.
    """
    codes = clusters(prompts)
    return codes if int(codes.max()) + 1 >= 2 * count else np.arange(len(prompts))


def dealt(codes: NDArray[np.intp], count: int, seed: int) -> NDArray[np.intp]:
    """The fold of each prompt, [n_prompts] in 0..count - 1, one for all that share a code."""
    order = np.random.default_rng(seed).permutation(int(codes.max()) + 1)
    return np.asarray(order[codes] % count, dtype=np.intp)


def _shingles(prompt: str) -> NDArray[np.uint64]:
    words = _WORD.findall(prompt[: 20 * _WORDS].casefold())[:_WORDS]
    codes = np.array([zlib.crc32(word.encode()) for word in words], dtype=np.uint64)
    if len(codes) < _SHINGLE:
        return np.empty(0, dtype=np.uint64)
    mixed = codes[: len(codes) - _SHINGLE + 1].copy()
    for step in range(1, _SHINGLE):
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + codes[step : len(mixed) + step]
    return np.unique(mixed)


def _without_templates(
    shingles: list[NDArray[np.uint64]], n_prompts: int
) -> list[NDArray[np.uint64]]:
    found, counts = np.unique(np.concatenate(shingles), return_counts=True)
    common = found[counts > max(20, _TEMPLATE * n_prompts)]
    if not common.size:
        return shingles
    return [one[~np.isin(one, common)] for one in shingles]


def _buckets(shingles: list[NDArray[np.uint64]], whole: list[int]) -> Iterable[list[int]]:
    """Lists of prompts that may be near-duplicates."""
    same: dict[object, list[int]] = defaultdict(list)
    for place, code in enumerate(whole):
        same[code].append(place)
    yield from (bucket for bucket in same.values() if len(bucket) > 1)
    random = np.random.default_rng(0)
    factors = random.integers(1, 1 << 62, _BANDS * _ROWS, dtype=np.uint64) | np.uint64(1)
    offsets = random.integers(0, 1 << 62, _BANDS * _ROWS, dtype=np.uint64)
    bands: list[dict[bytes, list[int]]] = [defaultdict(list) for _ in range(_BANDS)]
    for place, one in enumerate(shingles):
        if not one.size:
            continue
        mixed = one[:, None] * factors + offsets
        mixed ^= mixed >> np.uint64(31)
        least = (mixed * np.uint64(0xBF58476D1CE4E5B9)).min(axis=0).reshape(_BANDS, _ROWS)
        for band, key in zip(bands, least, strict=True):
            band[key.tobytes()].append(place)
    for band in bands:
        yield from (bucket for bucket in band.values() if len(bucket) > 1)


def _jaccard(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> float:
    shared = np.intersect1d(one, other, assume_unique=True).size
    return float(shared / max(1, one.size + other.size - shared))
