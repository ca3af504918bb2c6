"""The forest plot that is a column of the table: a dot on a thin line over a common axis.

Small SVG elements with geometry attributes alone: the content security policy allows no style.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from apps.leaderboards.chart_layout import worth_drawing

WIDTH = 220
HEIGHT = 14
_INSET = 6


@dataclass(frozen=True)
class Axis:
    """A common axis of accuracies; `start` and `end` are whole tenths."""

    start: float
    end: float

    @classmethod
    def over(cls, rows: Sequence[dict[str, Any]], always: Sequence[str] = ()) -> Axis:
        """The axis that holds every known interval but those of models far below the others.

        One of them would press all that is to be told apart against the other end; `always` are held.
        """
        known = [row for row in rows if row["accuracy"] is not None]
        known = worth_drawing(known, always) if known else known
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
        """One model's interval and estimate, and where the chosen model stands; an arrow: further left."""
        if row["accuracy"] is None:
            return ""
        x = self.x
        if row["accuracy"] < self.start:
            return f'<svg class="forest" {_BOX} aria-hidden="true"><path d="M7 3L2 7L7 11M2 7H12"/></svg>'
        mark = "" if reference is None else f'<path class="ref" d="M{x(reference)} 0V{HEIGHT}"/>'
        return (
            f'<svg class="forest" {_BOX} aria-hidden="true">{mark}'
            f'<path d="M{x(max(row["low"], self.start))} 7H{x(row["high"])}"/>'
            f'<circle cx="{x(row["accuracy"])}" cy="7" r="3.5"/></svg>'
        )


_BOX = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
