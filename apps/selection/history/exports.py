"""A replay's page as files."""

from __future__ import annotations

from typing import Any

from apps.core import twins
from apps.core.latex import Table
from apps.core.twins import Twins
from apps.selection.history import charts
from apps.selection.history.pages import ReplayPage, Row

_CURVES = (
    "best", "best_low", "best_high", "within_1pct", "within_1pct_low", "within_1pct_high",
    "regret", "regret_low", "regret_high",
)  # fmt: skip
_HEADS = (
    "Method", "To a best model", "To within 1 point", "Regret over 100 labels", "Stop: the best",
    "Stop: within 1 point", "Certificate",
)  # fmt: skip


def replay_twins(page: ReplayPage, name: str, blob: str, show: str) -> Twins:
    """The files of a replay called `name`, whose numbers are kept as `blob`.

    The picture is the curve that `show` names, a key of `charts.SHOWN`; the first where it is none.
    """
    drawn = show if show in charts.SHOWN else next(iter(charts.SHOWN))
    return Twins(
        name=twins.label(name),
        document=lambda: page.outcome,
        rows=lambda: _curves(page.result),
        table=lambda: _table(page, name),
        chart=lambda theme, size: charts.svg(blob, drawn, theme, size),
    )


def _curves(result: dict[str, Any]) -> list[list[str]]:
    """Heads, and a row a method and label: shares of the pools, mean regret in points, 95% bands."""
    rows = [
        [name, str(place + 1), *(str(curves[key][place]) for key in _CURVES)]
        for name, curves in result["curves"].items()
        for place in range(result["outcome"]["budget"])
    ]
    return [["method", "labels", *_CURVES], *rows]


def _table(page: ReplayPage, name: str) -> Table:
    found = page.outcome
    return Table(
        caption=(
            f"{page.verdict} Labels needed on {found['realisations']:,} random pools of "
            f"{found['pool']:,} items, in nine of ten of them; seed {found['seed']}."
        ),
        heads=_HEADS,
        numbers=[False, *[True] * (len(_HEADS) - 1)],
        rows=[_cells(row) for row in page.rows],
        label=twins.label(name),
    )


def _cells(row: Row) -> list[str]:
    def labels(count: int | None) -> str:
        return "not reached" if count is None else f"{count:,}"

    stops = []
    for count, right, stopped in row.stops:
        if not stopped or right is None:
            stops.append("never")
            continue
        when = f"{count:,} labels" if count is not None else f"in {stopped:.0%}"
        stops.append(f"{when}, {right:.0%} right")
    regret = "unknown" if row.regret is None else f"{row.regret:.1f}"
    return [row.name, labels(row.best), labels(row.within), regret, *stops]
