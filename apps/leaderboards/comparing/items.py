"""Where models differ: the items that a filter lets through, and a page of them side by side."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.catalog import queries as catalog
from apps.catalog.cache import RecentlyUsed
from apps.catalog.queries import Columns, ItemView
from apps.leaderboards.comparing.numbers import patterns_of
from apps.leaderboards.comparing.state import CompareState
from apps.leaderboards.queries import short
from apps.leaderboards.statistics.comparison import (
    DIFFER,
    LABELLED,
    PATTERNS,
    ran_bit,
    right_bit,
)

PAGE_SIZE = 25
SEARCH_SECONDS = 0.12
"""A search looks for about so long, and says how far it came."""


@dataclass(frozen=True)
class Answer:
    """What a model said: None where it was not run; `right` is None where there is no label."""

    model: str
    said: str | None
    right: bool | None
    stated: float | None


@dataclass(frozen=True)
class SideBySide:
    """One item with the answers of all models. `label` is None where it has none."""

    index: int
    id: str
    text: str
    slices: dict[str, str]
    label: str | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Found:
    """A page of items.

    Attributes:
        total: items that the filters let through, the search aside.
        page, pages: which of how many; a search has no numbered pages.
        looked_at: of the `total`, how many a search has looked at up to here.
        following: where the search goes on; None where it is at its end, or where none is.
    """

    items: tuple[SideBySide, ...]
    total: int
    page: int
    pages: int
    looked_at: int = 0
    following: int | None = None


_places: RecentlyUsed[NDArray[np.int32]] = RecentlyUsed(64 << 20, lambda places: places.nbytes)


def places_of(columns: Columns, state: CompareState) -> NDArray[np.int32]:
    """The places of the items that the filters let through, rising; the search is not among them."""
    key = (
        tuple(columns.held[name][:2] for name in state.models),
        str(columns.label_key),
        (state.show_all, state.answers, state.labelled, state.label, state.by, state.said),
        state.slice,
    )
    return _places.get(key, lambda: _filtered(columns, state))


def _filtered(columns: Columns, state: CompareState) -> NDArray[np.int32]:
    wanted, unwanted = 0 if state.show_all else DIFFER, 0
    if state.labelled:
        wanted, unwanted = (wanted | LABELLED, 0) if state.labelled == "yes" else (wanted, LABELLED)
    for model, says in state.answers:
        number = state.models.index(model)
        if says == "right":
            wanted |= right_bit(number)
        elif says == "wrong":
            wanted |= ran_bit(number) | LABELLED
            unwanted |= right_bit(number)
        else:
            unwanted |= ran_bit(number)
    words = np.arange(PATTERNS)
    lets = (words & wanted == wanted) & (words & unwanted == 0)
    found = np.flatnonzero(lets[patterns_of(columns, state.models)]).astype(np.int32)
    if state.label:
        found = found[columns.labels[found] == columns.classes.index(state.label)]
    if state.by:
        found = found[columns.answers(state.by)[found] == columns.classes.index(state.said)]
    if state.slice:
        column = columns.slice(state.slice[0])
        value = column.values.index(state.slice[1]) if state.slice[1] in column.values else -2
        found = found[column.codes[found] == value]
    return found


def find(columns: Columns, state: CompareState, *, page_size: int = PAGE_SIZE) -> Found:
    """The page of items that a state asks for; a page beyond the last is the last."""
    places = places_of(columns, state)
    if state.search:
        return _searched(columns, state, places, page_size)
    pages = max(1, -(-len(places) // page_size))
    page = min(state.page, pages)
    shown = places[(page - 1) * page_size : page * page_size]
    return Found(_beside(columns, state, shown), len(places), page, pages)


def _searched(
    columns: Columns, state: CompareState, places: NDArray[np.int32], page_size: int
) -> Found:
    start = min(state.start, len(places))
    hits, seen = catalog.find_items(
        columns.version, state.search, among=places[start:], within=SEARCH_SECONDS
    )
    upto = start + seen
    if len(hits) > page_size:
        hits = hits[:page_size]
        upto = int(np.searchsorted(places, hits[-1])) + 1
    return Found(
        _beside(columns, state, np.array(hits, np.int32)),
        len(places),
        1,
        1,
        looked_at=upto,
        following=upto if upto < len(places) else None,
    )


def _beside(
    columns: Columns, state: CompareState, places: NDArray[np.int32]
) -> tuple[SideBySide, ...]:
    if not len(places):
        return ()
    labels = columns.labels[places].tolist()
    said = {model: columns.answers(model)[places].tolist() for model in state.models}
    stated: dict[str, list[float]] = {}
    for model in state.models:
        sure = columns.stated(model)
        stated[model] = [np.nan] * len(places) if sure is None else sure[places].tolist()
    views = catalog.items_of(columns.version, places.tolist(), pictures=False)
    return tuple(
        _one(columns, view, label, [(m, said[m][row], stated[m][row]) for m in state.models])
        for row, (view, label) in enumerate(zip(views, labels, strict=True))
    )


def _one(
    columns: Columns, view: ItemView, label: int, answers: list[tuple[str, int, float]]
) -> SideBySide:
    return SideBySide(
        index=view.index,
        id=view.id,
        text=short(view.text or ""),
        slices={name: value for name, value in view.slices.items() if value},
        label=columns.classes[label] if label >= 0 else None,
        answers=tuple(
            Answer(
                model,
                columns.classes[code] if code >= 0 else None,
                code == label if code >= 0 and label >= 0 else None,
                None if isnan(sure) else sure,
            )
            for model, code, sure in answers
        ),
    )


def as_plain(item: SideBySide) -> dict[str, Any]:
    """An item for the API and for files."""
    return {
        "index": item.index,
        "id": item.id,
        "text": item.text,
        "slices": item.slices,
        "label": item.label,
        "answers": {
            answer.model: {"said": answer.said, "right": answer.right, "stated": answer.stated}
            for answer in item.answers
        },
    }
