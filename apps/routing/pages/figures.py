"""Small drawings in the page: geometry attributes alone, for the policy allows no style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
        f'{ticks}<path class="even" d="M{at(0)} {_SIDE - at(0)}L{at(1)} {_SIDE - at(1)}"/>{dots}</svg>'
    )


def _signed(value: float) -> str:
    return f"{value:+.0f}".replace("-", "−") if value else "0"


_BOX = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
