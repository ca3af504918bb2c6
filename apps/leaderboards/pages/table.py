"""The table of a board: rows made once for each result, then only chosen, sorted and joined."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from html import escape
from typing import Any

from django.http import QueryDict
from django.utils.safestring import SafeString, mark_safe

from apps.catalog.cache import RecentlyUsed
from apps.leaderboards.models import Snapshot
from apps.leaderboards.pages.columns import Column, Columns, Row
from apps.leaderboards.pages.state import ViewState
from apps.leaderboards.pairs import against
from apps.leaderboards.parts import WHOLE, Part, shown

_CELL_BYTES = 400
_LISTED = 60  # models that a list of baselines holds


class Prepared:
    """A result with the cells of its columns, each column made when first shown.

    `base`: the model that differences are told from, and they; "" for the chosen one.
    """

    def __init__(
        self,
        result: dict[str, Any],
        base: str = "",
        gaps: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        self.result = result
        self.columns = Columns(result, base, gaps)
        self._cells: dict[str, list[str]] = {}

    def cells(self, column: Column) -> list[str]:
        """The cells of a column as HTML, in the order of the result."""
        if column.key not in self._cells:
            kind = ' class="number"' if column.number else ""
            tag = "th" if column.key == "model" else "td"
            scope = ' scope="row"' if column.key == "model" else ""
            self._cells[column.key] = [
                f"<{tag}{scope}{kind}>{column.cell(row)}</{tag}>" for row in self.columns.rows
            ]
        return self._cells[column.key]

    @cached_property
    def ticks(self) -> list[str]:
        """A box to tick for each row, for the form that compares models."""
        return [
            f'<td class="tick"><input type="checkbox" name="model" value="{name}" '
            f'form="board-compare" aria-label="Compare {name}"></td>'
            for name in (escape(row["model"]) for row in self.columns.rows)
        ]

    def choices(self, fact: str) -> list[str]:
        """The distinct values of a fact, for a filter."""
        found: set[str] = set()
        for facts in self.columns.facts.values():
            value = facts.get(fact)
            found.update(value if isinstance(value, list) else [value] if value else [])
        return sorted(found, key=str.lower)


_prepared: RecentlyUsed[Prepared] = RecentlyUsed(
    96 << 20,
    lambda made: _CELL_BYTES * len(made.columns.rows) * len(made.columns.all),
)


def prepared(snapshot: Snapshot, base: str = "", part: Part = WHOLE) -> Prepared:
    """The cells of a snapshot, or of a part of it, that ranks something, kept for the next request."""
    result = shown(snapshot, part)
    gaps = against(snapshot, base, alpha=result["ranking"]["alpha"], part=part) if base else None
    return _prepared.get(
        (snapshot.blob, base if gaps else "", part),
        lambda: Prepared(result, base if gaps else "", gaps),
    )


@dataclass(frozen=True)
class Head:
    """A column's head. `sorted`: "ascending", "descending" or ""."""

    column: Column
    url: str
    sorted: str
    axis: SafeString


class Table:
    """One reader's view of a board's table.

    `compare_url`: where models that are ticked go; "" where the reader cannot go there.
    """

    def __init__(
        self, made: Prepared, query: QueryDict, url: str, *, compare_url: str = ""
    ) -> None:
        self.made = made
        self.url = url
        self.compare_url = compare_url
        self.state = ViewState.read(query, made.columns.all, (made.columns.base,))

    @cached_property
    def shown(self) -> list[Column]:
        """The columns to show; a choice always keeps the model's name."""
        columns = self.made.columns.all.values()
        chosen = set(self.state.columns)
        if not chosen:
            return [column for column in columns if column.default]
        return [column for column in columns if column.key in chosen or column.key == "model"]

    @property
    def heads(self) -> list[Head]:
        """The heads of the shown columns."""
        return [
            Head(
                column,
                self.url + self.state.sorted_by(column.key, falls=column.falls).query(),
                ("descending" if self.state.falling else "ascending")
                if column.key == self.state.sort
                else "",
                mark_safe(self.made.columns.axis.head() if column.key == "plot" else ""),  # noqa: S308
            )
            for column in self.shown
        ]

    @cached_property
    def places(self) -> list[int]:
        """Which rows are shown, in their order."""
        rows = self.made.columns.rows
        kept = [place for place, row in enumerate(rows) if self._keeps(row)]
        value = self.made.columns.all[self.state.sort].value
        known = [place for place in kept if value(rows[place]) is not None]
        unknown = [place for place in kept if value(rows[place]) is None]
        known.sort(key=lambda place: value(rows[place]), reverse=self.state.falling)  # type: ignore[arg-type,return-value]
        return known + unknown

    def _keeps(self, row: Row) -> bool:
        state, columns = self.state, self.made.columns
        if state.search and state.search.lower() not in row["model"].lower():
            return False
        if state.tied and row is not columns.chosen and row["model"] not in columns.tied:
            return False
        if state.max_price is not None and (
            row["price"] is None or row["price"] * columns.unit.calls > state.max_price
        ):
            return False
        if state.tag and state.tag not in (columns.fact(row, "tags") or ()):
            return False
        return all(
            not wanted or columns.fact(row, fact) == wanted
            for fact, wanted in (("provider", state.provider), ("licence", state.licence))
        )

    @property
    def body(self) -> SafeString:
        """The rows as HTML. Every cell was escaped when it was made."""
        cells = [self.made.cells(column) for column in self.shown]
        if self.compare_url:
            cells.insert(0, self.made.ticks)
        columns = self.made.columns
        lines = []
        for place in self.places:
            row = columns.rows[place]
            kind = (
                ' class="chosen"'
                if row is columns.chosen
                else ' class="tied"'
                if row["model"] in columns.tied
                else ""
            )
            lines.append(f"<tr{kind}>" + "".join([column[place] for column in cells]) + "</tr>")
        return mark_safe("\n".join(lines))  # noqa: S308

    @property
    def status(self) -> str:
        """How many models are shown, in words."""
        total = len(self.made.columns.rows)
        if len(self.places) == total:
            return f"{total:,} model{'s' if total != 1 else ''}"
        return f"{len(self.places):,} of {total:,} models"

    @property
    def since(self) -> date | None:
        """The day from which all prices shown hold; None where each has its own, or none is shown."""
        day = self.made.columns.since
        return date.fromisoformat(day) if day and "price" in (c.key for c in self.shown) else None

    @property
    def narrowed(self) -> bool:
        """Whether anything is set that stands behind "Filters and columns"."""
        state = self.state
        asked = (state.provider, state.tag, state.licence, state.base, state.columns)
        return any(asked) or state.max_price is not None

    @property
    def all_url(self) -> str:
        """The address of the same part without filters."""
        return self.url + ViewState(part=self.state.part).query()

    @property
    def address(self) -> str:
        """The address that holds this view."""
        return self.url + self.state.query()

    @property
    def column_choices(self) -> list[tuple[Column, bool]]:
        """Every column, and whether it is shown."""
        return [(column, column in self.shown) for column in self.made.columns.all.values()]

    @property
    def bases(self) -> list[str]:
        """Models that differences may be told from; none where they are too many for a list."""
        names = [row["model"] for row in self.made.columns.rows]
        return names if len(names) <= _LISTED else []

    @property
    def filters(self) -> list[tuple[str, str, list[str], str]]:
        """Filters by fact: name, label, choices, and what is chosen; none without a choice."""
        found = [
            ("provider", "Provider", self.made.choices("provider"), self.state.provider),
            ("tag", "Tag", self.made.choices("tags"), self.state.tag),
            ("licence", "Licence", self.made.choices("licence"), self.state.licence),
        ]
        return [entry for entry in found if entry[2]]

    @property
    def has_prices(self) -> bool:
        """Whether a filter by price makes sense."""
        return any(row["price"] is not None for row in self.made.columns.rows)

    @property
    def sort_value(self) -> str:
        """The value of `sort` in the address."""
        return escape(f"{'-' if self.state.falling else ''}{self.state.sort}")
