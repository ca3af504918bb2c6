"""A replay's curves with their bands: one Altair spec for the page and the files."""

from __future__ import annotations

import json
from typing import Any

from apps.catalog.cache import RecentlyUsed
from apps.core.charts import SIZES, THEMES, config, render
from apps.selection.history.queries import read
from apps.selection.history.words import BASELINE, speaker

SHOWN = {
    "best": "Pools in which a best model is named",
    "within_1pct": "Pools in which a model within 1 point of the best is named",
    "regret": "Mean regret, in points of accuracy",
}
"""What can be drawn, and what it is called."""

_POINTS = 160  # of a curve; more than a screen shows
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [1, 3], [10, 4], [4, 1], [3, 6])
_KEY = 0.34  # of the plot's width, beside the curves, for the names


def spec(result: dict[str, Any], show: str, theme: str, size: str) -> dict[str, Any]:
    """The Vega-Lite spec; `show` is a key of SHOWN, `theme` of THEMES, `size` of SIZES."""
    import altair as alt  # takes a second to import, and only charts need it

    colour, (width, height) = THEMES[theme], SIZES[size]
    found = result["outcome"]
    names = _order(result, show)
    lines = _rows(result, show, names)
    budget = found["budget"]
    room = budget * (1 + _KEY * (1 if size == "wide" else 1.6))
    top = 1.0 if show != "regret" else max((row["high"] for row in lines), default=1.0) or 1.0
    tints = [_tint(name, found, colour) for name in names]
    x = alt.X(
        "labels:Q",
        title="Labels",
        scale=alt.Scale(domain=[0, room], nice=False),
        axis=alt.Axis(values=_ticks(budget), grid=False, format=",d"),
    )
    y = alt.Y(
        "value:Q",
        title=SHOWN[show] if size == "wide" else None,
        scale=alt.Scale(domain=[0, top], nice=show == "regret"),
        axis=alt.Axis(format=".3~r" if show == "regret" else "%", tickCount=5),
    )
    tint = alt.Color("method:N", scale=alt.Scale(domain=names, range=tints), legend=None)
    dash = alt.StrokeDash(
        "method:N",
        scale=alt.Scale(domain=names, range=[list(_DASHES[place]) for place in range(len(names))]),
        legend=None,
    )
    base = alt.Chart({"values": lines})
    bands = base.mark_area(opacity=0.13).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=tint)
    curves = base.mark_line(strokeWidth=2).encode(x=x, y=y, color=tint, strokeDash=dash)
    # Names beside the curves, in the order in which these do well, each with its line.
    step = 18 / height * top
    key = [
        {
            "method": name,
            "labels": budget * 1.04,
            "end": budget * (1.1 if size == "wide" else 1.14),
            "at": budget * (1.12 if size == "wide" else 1.18),
            "value": top - place * step - step / 2,
        }
        for place, name in enumerate(names)
    ]
    named = alt.Chart({"values": key})
    samples = named.mark_rule(strokeWidth=2).encode(
        x=x, x2="end:Q", y=y, color=tint, strokeDash=dash
    )
    texts = named.mark_text(align="left", baseline="middle", fontSize=12, color=colour["ink"])
    chart = alt.layer(
        bands, curves, samples, texts.encode(x="at:Q", y=y, text="method:N")
    ).properties(width=width, height=height, description=describe(result, show))
    made: dict[str, Any] = chart.configure(**config(colour)).to_dict()
    return made


def describe(result: dict[str, Any], show: str) -> str:
    """The chart in a sentence."""
    found, last = result["outcome"], -1
    ends = ", ".join(
        f"{name} {_said(result['curves'][name][show][last], show)}" for name in _order(result, show)
    )
    return f"{SHOWN[show]} against labels; after {found['budget']:,} labels: {ends}."


def _said(value: float, show: str) -> str:
    return f"{value:.2f}" if show == "regret" else f"{value:.0%}"


def _order(result: dict[str, Any], show: str) -> list[str]:
    """The methods, the one that does best over all labels first."""
    sign = 1 if show == "regret" else -1
    curves = result["curves"]
    return sorted(curves, key=lambda name: (sign * sum(curves[name][show]), name))


def _rows(result: dict[str, Any], show: str, names: list[str]) -> list[dict[str, Any]]:
    budget = result["outcome"]["budget"]
    each = max(1, -(-budget // _POINTS))
    places = sorted({*range(0, budget, each), budget - 1})
    return [
        {
            "method": name,
            "labels": place + 1,
            "value": result["curves"][name][show][place],
            "low": result["curves"][name][f"{show}_low"][place],
            "high": result["curves"][name][f"{show}_high"][place],
        }
        for name in names
        for place in places
    ]


def _tint(name: str, found: dict[str, Any], colour: dict[str, str]) -> str:
    """Accent for what the page speaks of, grey for random order, ink for the others."""
    if name == speaker(found):
        return colour["accent"]
    return colour["dot"] if name == BASELINE else colour["ink"]


def _ticks(budget: int) -> list[int]:
    """Whole numbers up to the budget; beyond it stand the names."""
    for step in (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000):
        if budget / step <= 6:
            return list(range(0, budget + 1, step))
    return [0, budget]


_svgs: RecentlyUsed[bytes] = RecentlyUsed(16 << 20, len)


def svg(blob: str, show: str, theme: str, size: str) -> bytes:
    """The chart of a stored result as SVG. Only a process that serves may call it (see `render`)."""

    def draw() -> bytes:
        return render(json.dumps(spec(read(blob), show, theme, size)).encode())

    return _svgs.get((blob, show, theme, size), draw)
