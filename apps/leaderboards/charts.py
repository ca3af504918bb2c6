"""Accuracy against price, with the frontier: one Altair spec for page and SVG."""

from __future__ import annotations

import json
from typing import Any

from apps.catalog.cache import RecentlyUsed
from apps.core.charts import SIZES, THEMES, config, render
from apps.leaderboards import chart_layout
from apps.leaderboards.models import Snapshot
from apps.leaderboards.parts import Part, shown
from apps.leaderboards.words import count, price_unit

_NAMED = 12  # models in the sentence that tells the frontier
NOTHING = "No model shown has a known price and an accuracy: there is nothing to draw."


def drawable(result: dict[str, Any]) -> bool:
    """Whether any ranked model has a known price."""
    return bool(result["ranking"]) and any(
        row["price"] is not None and row["accuracy"] is not None
        for row in result["ranking"]["rows"]
    )


def _rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Models of known price and accuracy."""
    return [
        row
        for row in result["ranking"]["rows"]
        if row["price"] is not None and row["accuracy"] is not None
    ]


def _recommended(result: dict[str, Any]) -> list[str]:
    return [result["ranking"]["chosen"], result["ranking"]["cheapest_within_delta"]]


def points(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The chart's data: models of known price and accuracy that are not far below the others."""
    ranking, unit = result["ranking"], price_unit(result)
    return [
        {
            "model": row["model"],
            "price": row["price"] * unit.calls,
            "accuracy": row["accuracy"],
            "low": row["low"],
            "high": row["high"],
            "kind": "chosen"
            if row["model"] == ranking["chosen"]
            else "frontier"
            if row["on_frontier"]
            else "other",
            "on_frontier": row["on_frontier"],
            "said": f"{row['model']}: {row['accuracy']:.1%} right at {unit.text(row['price'])}"
            + (", on the frontier" if row["on_frontier"] else ""),
        }
        for row in chart_layout.worth_drawing(_rows(result), _recommended(result))
    ]


def left_out(result: dict[str, Any]) -> str:
    """A sentence on the models too far below the others to be drawn; empty where there are none."""
    drawn = {point["model"] for point in points(result)}
    missing = [row for row in _rows(result) if row["model"] not in drawn]
    if not missing:
        return ""
    best = max(missing, key=lambda row: row["accuracy"])
    what = f"{count(len(missing), 'model')} far below the others"
    right = f"{best['accuracy']:.0%} right" + (" or less" if len(missing) > 1 else "")
    verb = "is" if len(missing) == 1 else "are"
    return f"{what[:1].upper()}{what[1:]} ({right}) {verb} in the table alone."


def spec(result: dict[str, Any], theme: str = "light", size: str = "wide") -> dict[str, Any]:
    """The Vega-Lite spec of a result with a known price; data included, nothing fetched.

    `theme` is a key of THEMES, `size` of SIZES. Raises ValueError where nothing is `drawable`.
    """
    import altair as alt  # takes a second to import, and only charts need it

    data = points(result)
    if not data:
        raise ValueError(NOTHING)
    colour, (width, height) = THEMES[theme], SIZES[size]
    priced = f"US dollars {price_unit(result).name}"
    across = chart_layout.prices([point["price"] for point in data], width)
    up = chart_layout.accuracies(data, height)
    x = alt.X(
        "price:Q",
        title=priced,
        scale=_scale(alt, across),
        axis=alt.Axis(format="~g", labelOverlap="greedy", **_ticks(across)),
    )
    y = alt.Y(
        "accuracy:Q",
        title="Accuracy",
        scale=_scale(alt, up),
        axis=alt.Axis(format="%", tickCount=height // 60),
    )
    base = alt.Chart({"values": data})
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("accuracy:Q", title="Accuracy", format=".1%"),
        alt.Tooltip("low:Q", title="from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
        alt.Tooltip("price:Q", title=priced, format=".3~g"),
    ]
    kinds = ["chosen", "frontier", "other"]
    fill = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=kinds, range=[colour["accent"], colour["ink"], colour["dot"]]),
        legend=None,
    )
    shape = alt.Shape(
        "kind:N",
        scale=alt.Scale(domain=kinds, range=["diamond", "circle", "circle"]),
        legend=None,
    )
    intervals = base.mark_rule().encode(
        x=x,
        y=alt.Y("low:Q", title="Accuracy"),
        y2="high:Q",
        color=fill,
        opacity=alt.condition("datum.kind == 'other'", alt.value(0.25), alt.value(0.6)),
    )
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=x, y=y, color=fill, shape=shape, tooltip=tooltip, description="said:N"
    )
    step = (
        base.transform_filter("datum.on_frontier")
        .mark_line(interpolate="step-after", color=colour["soft"], strokeWidth=1.5, opacity=0.7)
        .encode(x=x, y=y, order="price:Q")
    )
    labels = chart_layout.labels(data, across, up, _recommended(result))
    named = _names(alt, labels, (across, up), data, colour)
    chart = alt.layer(intervals, step, dots, *named).properties(
        width=width, height=height, description=describe(result)
    )
    made: dict[str, Any] = chart.configure(**config(colour)).to_dict()
    return made


def _names(
    alt: Any,
    labels: dict[str, chart_layout.Label],
    axes: tuple[chart_layout.Scale, chart_layout.Scale],
    data: list[dict[str, Any]],
    colour: dict[str, str],
) -> list[Any]:
    """Layers of the names: a line to the dot where it is far, a halo, the text."""
    across, up = axes
    dots = {point["model"]: point for point in data}
    layers = []
    for side in ("left", "right"):
        places = [
            {
                "at": across.value(label.x),
                "up": up.value(label.y),
                "price": dots[model]["price"],
                "accuracy": dots[model]["accuracy"],
                "text": label.text,
                "far": label.far,
            }
            for model, label in labels.items()
            if label.align == side
        ]
        base = alt.Chart({"values": places}).encode(x="at:Q", y="up:Q")
        text = base.encode(text="text:N")
        # The dots speak for themselves: their names would be read out twice.
        look = {"align": side, "baseline": "middle", "fontSize": 12, "aria": False}
        layers += [
            base.transform_filter("datum.far")
            .mark_rule(color=colour["soft"], aria=False)
            .encode(x2="price:Q", y2="accuracy:Q"),
            text.mark_text(stroke=colour["paper"], strokeWidth=4, opacity=0.85, **look),
            text.mark_text(color=colour["ink"], **look),
        ]
    return layers


def describe(result: dict[str, Any]) -> str:
    """The chart in a sentence."""
    data = points(result)
    frontier = [point["model"] for point in data if point["on_frontier"]]
    text = f"Accuracy against price of {count(len(data), 'model')}; on the frontier: "
    return text + ", ".join(frontier[:_NAMED]) + ("…" if len(frontier) > _NAMED else ".")


def _ticks(axis: chart_layout.Scale) -> dict[str, Any]:
    return {} if axis.kind == "linear" else {"values": chart_layout.ticks(axis)}


def _scale(alt: Any, axis: chart_layout.Scale) -> Any:
    domain = sorted([axis.low, axis.high])
    more: dict[str, dict[str, Any]] = {
        "linear": {"zero": False},
        "log": {},
        "symlog": {"constant": axis.constant},
    }
    return alt.Scale(type=axis.kind, domain=domain, nice=False, **more[axis.kind])


_svgs: RecentlyUsed[bytes] = RecentlyUsed(16 << 20, len)
_specs: RecentlyUsed[bytes] = RecentlyUsed(16 << 20, len)


def spec_json(snapshot: Snapshot, part: Part, theme: str, size: str) -> bytes:
    """The spec of the chart of a snapshot, or of a part of it, as JSON."""
    return _specs.get(
        (snapshot.blob, part, theme, size),
        lambda: json.dumps(spec(shown(snapshot, part), theme, size)).encode(),
    )


def svg(snapshot: Snapshot, part: Part, theme: str, size: str) -> bytes:
    """The same as SVG.

    Only a process that serves may call it: the renderer hangs in the child of one that has used it.
    """
    key = (snapshot.blob, part, theme, size)
    return _svgs.get(key, lambda: render(spec_json(snapshot, part, theme, size)))


def svg_of(result: dict[str, Any], theme: str, size: str) -> bytes:
    """The chart of some rows of a result, which is not kept."""
    return render(json.dumps(spec(result, theme, size)).encode())
