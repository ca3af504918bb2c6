"""The matrix of predictions while it grows."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from apps.catalog.readers.limits import MAX_CELLS
from apps.catalog.readers.problems import Problems

UNSET = -3
T = TypeVar("T", bound=np.generic)
_GROWTH = 1.3  # memory against copies: at most 1.7 times the cells needed are held


class Cells:
    """Class codes by model and item, int16; UNSET where the file has said nothing yet.

    Args:
        items: how many are known beforehand. confidence: keep a probability a cell as well.
    """

    def __init__(self, problems: Problems, *, items: int, models: int, confidence: bool) -> None:
        self._problems = problems
        self._codes = np.full((max(models, 4), max(items, 1024)), UNSET, np.int16)
        self._confidence = np.full(self._codes.shape, np.nan, np.float32) if confidence else None

    def fit(self, models: int, items: int) -> None:
        """Make room.

        Raises:
            FileProblem: models x items is over the limit.
        """
        if models * items > MAX_CELLS:
            self._problems.fail(
                f"{models:,} models x {items:,} items is more than the {MAX_CELLS:,} "
                "predictions that are taken."
            )
        have = self._codes.shape
        if models <= have[0] and items <= have[1]:
            return
        shape = tuple(
            size if need <= size else max(need, int(size * _GROWTH))
            for need, size in zip((models, items), have, strict=True)
        )
        self._codes = _grown(self._codes, shape, UNSET)
        if self._confidence is not None:
            self._confidence = _grown(self._confidence, shape, np.nan)

    def put(
        self,
        models: NDArray[np.int32],
        items: NDArray[np.int32],
        classes: NDArray[np.int32],
        confidence: NDArray[np.float32] | None,
    ) -> NDArray[np.int64]:
        """Set cells that `fit` has made room for; returns which of them were set before."""
        flat = models.astype(np.int64) * self._codes.shape[1] + items
        cells = self._codes.reshape(-1)
        again = cells[flat] != UNSET
        if flat.size > 1 and not (np.diff(flat) > 0).all():
            order = np.argsort(flat, kind="stable")
            again[order[1:][flat[order][1:] == flat[order][:-1]]] = True
        cells[flat] = classes
        if confidence is not None and self._confidence is not None:
            self._confidence.reshape(-1)[flat] = confidence
        return np.flatnonzero(again)

    def finished(
        self, models: int, items: int, recode: NDArray[np.int16]
    ) -> tuple[NDArray[np.int16], NDArray[np.float32] | None]:
        """The matrix cut to size with class codes renamed; -1 where there is no prediction."""
        codes = np.ascontiguousarray(self._codes[:models, :items])  # no copy where it fits
        for row in codes:
            row[row < 0] = -1
            known = row >= 0
            row[known] = recode[row[known]]
        if self._confidence is None:
            return codes, None
        return codes, np.ascontiguousarray(self._confidence[:models, :items])


def _grown(old: NDArray[T], shape: tuple[int, ...], fill: float) -> NDArray[T]:
    new = np.full(shape, fill, old.dtype)
    new[: old.shape[0], : old.shape[1]] = old
    return new
