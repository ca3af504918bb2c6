"""An evaluation's page as files, at the budget that its address asks for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from apps.core import twins
from apps.core.latex import Table
from apps.core.prose import plain
from apps.core.twins import Twins
from apps.routing.exports import router_rows
from apps.routing.pages import EvaluationPage, charts

_PROMPTS = ("regrets", "texts")  # name prompts

_COLUMNS = (
    ("Router", "title", False),
    ("Quality", "quality", True),
    ("Against the best single", "against_best", True),
)
_OF_CURVES = (
    ("AIQ", "aiq", True),
    ("Against zero", "against_zero", True),
    ("Saved at equal quality", "saved", True),
)
_OF_FORECASTS = (
    ("ECE", "ece", True),
    ("Routed right", "right", True),
)


def evaluation_twins(page: EvaluationPage, blob: str) -> Twins:
    """The files of an evaluation's page, whose numbers are kept as `blob`.

    They name prompts where the page does.
    """
    return Twins(
        name=twins.label(page.name),
        document=lambda: _document(page),
        rows=lambda: router_rows(page.result),
        table=lambda: _table(page),
        chart=(lambda theme, size: charts.svg(blob, page.result, theme, size))
        if page.has_chart
        else charts.NOTHING,
    )


def _document(page: EvaluationPage) -> dict[str, Any]:
    made = {key: value for key, value in page.result.items() if page.prompts or key not in _PROMPTS}
    if page.dial is not None and page.dial.asked:
        hidden = ("url", "asked")
        made["dial"] = {key: value for key, value in asdict(page.dial).items() if key not in hidden}
    return made


def _table(page: EvaluationPage) -> Table:
    columns = [*_COLUMNS, *(_OF_CURVES if page.has_chart else ()), *_OF_FORECASTS]
    facts = page.result["facts"]
    caption = (
        f"{page.result['verdict']} {facts['dataset']}, version {facts['version']}: "
        f"{page.result['tested']:,} prompts tested, {page.split}. Points, with 95% intervals."
    )
    if page.dial is not None and page.dial.asked:
        caption += f" At {page.dial.budget}: {page.dial.quality} points ({page.dial.interval})."
    return Table(
        caption=caption,
        heads=[head for head, _, _ in columns],
        numbers=[number for _, _, number in columns],
        rows=[
            [row.title, plain(row.problem), *[""] * (len(columns) - 2)]
            if row.problem
            else [str(getattr(row, name)) for _, name, _ in columns]
            for row in page.rows
        ],
        label=twins.label(page.name),
    )
