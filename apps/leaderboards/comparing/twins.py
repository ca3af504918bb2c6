"""A comparison as files: its pairs as tables, its models drawn on one axis."""

from __future__ import annotations

import json
from typing import Any

from apps.core import twins
from apps.core.charts import SIZES, THEMES, config, render
from apps.core.latex import Table
from apps.core.twins import Twins
from apps.leaderboards.comparing.page import ComparePage
from apps.leaderboards.exports import cell

_COUNTS = ("both_right", "only_a", "only_b", "both_wrong")
_TESTED = ("difference", "low", "high", "p_adjusted", "mid_p_adjusted")
_DOT = 80  # pixels of height for a model, so that names do not touch


def compare_twins(page: ComparePage) -> Twins:
    """The files of a comparison's page; they name no item."""
    known = [line for line in page.numbers["lines"] if line["accuracy"] is not None]
    return Twins(
        name=twins.label(f"{page.board.name} compared"),
        document=lambda: page.document,
        rows=lambda: _rows(page),
        table=lambda: _table(page),
        chart=(lambda theme, size: render(json.dumps(_spec(page, theme, size)).encode()))
        if known
        else "No item that these models answered has a label: there is nothing to draw.",
    )


def _rows(page: ComparePage) -> list[list[str]]:
    models, pairs = page.state.models, page.numbers["pairs"]
    return [
        ["a", "b", *_COUNTS, *_TESTED],
        *(
            [models[pair["a"]], models[pair["b"]], *(cell(pair[key]) for key in _COUNTS + _TESTED)]
            for pair in pairs
        ),
    ]


def _table(page: ComparePage) -> Table:
    version, said = page.board.version, page.numbers
    return Table(
        caption=(
            f"{twins.plain(str(page.sentence))} {said['labels']:,} of {said['items']:,} items of "
            f"{version} are labelled. Differences of accuracy with intervals at "
            f"{1 - said['alpha']:.0%}; McNemar's exact test, adjusted by Holm."
        ),
        heads=["Models", "Both right", "Only the first", "Only the second", "Difference", "p"],
        numbers=[False, True, True, True, True, True],
        rows=[
            [
                f"{pair['a']} against {pair['b']}",
                *(f"{count:,}" for _, count, _ in pair["counts"][:3]),
                pair["gap"] or "unknown",
                pair["p"] if pair["gap"] else "unknown",
            ]
            for pair in page.pairs
        ],
        label=twins.label(page.board.name),
    )


def _spec(page: ComparePage, theme: str, size: str) -> dict[str, Any]:
    """The Vega-Lite spec of the models' accuracies with their intervals, the baseline first."""
    import altair as alt  # takes a second to import, and only charts need it

    colour, (width, _) = THEMES[theme], SIZES[size]
    data = [
        {"model": name, **{key: line[key] for key in ("accuracy", "low", "high")}}
        for name, line in zip(page.state.models, page.numbers["lines"], strict=True)
        if line["accuracy"] is not None
    ]
    y = alt.Y("model:N", title=None, sort=None)
    base = alt.Chart({"values": data})
    intervals = base.mark_rule(color=colour["soft"]).encode(
        x=alt.X("low:Q", title="Accuracy", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False)),
        x2="high:Q",
        y=y,
    )
    dots = base.mark_point(filled=True, size=70, opacity=1, color=colour["accent"]).encode(
        x="accuracy:Q", y=y
    )
    chart = alt.layer(intervals, dots).properties(
        width=width, height=alt.Step(_DOT // 2), description=twins.plain(str(page.sentence))
    )
    made: dict[str, Any] = chart.configure(**config(colour)).to_dict()
    return made
