"""A board's page as files: the rows, columns and order that its address asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apps.core import twins
from apps.core.charts import standalone
from apps.core.latex import Table as TexTable
from apps.core.prose import plain
from apps.core.twins import Twins
from apps.leaderboards import charts
from apps.leaderboards.exports import BOARD_COLUMNS, cell
from apps.leaderboards.pages import BoardPage
from apps.leaderboards.pages.columns import Column, Row
from apps.leaderboards.pages.history import Answer
from apps.leaderboards.pages.timeline import Timeline

_FIELDS = {
    "rank": ("rank_low", "rank_high"),
    "model": ("model",),
    "accuracy": ("accuracy",),
    "interval": ("low", "high"),
    "plot": ("accuracy", "low", "high"),
    "correct": ("correct", "answered"),
    "p_best": ("p_best",),
    "p_within": ("p_within_delta",),
    "difference": ("difference", "difference_low", "difference_high"),
    "price": ("price", "on_frontier"),
}
"""What a column shows, by the names of the result."""

_ANSWER = (
    "at", "models", "labels", "items", "chosen", "accuracy", "low", "high", "current", "change", "verdict",
)  # fmt: skip
_INNER = ("next",)  # items worth labelling next: for members alone


def board_twins(page: BoardPage) -> Twins:
    """The files of a board's page; a shared page's name no item."""
    result = _narrowed(page)
    return Twins(
        name=twins.label(page.board.name),
        document=lambda: _document(page, result),
        rows=lambda: _rows(page),
        table=lambda: _table(page),
        chart=(lambda theme, size: _chart(page, result, theme, size))
        if result["ranking"] and charts.drawable(result)
        else charts.NOTHING,
    )


def history_twins(name: str, answers: list[Answer]) -> Twins:
    """The files of the history of the board `name`; its picture is how the lead went."""
    line = Timeline(answers)
    return Twins(
        name=twins.label(f"{name} history"),
        document=lambda: {"board": name, "answers": [answer.as_plain() for answer in answers]},
        rows=lambda: [
            list(_ANSWER),
            *([cell(told[key]) for key in _ANSWER] for told in map(Answer.as_plain, answers)),
        ],
        table=lambda: TexTable(
            caption=f"What the board {name} said as models, labels and prices joined, newest first.",
            heads=["When", "Models", "Labels", "Leading", "Accuracy", "Interval", "What was new"],
            numbers=[False, True, True, False, True, True, False],
            rows=[
                [
                    f"{answer.at:%Y-%m-%d %H:%M}",
                    f"{answer.models:,}",
                    f"{answer.labels:,}",
                    answer.chosen or "unknown",
                    answer.percent or "unknown",
                    answer.interval or "unknown",
                    plain(answer.plain[1]),
                ]
                for answer in answers
            ],
            label=twins.label(name),
        ),
        chart=(lambda theme, size: standalone(str(line.picture), theme))
        if line
        else "A board that has given one answer has no history to draw yet.",
    )


def _narrowed(page: BoardPage) -> dict[str, Any]:
    """The result with the shown rows alone, in their order."""
    result, table = page.result, page.table
    if table is None or table.places == list(range(len(table.made.columns.rows))):
        return result
    rows = [table.made.columns.rows[place] for place in table.places]
    return {**result, "ranking": {**result["ranking"], "rows": rows}}


def _document(page: BoardPage, result: dict[str, Any]) -> dict[str, Any]:
    if not page.shared:
        return result
    kept = {key: value for key, value in result.items() if key not in _INNER}
    hidden = {"slug"}  # of the models' own pages
    kept["facts"] = {
        model: {key: value for key, value in facts.items() if key not in hidden}
        for model, facts in result.get("facts", {}).items()
    }
    return kept


def _rows(page: BoardPage) -> Iterator[list[str]]:
    if page.table is None:
        yield list(BOARD_COLUMNS)
        return
    table = page.table
    columns = [column for column in table.shown if table.state.columns]
    fields = dict.fromkeys(
        (name for column in columns for name in _FIELDS.get(column.key, ()))
        if columns
        else BOARD_COLUMNS
    )
    others = [column for column in columns if column.key not in _FIELDS]
    yield [*fields, *(twins.plain(column.head) for column in others)]
    for place in table.places:
        row = table.made.columns.rows[place]
        yield [
            *(cell(row[name]) for name in fields),
            *(cell(column.value(row)) for column in others),
        ]


def _table(page: BoardPage) -> TexTable:
    name = twins.label(page.board.name)
    if page.table is None:
        return TexTable(page.verdict.sentence, ["Model"], [False], [], name)
    table = page.table
    columns = [column for column in table.shown if column.key != "plot"]
    rows = [table.made.columns.rows[place] for place in table.places]
    said = page.result
    dataset = f"{said['dataset']['name']}, version {said['dataset']['version']}"
    labelled = (
        f"{said['labels']:,} labelled items of {dataset}"
        if page.part
        else f"{said['labels']:,} of {said['items']:,} items of {dataset}, are labelled"
    )
    caption = f"{page.verdict.sentence} {labelled}; prices as of {said['priced_on']}."
    return TexTable(
        caption=caption,
        heads=[twins.plain(column.head) for column in columns],
        numbers=[column.number for column in columns],
        rows=[[_text(column, row) for column in columns] for row in rows],
        label=name,
    )


def _text(column: Column, row: Row) -> str:
    """A cell as the page shows it, without what marks a model."""
    return str(row["model"]) if column.key == "model" else twins.plain(column.cell(row))


def _chart(page: BoardPage, result: dict[str, Any], theme: str, size: str) -> bytes:
    if result is page.result:
        return charts.svg(page.snapshot, page.part, theme, size)
    return charts.svg_of(result, theme, size)
