"""Where things stand in the chart: axes fitted to the data, and names that cover nothing.

Pure geometry in pixels; (0, 0) is the upper left corner of the plot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, exp, expm1, floor, log, log1p, log10
from typing import Any, Literal

LABELLED = 12
"""At most this many models are named."""

_LETTER, _LINE = 7.0, 15.0  # a letter's width and a line's height, at the font size of names
_LONGEST = 32  # letters of a name; a longer one is cut
_DOT = 6.0
_TICK = 60.0  # the room of a price on its axis
_FAR = 3.0  # times the distance of the quartiles below the lower one: Tukey's "far out"

Row = dict[str, Any]
Side = Literal["left", "right"]
_Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Scale:
    """An axis: values from `low` to `high` over `pixels`; log, or symlog about `constant`."""

    low: float
    high: float
    pixels: float
    kind: Literal["linear", "log", "symlog"] = "linear"
    constant: float = 1.0

    def at(self, value: float) -> float:
        """The pixel of a value."""
        low, high = self._bend(self.low), self._bend(self.high)
        return (self._bend(value) - low) / (high - low) * self.pixels

    def value(self, pixel: float) -> float:
        """The value at a pixel."""
        low, high = self._bend(self.low), self._bend(self.high)
        return self._unbend(low + pixel / self.pixels * (high - low))

    def _bend(self, value: float) -> float:
        if self.kind == "log":
            return log(value)
        return log1p(value / self.constant) if self.kind == "symlog" else value

    def _unbend(self, value: float) -> float:
        if self.kind == "log":
            return exp(value)
        return expm1(value) * self.constant if self.kind == "symlog" else value


def prices(found: Sequence[float], pixels: float) -> Scale:
    """Log; a price of 0 has no logarithm, so then linear below the smallest price above it."""
    paid = [price for price in found if price > 0]
    if not paid:
        return Scale(0.0, 1.0, pixels)
    room = max((max(paid) / min(paid)) ** 0.05, 1.2)
    if len(paid) < len(found):
        return Scale(0.0, max(paid) * room, pixels, "symlog", min(paid))
    return Scale(min(paid) / room, max(paid) * room, pixels, "log")


def ticks(axis: Scale) -> list[float]:
    """Few round values: 1, 2 and 5 of each power of ten, or the powers alone where there are many."""
    least = axis.constant if axis.kind == "symlog" else axis.low
    powers = range(floor(log10(least)), ceil(log10(axis.high)) + 1)
    zero = [0.0] if axis.kind == "symlog" else []
    for steps in ((1, 2, 5), (1, 3), (1,)):
        found = [step * 10.0**power for power in powers for step in steps]
        found = zero + [at for at in found if least <= at <= axis.high]
        if len(found) * _TICK <= axis.pixels:
            break
    return found


def accuracies(rows: Sequence[Row], pixels: float) -> Scale:
    """From the lowest interval's end to the highest's, in whole steps of five points."""
    low = max(0, floor(min(row["low"] for row in rows) * 20)) / 20
    high = min(20, ceil(max(row["high"] for row in rows) * 20)) / 20
    return Scale(high, low, pixels)


def worth_drawing(rows: Sequence[Row], always: Sequence[str]) -> list[Row]:
    """The rows without those so far below the others that they would flatten them all.

    Far is three times the distance of the quartiles below the lower quartile; `always` stay.
    """
    ordered = sorted(row["accuracy"] for row in rows)
    lower, upper = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    fence = lower - _FAR * max(upper - lower, 0.02)
    return [row for row in rows if row["accuracy"] >= fence or row["model"] in always]


@dataclass(frozen=True)
class Label:
    """A name near its dot: its text begins (`left`) or ends (`right`) at the pixel x.

    `far`: too far from the dot to be read as its name without a line between them.
    """

    text: str
    x: float
    y: float
    align: Side
    far: bool


def labels(rows: Sequence[Row], across: Scale, up: Scale, first: Sequence[str]) -> dict[str, Label]:
    """Names by model: `first`, then the frontier from its best, each where it covers nothing.

    A name of `first` that finds no free place stands where it covers no other name; another is
    left out.
    """
    frontier = sorted((row for row in rows if row["on_frontier"]), key=lambda row: row["price"])
    dots = {row["model"]: (across.at(row["price"]), up.at(row["accuracy"])) for row in rows}
    wanted = sorted(
        (row for row in rows if row["model"] in first or row["on_frontier"]),
        key=lambda row: (row["model"] not in first, -row["accuracy"]),
    )
    marks = [(x - _DOT, y - _DOT, x + _DOT, y + _DOT) for x, y in dots.values()]
    marks += _steps([dots[row["model"]] for row in frontier])
    taken: list[_Box] = []
    placed: dict[str, Label] = {}
    for row in wanted[:LABELLED]:
        model = row["model"]
        choices = list(_places(model, *dots[model]))
        inside = [(label, box) for label, box in choices if _fits(box, across.pixels, up.pixels)]
        free = [(label, box) for label, box in inside if not _hits(box, taken)]
        clear = [(label, box) for label, box in free if not _hits(box, marks)]
        best = clear[:1] or (free[:1] if model in first else [])
        for label, box in best:
            placed[model] = label
            taken.append(box)
    return placed


def _places(model: str, x: float, y: float) -> list[tuple[Label, _Box]]:
    text = model if len(model) <= _LONGEST else model[: _LONGEST - 1] + "…"
    wide = len(text) * _LETTER
    found: list[tuple[Label, _Box]] = []
    for down in (0, -_LINE, _LINE, -2 * _LINE, 2 * _LINE, -3 * _LINE, 3 * _LINE):
        beside = _DOT + 3 if down == 0 else 0.0
        for align in ("left", "right"):
            start = x + beside if align == "left" else x - beside
            left = start if align == "left" else start - wide
            box = (left, y + down - _LINE / 2, left + wide, y + down + _LINE / 2)
            found.append((Label(text, start, y + down, align, abs(down) > _LINE), box))
    return found


def _steps(frontier: Sequence[tuple[float, float]]) -> list[_Box]:
    """The boxes of the frontier's line: level up to the next dot, then up to it."""
    found: list[_Box] = []
    for (x, y), (then, above) in pairwise(frontier):
        found += [(x, y - 1, then, y + 1), (then - 1, min(y, above), then + 1, max(y, above))]
    return found


def _fits(box: _Box, wide: float, high: float) -> bool:
    return box[0] >= 0 and box[2] <= wide and box[1] >= -_LINE and box[3] <= high


def _hits(box: _Box, others: Sequence[_Box]) -> bool:
    left, top, right, bottom = box
    return any(
        left < other[2] and other[0] < right and top < other[3] and other[1] < bottom
        for other in others
    )
