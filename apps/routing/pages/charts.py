"""Quality against cost: every router's curve, every null model, every single model. One Altair spec."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import ceil, floor, log10
from typing import Any

from apps.catalog.cache import RecentlyUsed
from apps.core.charts import SIZES, THEMES, config, render
from apps.core.prose import plain
from apps.routing.pages.words import NULL_CURVES, TITLES, unit_of

_NAMED = 14  # single models that get their names, from the best
_LETTER, _LINE = 6.6, 14.0  # a letter's width and a line's height, at the font size of names
_CUT = 26  # letters of a name
_RIGHT, _TICK = 130, 60  # the room of names at the right, and of a cost on its axis
NOTHING = "No costs are known, or all models cost the same: there is nothing to draw."


def drawable(result: dict[str, Any]) -> bool:
    """Whether costs are known and differ, so that there is something to draw."""
    return result["c_min"] is not None


def spec(result: dict[str, Any], theme: str = "light", size: str = "wide") -> dict[str, Any]:
    """The Vega-Lite spec; data included, nothing fetched.

    `theme` is a key of THEMES, `size` of SIZES. Raises ValueError where nothing is `drawable`.
    """
    import altair as alt  # takes a second to import, and only charts need it

    if not drawable(result):
        raise ValueError(NOTHING)
    colour, (width, height) = THEMES[theme], SIZES[size]
    scale = _Scales(result, width, height)
    x = alt.X("cost:Q", title=scale.title, scale=scale.across(alt), axis=scale.axis(alt))
    y = alt.Y(
        "quality:Q",
        title="Quality, in points",
        scale=alt.Scale(domain=[scale.low, scale.high], zero=False, nice=False),
        axis=alt.Axis(tickCount=height // 60),
    )
    curves = _curves(result, scale.calls)
    kinds = ["subject", "router", "null", "oracle"]
    paint = alt.Color(
        "kind:N",
        scale=alt.Scale(
            domain=kinds,
            range=[colour["accent"], colour["ink"], colour["dot"], colour["soft"]],
        ),
        legend=None,
    )
    dash = alt.StrokeDash(
        "kind:N", scale=alt.Scale(domain=kinds, range=[[1, 0], [6, 2], [1, 0], [1, 4]]), legend=None
    )
    base = alt.Chart({"values": [point for curve in curves for point in curve]}).encode(x=x)
    ribbon = (
        base.transform_filter("datum.kind == 'subject'")
        .mark_area(opacity=0.18, color=colour["accent"], aria=False)
        .encode(y=alt.Y("low:Q", title="Quality, in points"), y2="high:Q")
    )
    lines = base.mark_line(strokeWidth=1.6, clip=True, aria=False).encode(
        y=y, color=paint, strokeDash=dash, detail="name:N", order="cost:Q"
    )
    dots = (
        alt.Chart({"values": _singles(result, scale.calls)})
        .mark_point(filled=True, size=55, opacity=1, color=colour["soft"], clip=True)
        .encode(
            x=x,
            y=y,
            tooltip=[
                alt.Tooltip("name:N", title="Model"),
                alt.Tooltip("quality:Q", title="Quality", format=".1f"),
                alt.Tooltip("cost:Q", title=scale.title, format=".3~g"),
            ],
            description="said:N",
        )
    )
    names = _names(result, curves, scale, size)
    chart = alt.layer(ribbon, lines, dots, *_texts(alt, names, x, y, colour)).properties(
        width=width, height=height, description=describe(result)
    )
    made: dict[str, Any] = chart.configure(**config(colour)).to_dict()
    return made


class _Scales:
    """The axes: cost (log where the dearest model costs five times the cheapest) and quality."""

    def __init__(self, result: dict[str, Any], width: float, height: float) -> None:
        unit = unit_of(result)
        self.calls = unit.calls if unit else 1
        self.title = f"US dollars {unit.name}" if unit else "Share of calls to the stronger model"
        self.width, self.height = width, height
        least, most = result["c_min"] * self.calls, result["c_max"] * self.calls
        self.log = least > 0 and most / least > 5
        # Names of curves stand at the right.
        right = _RIGHT / (width - _RIGHT)
        if self.log:
            self.start, self.end = least / (most / least) ** 0.03, most * (most / least) ** right
        else:
            self.start, self.end = least - 0.03 * (most - least), most + right * (most - least)
        shown = [
            value
            for name, router in result["routers"].items()
            if router["curve"] and name not in ("oracle", "oracle-noise-adjusted")
            for value in (*router["curve"]["low"], *router["curve"]["high"])
        ]
        singles = [model["accuracy"] for model in result["models"]]
        # Models far below the others would flatten them all.
        self.low = max(0.0, _lowest(singles, shown) - 2)
        self.high = min(100.0, max([*shown, *singles]) + 2)

    def at(self, cost: float, quality: float) -> tuple[float, float]:
        """Pixels from the upper left corner."""
        if self.log:
            across = (log10(cost) - log10(self.start)) / (log10(self.end) - log10(self.start))
        else:
            across = (cost - self.start) / (self.end - self.start)
        return across * self.width, (self.high - quality) / (self.high - self.low) * self.height

    def across(self, alt: Any) -> Any:
        domain = [self.start, self.end]
        if self.log:
            return alt.Scale(type="log", domain=domain, nice=False)
        return alt.Scale(type="linear", domain=domain, nice=False, zero=False)

    def axis(self, alt: Any) -> Any:
        return alt.Axis(
            format="~g", labelOverlap="greedy", **({"values": self._ticks()} if self.log else {})
        )

    def _ticks(self) -> list[float]:
        """1, 2 and 5 of each power of ten, or the powers alone where those are many."""
        powers = range(floor(log10(self.start)), ceil(log10(self.end)) + 1)
        found: list[float] = []
        for steps in ((1, 2, 5), (1, 3), (1,)):
            found = [step * 10.0**power for power in powers for step in steps]
            found = [at for at in found if self.start <= at <= self.end]
            if len(found) * _TICK <= self.width:
                break
        return found


def _lowest(singles: list[float], shown: list[float]) -> float:
    ordered = sorted(singles)
    lower, upper = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    fence = lower - 3 * max(upper - lower, 2.0)
    return min([value for value in ordered if value >= fence] + [max(fence, min(shown))])


def _curves(result: dict[str, Any], calls: int) -> list[list[dict[str, Any]]]:
    """The points of each curve; `kind` says what it is."""
    found = []
    for name, router in result["routers"].items():
        curve = router["curve"]
        if not curve or not curve["quality"] or name == "best-single":
            continue
        kind = (
            "subject"
            if name == result["subject"]
            else "oracle"
            if name.startswith("oracle")
            else "null"
            if name in NULL_CURVES
            else "router"
        )
        rows = zip(result["grid"], curve["quality"], curve["low"], curve["high"], strict=True)
        found.append(
            [
                {
                    "name": name,
                    "kind": kind,
                    "cost": cost * calls,
                    "quality": quality,
                    "low": low,
                    "high": high,
                }
                for cost, quality, low, high in rows
            ]
        )
    return found


def _singles(result: dict[str, Any], calls: int) -> list[dict[str, Any]]:
    return [
        {
            "name": model["name"],
            "cost": model["cost"] * calls,
            "quality": model["accuracy"],
            "said": f"{model['name']}: {model['accuracy']:.1f} points, a single model",
        }
        for model in result["models"]
        if model["cost"] is not None
    ]


def _names(
    result: dict[str, Any], curves: list[list[dict[str, Any]]], scale: _Scales, size: str
) -> list[dict[str, Any]]:
    """Where each name stands, in data units: curves at their right ends, models beside their dots.

    One that finds no free place is left out; the table has it.
    """
    taken: list[tuple[float, float, float, float]] = []
    placed = []
    ends = [curve[-1] for curve in curves]
    order = {"subject": 0, "null": 1, "router": 2, "oracle": 3}
    for end in sorted(ends, key=lambda end: (order[end["kind"]], -end["quality"])):
        text = TITLES.get(end["name"], end["name"])[:_CUT]
        x, y = scale.at(end["cost"], end["quality"])
        for shift in (0, -15, 15, -30, 30, 45, -45, 60, 75):
            if _free(taken, text, x + 6, y + shift, "left", scale):
                placed.append({**end, "text": text, "dx": 6, "dy": shift, "side": "left"})
                break
    singles = sorted(_singles(result, scale.calls), key=lambda model: -model["quality"])
    for model in singles[: _NAMED if size == "wide" else 5]:
        x, y = scale.at(model["cost"], model["quality"])
        text = model["name"][:_CUT]
        for side, dx, dy in (("left", 8, 0), ("right", -8, 0), ("left", 8, 13), ("right", -8, -13)):
            if _free(taken, text, x + dx, y + dy, side, scale):
                placed.append(
                    {**model, "kind": "model", "text": text, "dx": dx, "dy": dy, "side": side}
                )
                break
    return placed


def _free(
    taken: list[tuple[float, float, float, float]],
    text: str,
    x: float,
    y: float,
    side: str,
    scale: _Scales,
) -> bool:
    """Whether a name fits there; if it does, the place is taken."""
    long = len(text) * _LETTER
    left = x if side == "left" else x - long
    box = (left, y - _LINE / 2, left + long, y + _LINE / 2)
    inside = box[0] >= 0 and box[2] <= scale.width + 20 and 0 <= y <= scale.height
    apart = all(
        box[2] < other[0] or other[2] < box[0] or box[3] < other[1] or other[3] < box[1]
        for other in taken
    )
    if inside and apart:
        taken.append(box)
    return inside and apart


def _texts(
    alt: Any, names: Iterable[dict[str, Any]], x: Any, y: Any, colour: dict[str, str]
) -> list[Any]:
    layers = []
    for name in names:
        look = {
            "align": name["side"],
            "baseline": "middle",
            "dx": name["dx"],
            "dy": name["dy"],
            "fontSize": 12,
            "aria": False,
        }
        ink = colour["accent"] if name["kind"] == "subject" else colour["soft"]
        point = {"cost": name["cost"], "quality": name["quality"], "text": name["text"]}
        base = alt.Chart({"values": [point]}).encode(x=x, y=y, text="text:N")
        layers += [
            base.mark_text(stroke=colour["paper"], strokeWidth=4, opacity=0.85, **look),
            base.mark_text(color=ink, **look),
        ]
    return layers


def describe(result: dict[str, Any]) -> str:
    """The chart in a sentence."""
    shown = [
        TITLES.get(name, name) for name, router in result["routers"].items() if router["curve"]
    ]
    return (
        f"Quality against cost of {len(result['models'])} single models and of "
        f"{', '.join(shown)}. {plain(result['verdict'])}"
    )


_svgs: RecentlyUsed[bytes] = RecentlyUsed(16 << 20, len)
_specs: RecentlyUsed[bytes] = RecentlyUsed(16 << 20, len)


def spec_json(blob: str, result: dict[str, Any], theme: str, size: str) -> bytes:
    """The spec of a result kept as `blob`, as JSON."""
    key = (blob, theme, size)
    return _specs.get(key, lambda: json.dumps(spec(result, theme, size)).encode())


def svg(blob: str, result: dict[str, Any], theme: str, size: str) -> bytes:
    """The chart as SVG. Only a process that serves may call it: see `core.charts.render`."""
    key = (blob, theme, size)
    return _svgs.get(key, lambda: render(spec_json(blob, result, theme, size)))
