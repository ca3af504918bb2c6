"""The forest plot that is a column of the table: a dot on a thin line over a common axis.

Small SVG elements with geometry attributes alone: the content security policy allows no style.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

WIDTH = 220
HEIGHT = 14
_INSET = 6


@dataclass(frozen=True)
class Axis:
    """A common axis of accuracies; `start` and `end` are whole tenths."""

    start: float
    end: float

    @classmethod
    def over(cls, rows: Sequence[dict[str, Any]]) -> Axis:
        """The axis that holds every known interval."""
        known = [row for row in rows if row["accuracy"] is not None]
        low = min((row["low"] for row in known), default=0.0)
        high = max((row["high"] for row in known), default=1.0)
        return cls(max(0, floor(low * 10)) / 10, min(10, ceil(high * 10)) / 10)

    def x(self, accuracy: float) -> str:
        """Where an accuracy stands, in the plot's units."""
        share = (accuracy - self.start) / (self.end - self.start)
        return f"{_INSET + share * (WIDTH - 2 * _INSET):.1f}".rstrip("0").rstrip(".")

    def head(self) -> str:
        """The axis itself, for the column's head: its two ends and its middle."""
        middle = (self.start + self.end) / 2
        ticks = "".join(
            f'<text x="{self.x(at)}" y="11" text-anchor="{anchor}">{at * 100:g}%</text>'
            for at, anchor in ((self.start, "start"), (middle, "middle"), (self.end, "end"))
        )
        return f'<svg class="forest axis" {_BOX} aria-hidden="true">{ticks}</svg>'

    def row(self, row: dict[str, Any], reference: float | None) -> str:
        """One model's interval and estimate, and where the chosen model stands."""
        if row["accuracy"] is None:
            return ""
        x = self.x
        mark = "" if reference is None else f'<path class="ref" d="M{x(reference)} 0V{HEIGHT}"/>'
        return (
            f'<svg class="forest" {_BOX} aria-hidden="true">{mark}'
            f'<path d="M{x(row["low"])} 7H{x(row["high"])}"/>'
            f'<circle cx="{x(row["accuracy"])}" cy="7" r="3.5"/></svg>'
        )


_BOX = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
