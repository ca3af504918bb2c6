"""A board on a part of its labelled items: those of one value of a slice, of one class, or of both.

Everything follows from the snapshot (`compute.kept_arrays`), so a part of a frozen board stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, log2
from typing import Any
from urllib.parse import urlencode

import numpy as np
from django.http import QueryDict
from numpy.typing import NDArray

from apps.catalog.cache import RecentlyUsed
from apps.catalog.tables import Mask
from apps.core import derived, files, prose
from apps.leaderboards.models import Snapshot
from apps.leaderboards.queries import result_of
from apps.leaderboards.statistics.board import rank_answers
from apps.leaderboards.words import count, part_words

RESAMPLES = 2_000
"""Of the bootstrap: a part is computed when it is first asked for, so it may not take long."""

_FORMAT = 2
_KEPT_SINCE = 4  # the `compute.FORMAT` of the first snapshots with what is needed
_LENGTH = 400  # letters of a name and its value in an address
_OF_THE_WHOLE = ("next", "metrics", "class_columns", "class_cells")


@dataclass(frozen=True)
class Part:
    """`slice`: "name:value" as the address has it; `label`: a class. Empty for any."""

    slice: str = ""
    label: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> Part:
        """The part that an address asks for."""
        return cls(*(_text(query, name) for name in ("slice", "class")))

    def __bool__(self) -> bool:
        return bool(self.slice or self.label)

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values for the address of a board."""
        return [
            (name, text) for name, text in (("slice", self.slice), ("class", self.label)) if text
        ]

    def for_comparison(self) -> list[tuple[str, str]]:
        """The same for the address of a comparison, which lists the items of the part."""
        return [("label" if name == "class" else name, text) for name, text in self.pairs()]

    @property
    def query(self) -> str:
        """The query string of the part alone, with its question mark."""
        return f"?{urlencode(self.pairs())}" if self else ""


WHOLE = Part()


def narrows(snapshot: Snapshot) -> bool:
    """Whether a snapshot can be narrowed: it ranks something, and is not of an earlier version."""
    whole = result_of(snapshot)
    return bool(snapshot.pairs_blob) and whole["format"] >= _KEPT_SINCE


def shown(snapshot: Snapshot, part: Part) -> dict[str, Any]:
    """The result of a snapshot, read-only; of a part of its labelled items where one is asked for.

    The result of a part has `part` {"slice": [name, value] or None, "class": a name or None}, no
    certificate, no columns of slices and classes, and `items` None where nobody knows how many there
    are: of a class. Where a part says nothing `ranking` is None and `problem` a sentence; `labels` is 0
    where the board has no such part.
    """
    whole = result_of(snapshot)
    return _narrowed(snapshot, whole, part) if part and whole["ranking"] else whole


@dataclass(frozen=True, eq=False)
class Marks:
    """What the models `names` did on some labelled items: `correct` and `answered` [n_models, n_items]."""

    names: tuple[str, ...]
    correct: Mask
    answered: Mask


def marks(snapshot: Snapshot, part: Part) -> Marks:
    """What the models did on a part. Raises ValueError, a sentence, where the board has no such part."""
    return _marks(snapshot, _place(snapshot, part).items)


@dataclass(frozen=True)
class _Codes:
    """Of the labelled items: label, whether it was chosen, and the codes of each slice (`kept_arrays`)."""

    label: NDArray[np.int32]
    chosen: Mask
    slices: dict[str, tuple[NDArray[np.int32], list[str], list[int]]]

    @property
    def nbytes(self) -> int:
        codes = sum(held.nbytes + 100 * len(values) for held, values, _ in self.slices.values())
        return self.label.nbytes + self.chosen.nbytes + codes


_codes: RecentlyUsed[_Codes] = RecentlyUsed(64 << 20, lambda codes: codes.nbytes)


def _read(blob: str) -> _Codes:
    with files.open_blob(blob) as stream, np.load(stream, allow_pickle=False) as held:
        slices = {
            name: (
                held[f"codes_{number}"],
                held[f"values_{number}"].tolist(),
                held[f"sizes_{number}"].tolist(),
            )
            for number, name in enumerate(held["slices"].tolist())
        }
        return _Codes(held["label"], held["chosen"], slices)


def _marks(snapshot: Snapshot, items: Mask) -> Marks:
    with (
        files.open_blob(snapshot.pairs_blob) as stream,
        np.load(stream, allow_pickle=False) as held,
    ):
        names, packed = held["models"].tolist(), (held["correct"], held["answered"])
    # Row by row: all bits of many models on many labels would take eight times the room.
    correct, answered = (
        np.stack([np.unpackbits(row, count=len(items))[items].astype(bool) for row in bits])
        for bits in packed
    )
    return Marks(tuple(names), correct, answered)


@dataclass(frozen=True)
class _Place:
    """Which labelled items a part holds, and of how many items, labelled or not; None: unknown."""

    items: Mask
    total: int | None
    chosen: int
    said: dict[str, Any]


def _place(snapshot: Snapshot, part: Part) -> _Place:
    """Raises ValueError, a sentence, where the board has no such part."""
    if not narrows(snapshot):
        raise ValueError(
            "These numbers are of an earlier version: compute the board again to narrow it."
        )
    codes = _codes.get(snapshot.pairs_blob, lambda: _read(snapshot.pairs_blob))
    items: Mask = np.ones(len(codes.label), bool)
    total: int | None = None
    said: dict[str, Any] = {"slice": None, "class": part.label or None}
    if part.slice:
        pair = slice_asked(part.slice, codes.slices)
        if pair is None:
            raise ValueError(
                f"This board has no slice {prose.name(part.slice)}: choose another part."
            )
        said["slice"] = list(pair)
        held, values, sizes = codes.slices[pair[0]]
        code = values.index(pair[1]) if pair[1] in values else len(values)
        items &= held == code
        total = sizes[code] if code < len(values) and not part.label else None
    if part.label:
        classes = result_of(snapshot)["classes"]
        if part.label not in classes:
            raise ValueError(
                f"This board has no class {prose.name(part.label)}: choose another part."
            )
        items &= codes.label == classes.index(part.label)
    if not items.any():
        raise ValueError(
            f"This board has no labelled item of {part_words(said)}: choose another part."
        )
    return _Place(items, total, int(codes.chosen[items].sum()), said)


def slice_asked(text: str, names: Iterable[str]) -> tuple[str, str] | None:
    """Name and value of `name:value`, the longest of `names` that fits; None where none does."""
    for name in sorted(names, key=len, reverse=True):
        if text.startswith(f"{name}:") and len(text) > len(name) + 1:
            return name, text[len(name) + 1 :]
    return None


def _narrowed(snapshot: Snapshot, whole: dict[str, Any], part: Part) -> dict[str, Any]:
    shared = {key: value for key, value in whole.items() if key not in _OF_THE_WHOLE}
    shared |= {
        "question": {**whole["question"], "resamples": RESAMPLES},
        "certificate": None,
        "slice_columns": [],
        "slice_cells": {},
        "ranking": None,
    }
    try:
        place = _place(snapshot, part)
    except ValueError as error:
        said = {"slice": None, "class": None}
        return {**shared, "part": said, "labels": 0, "chosen_labels": 0, "problem": str(error)}
    found = {
        **shared,
        "part": place.said,
        "items": place.total,
        "labels": int(place.items.sum()),
        "chosen_labels": place.chosen,
    }
    least = fewest_labels(whole["ranking"]["alpha"])
    if found["labels"] < least:
        return {**found, "problem": _too_few(found, least)}
    key = ["part", _FORMAT, snapshot.blob, snapshot.pairs_blob, part.slice, part.label]
    ranking = derived.document(key, lambda: _ranking(snapshot, whole, place.items))
    problem = "" if ranking else "No model was run on any of these items: there is nothing to rank."
    return {**found, "ranking": ranking, "problem": problem}


def fewest_labels(alpha: float) -> int:
    """With fewer, not even a model that is right wherever another is wrong passes McNemar's exact test."""
    return ceil(log2(2 / alpha))


def _too_few(found: dict[str, Any], least: int) -> str:
    labels = count(found["labels"], "labelled item")
    verb = "is" if found["labels"] == 1 else "are"
    level = f"{(1 - found['question']['alpha']) * 100:g}%"
    return (
        f"There {verb} only {labels} of {part_words(found['part'])}: too few for a statement, since no "
        f"test at {level} tells two models apart by fewer than {least}."
    )


def _ranking(snapshot: Snapshot, whole: dict[str, Any], items: Mask) -> dict[str, Any] | None:
    held = _marks(snapshot, items)
    if not held.answered.any():
        return None
    known, asked = (
        {row["model"]: row["price"] for row in whole["ranking"]["rows"]},
        whole["ranking"],
    )
    prices = [np.nan if known[name] is None else known[name] for name in held.names]
    ranking = rank_answers(
        held.correct,
        held.answered,
        held.names,
        prices=np.array(prices, float),
        delta=asked["delta"],
        alpha=asked["alpha"],
        resamples=RESAMPLES,
        seed=asked["seed"],
    )
    return ranking.as_dict()


def _text(query: QueryDict, name: str) -> str:
    return query.get(name, "").replace("\x00", "")[:_LENGTH]
