"""Accuracies and differences of a comparison, drawn and in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from apps.leaderboards.comparing.words import signed
from apps.leaderboards.pages.forest import HEIGHT, WIDTH


def percent(share: float | None) -> str | None:
    """An accuracy, None where it is not known."""
    return None if share is None else f"{share * 100:.1f}%"


def interval(line: dict[str, Any]) -> str:
    """A difference in points, with its interval."""
    return f"{signed(line['difference'])} ({signed(line['low'])} to {signed(line['high'])})"


def half_width(lines: Sequence[dict[str, Any]]) -> float:
    """Half the width of an axis around zero that holds every interval."""
    known = [line for line in lines if line["difference"] is not None]
    ends = [abs(line[key]) for line in known for key in ("low", "high")]
    return float(max([0.01, *ends]))


_BOX = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" aria-hidden="true"'


def _picture(low: float, at: float, high: float, mark: float | None) -> SafeString:
    """A dot on a line, shares of the width; `mark` is where a thin vertical line stands."""
    x = [f"{6 + share * (WIDTH - 12):.1f}" for share in (low, at, high)]
    line = (
        "" if mark is None else f'<path class="ref" d="M{6 + mark * (WIDTH - 12):.1f} 0V{HEIGHT}"/>'
    )
    return mark_safe(  # noqa: S308
        f'<svg class="forest" {_BOX}>{line}<path d="M{x[0]} 7H{x[2]}"/>'
        f'<circle cx="{x[1]}" cy="7" r="3.5"/></svg>'
    )


def forest_gap(line: dict[str, Any], widest: float) -> SafeString:
    """A difference and its interval around zero."""
    if line["difference"] is None:
        return SafeString()
    low, at, high = (0.5 + line[key] / (2 * widest) for key in ("low", "difference", "high"))
    return _picture(low, at, high, 0.5)


def forest_share(line: dict[str, Any], axis: tuple[float, float]) -> SafeString:
    """An accuracy and its interval on the axis of all models."""
    if line["accuracy"] is None:
        return SafeString()
    start, width = axis[0], max(axis[1] - axis[0], 1e-9)
    low, at, high = ((line[key] - start) / width for key in ("low", "accuracy", "high"))
    return _picture(low, at, high, None)
