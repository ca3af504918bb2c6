"""Small drawings in the page: geometry attributes alone, for the policy allows no style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.safestring import SafeString, mark_safe

WIDTH, HEIGHT, _INSET = 160, 14, 6
_SIDE, _EDGE = 220, 34


def _x(value: float, low: float, high: float) -> float:
    share = (min(max(value, low), high) - low) / (high - low)
    return round(_INSET + share * (WIDTH - 2 * _INSET), 1)


def forest_axis(low: float, high: float) -> SafeString:
    """The head of a column of `forest`: its ends, and 0."""
    ticks = "".join(
        f'<text x="{_x(at, low, high)}" y="11" text-anchor="{anchor}">{_signed(at)}</text>'
        for at, anchor in ((low, "start"), (0.0, "middle"), (high, "end"))
        if at or -low > (high - low) / 6 < high
    )
    return mark_safe(  # noqa: S308 - numbers alone
        f'<svg class="forest axis" {_BOX} aria-hidden="true">{ticks}</svg>'
    )


def forest(gain: Mapping[str, float], low: float, high: float) -> SafeString:
    """A difference and its interval as a dot on a line, over a common axis with a mark at 0."""
    start, end, dot, zero = (
        _x(value, low, high) for value in (gain["low"], gain["high"], gain["mean"], 0.0)
    )
    return mark_safe(  # noqa: S308 - numbers alone
        f'<svg class="forest" {_BOX} aria-hidden="true"><path class="ref" d="M{zero} 0V{HEIGHT}"/>'
        f'<path d="M{start} 7H{end}"/><circle cx="{dot}" cy="7" r="3.5"/></svg>'
    )


def reliability(bins: Sequence[Mapping[str, float]]) -> SafeString:
    """What came against what was expected, a dot a bin, its area by how many there were."""
    most = max((one["count"] for one in bins), default=1.0)

    def at(share: float) -> float:
        return round(_EDGE + share * (_SIDE - _EDGE - 8), 1)

    dots = "".join(
        f'<circle cx="{at(one["expected"])}" cy="{round(_SIDE - at(one["observed"]), 1)}" '
        f'r="{round(2 + 6 * (one["count"] / most) ** 0.5, 1)}"/>'
        for one in bins
    )
    ticks = "".join(
        f'<path class="ref" d="M{at(s)} {_SIDE - at(0)}V{_SIDE - at(1)}"/>'
        f'<path class="ref" d="M{at(0)} {_SIDE - at(s)}H{at(1)}"/>'
        f'<text x="{at(s)}" y="{_SIDE - at(0) + 14}" text-anchor="middle">{s:.0%}</text>'
        f'<text x="{_EDGE - 5}" y="{_SIDE - at(s) + 4}" text-anchor="end">{s:.0%}</text>'
        for s in (0.0, 0.5, 1.0)
    )
    return mark_safe(  # noqa: S308 - numbers alone
        f'<svg class="reliability" viewBox="-4 0 {_SIDE + 12} {_SIDE + 4}" role="img" '
        f'aria-label="Scores that came against scores that were expected; the table says the same">'
        f'{ticks}<text x="{at(0.5)}" y="{_SIDE - at(0) + 28}" text-anchor="middle">expected</text>'
        f'<text transform="translate(6 {_SIDE - at(0.5)}) rotate(-90)" text-anchor="middle">came</text>'
        f'<path class="even" d="M{at(0)} {_SIDE - at(0)}L{at(1)} {_SIDE - at(1)}"/>{dots}</svg>'
    )


def two_curves(curve: Mapping[str, Any]) -> SafeString:
    """Quality over cost before (grey) and after (accent), each with its interval."""
    wide, high, left, foot = 480, 220, 34, 22
    known = [
        v for which in ("before", "after") for key in ("low", "high") for v in curve[which][key]
    ]
    bottom, top = min(known), max(max(known), min(known) + 1)
    first, last = curve["grid"][0], curve["grid"][-1]

    def at(cost: float, quality: float) -> str:
        across = (cost - first) / ((last - first) or 1)
        up = (quality - bottom) / (top - bottom)
        return f"{left + across * (wide - left - 60):.1f} {(1 - up) * (high - foot - 8) + 8:.1f}"

    drawn = []
    for which in ("before", "after"):
        grid, part = curve["grid"], curve[which]
        line = "L".join(at(c, q) for c, q in zip(grid, part["mean"], strict=True))
        over = [at(c, q) for c, q in zip(grid, part["high"], strict=True)]
        under = [at(c, q) for c, q in zip(grid, part["low"], strict=True)]
        x, y = at(last, part["mean"][-1]).split()
        drawn.append(
            f'<path class="band {which}" d="M{"L".join(over + under[::-1])}Z"/>'
            f'<path class="line {which}" d="M{line}"/>'
            f'<text x="{float(x) + 6}" y="{float(y) + (4 if which == "after" else 16)}">{which}</text>'
        )
    ends = "".join(
        f'<text x="{left - 5}" y="{float(at(first, q).split()[1]) + 4}" text-anchor="end">{q:.0f}</text>'
        for q in (bottom, top)
    )
    return mark_safe(  # noqa: S308 - numbers, and two words of ours
        f'<svg class="reliability joined" viewBox="0 0 {wide} {high}" role="img" aria-label="Quality in '
        f'points over cost, before and after; the table says the same">{"".join(drawn)}{ends}'
        f'<text x="{left}" y="{high - 4}">cheapest</text>'
        f'<text x="{wide - 60}" y="{high - 4}" text-anchor="end">dearest</text></svg>'
    )


def _signed(value: float) -> str:
    return f"{value:+.0f}".replace("-", "−") if value else "0"


_BOX = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
