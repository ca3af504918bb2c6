"""Who voted together on the items that the candidates dispute."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import NOT_RUN, Classes, Floats

from .base import Indices
from .device import NUMPY, camps, fetched, placed

_BLOCK = 2_000_000


@dataclass(frozen=True, eq=False)
class Votes:
    """The votes on disputed items; a group is a class that somebody voted for on an item.

    The groups of an item stand together, the largest first, of equals the lowest class first; the
    models of a group stand together in their order. Models not run on an item have no vote in it.

    Attributes:
        items: [n_disputed], the items on which at least two classes have votes, ascending.
        models: [n_votes], who votes, group after group.
        start: [n_groups], where each group begins in `models`.
        first: [n_disputed], the first group of each item.
        owner: [n_groups], the item of each group, in 0..n_disputed - 1.
        size: [n_groups], how many models vote for it.
        choice: int32 [n_groups], the class voted for.
        n_models: of the pool.
        counted: [n_votes], what each vote counts in sums; None for 1.
        device: where sums are made; see `device.resolved`.
    """

    items: Indices
    models: Indices
    start: Indices
    first: Indices
    owner: Indices
    size: NDArray[np.intp]
    choice: Classes
    n_models: int
    counted: Floats | None = None
    device: str = NUMPY

    @classmethod
    def of(cls, predictions: Classes, *, device: str = NUMPY) -> Votes:
        """Group the votes of int32 [n_models, n_items], -1 where a model was not run."""
        n_models, n_items = predictions.shape
        step = max(1, _BLOCK // n_models)
        blocks = [
            _grouped(predictions[:, start : start + step], start)
            for start in range(0, n_items, step)
        ]
        items, models, size, choice, groups = (
            np.concatenate(parts) for parts in zip(*blocks, strict=True)
        )
        first = np.cumsum(groups) - groups
        return cls(
            items=items,
            models=models,
            start=np.cumsum(size) - size,
            first=first,
            owner=np.repeat(np.arange(len(items)), groups),
            size=size,
            choice=choice,
            n_models=n_models,
            device=device,
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Votes:
        return self  # nothing changes it

    def sums(self, values: Floats) -> Floats:
        """[n_groups], the sum of the values [n_models] of the models in each group."""
        if not len(self.items):
            return np.zeros(0)
        return fetched(self._camps @ placed(values, self.device))

    @cached_property
    def _camps(self) -> Any:
        counted = np.ones(len(self.models)) if self.counted is None else self.counted
        return camps(self.start, self.models, counted, self.n_models, self.device)

    def of_votes(self, values: NDArray[Any]) -> NDArray[Any]:
        """[n_votes], the values [n_models, n_items] of each vote."""
        items = np.repeat(self.items[self.owner], self.size)
        return np.asarray(values[self.models, items])

    def by_item(self, values: Floats) -> Floats:
        """[n_disputed], the sum of the values [n_groups] of the groups of each item."""
        if not len(self.items):
            return np.zeros(0)
        return np.asarray(np.add.reduceat(values, self.first))

    def shares(self, weights: Floats) -> Floats:
        """[n_groups], each group's part of the weights [n_models] of all who voted on its item."""
        held = self.sums(weights)
        whole = self.by_item(held)[self.owner]
        return np.asarray(np.divide(held, whole, out=np.zeros_like(held), where=whole > 0))

    def winners(self, values: Floats) -> Classes:
        """int32 [n_disputed], the class of the highest value [n_groups]; of equals the first group."""
        if not len(self.items):
            return np.zeros(0, dtype=np.int32)
        best = np.maximum.reduceat(values, self.first)
        hits = np.flatnonzero(values >= best[self.owner] - 1e-12)
        owners = self.owner[hits]
        leading = np.ones(len(hits), dtype=bool)
        leading[1:] = owners[1:] != owners[:-1]
        return np.asarray(self.choice[hits[leading]])


def own_shares(predictions: Classes) -> Floats:
    """[n_models, n_items], the share of the votes on an item that say what the model says.

    0 where the model was not run, 1 where all that were run agree.
    """
    own = np.empty(predictions.shape)
    n_classes = int(predictions.max(initial=0)) + 1
    step = max(1, _BLOCK // max(n_classes, len(predictions)))
    for start in range(0, predictions.shape[1], step):
        block = predictions[:, start : start + step]
        was_run = block != NOT_RUN
        # A number for each class of each item, so that one count gives the votes of all of them.
        place = block + np.arange(block.shape[1]) * n_classes
        place[~was_run] = 0
        counts = np.bincount(place[was_run], minlength=block.shape[1] * n_classes)
        run = np.maximum(np.count_nonzero(was_run, axis=0), 1)
        own[:, start : start + step] = np.where(was_run, counts[place] / run, 0.0)
    return own


def _grouped(block: Classes, start: int) -> tuple[NDArray[Any], ...]:
    """Of a block of items: disputed items, then models, sizes and classes of their groups, and how
    many groups each item has."""
    low = block.min(axis=0, initial=np.iinfo(np.int32).max, where=block >= 0)
    disputed = np.flatnonzero((block > low).any(axis=0))
    votes = np.ascontiguousarray(block[:, disputed].T)
    short = votes.max(initial=0) < np.iinfo(np.uint16).max  # short keys: a radix sort
    models = np.argsort(votes.astype(np.uint16 if short else np.uint32), axis=1, kind="stable")
    ordered = np.take_along_axis(votes, models, axis=1)
    valid = ordered >= 0  # as unsigned, -1 is the highest: those not run come last
    fresh = valid.copy()
    fresh[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
    owner = np.nonzero(fresh)[0]
    begins = np.flatnonzero(fresh[valid])
    size = np.diff(begins, append=int(valid.sum()))
    choice = ordered[fresh]
    largest_first = np.lexsort((choice, -size, owner))
    moved = size[largest_first]
    # Where each vote of the reordered groups stood before.
    places = np.repeat(begins[largest_first] - (np.cumsum(moved) - moved), moved)
    groups = np.bincount(owner, minlength=len(disputed))
    return (
        start + disputed,
        models[valid][places + np.arange(len(places))],
        moved,
        choice[largest_first].astype(np.int32),
        groups,
    )
