"""What a board's page shows, made from a snapshot alone: the same for members and for shared links."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.safestring import SafeString

from apps.core import twins
from apps.core.prose import plain
from apps.core.templatetags.assay import prose
from apps.leaderboards import charts
from apps.leaderboards.models import Board, Snapshot
from apps.leaderboards.pages.said import Said
from apps.leaderboards.pages.state import ViewState
from apps.leaderboards.pages.table import Table, prepared
from apps.leaderboards.parts import WHOLE, Part, narrows, shown
from apps.leaderboards.queries import result_of
from apps.leaderboards.words import Verdict, part_words, verdict

TERMS = [
    (
        "Rank range",
        "1–4 means: paired evidence puts no model surely above it but leaves three it may be behind.",
    ),
    ("Tied", "The labels do not separate it from the chosen model (McNemar's exact test, Holm)."),
    ("P(best)", "How often it is the best when the labelled items are drawn again (bootstrap)."),
    ("Certificate", "A proof by counting that no missing label can change the choice."),
    ("MODEL SELECTOR", "Chooses the items whose labels tell the models apart best."),
]


@dataclass(frozen=True)
class BoardPage(Said):
    """A board, its result and one reader's view of it.

    `part`: the labelled items that `result` is of. `url` is the page's own address; `chart_url` the
    SVG's. `table` is None where nothing is ranked. `drawn`: charts and files are part of what the
    reader gets.
    """

    board: Board
    snapshot: Snapshot
    part: Part
    result: dict[str, Any]
    url: str
    chart_url: str
    verdict: Verdict
    table: Table | None
    shared: bool = False
    drawn: bool = True
    terms: list[tuple[str, str]] = field(default_factory=lambda: TERMS)

    @property
    def title(self) -> str:
        """The verdict as plain text, for previews of a link."""
        return plain(self.verdict.sentence)

    @property
    def has_chart(self) -> bool:
        """Whether accuracy can be drawn against price."""
        return self.drawn and self.table is not None and charts.drawable(self.result)

    @property
    def state(self) -> ViewState:
        """What the address asks for."""
        return self.table.state if self.table else ViewState(part=self.part)

    @property
    def twins(self) -> list[tuple[str, str]]:
        """The same view as files: names and addresses. A result card is of the whole board."""
        if not self.drawn:
            return []
        card = not self.shared and not self.part
        return twins.links(self.url, drawn=self.has_chart, query=self.state.query(), card=card)

    @property
    def priced_on(self) -> date:
        """The day whose prices count."""
        return date.fromisoformat(self.result["priced_on"])

    @property
    def part_said(self) -> SafeString:
        """What the part is called, as HTML; empty of the whole board."""
        return prose(part_words(self.result["part"]) if self.part else "")

    @property
    def chart_query(self) -> str:
        """The part in the address of a picture, after its other parameters."""
        return f"&{urlencode(self.part.pairs())}" if self.part else ""

    @property
    def compare_query(self) -> str:
        """The part in the address of a comparison, which lists its items."""
        return f"?{urlencode(self.part.for_comparison())}" if self.part else ""

    @property
    def whole_url(self) -> str:
        """The same view of the whole board."""
        return self.url + self.state.on(WHOLE).query()

    @property
    def parts(self) -> list[tuple[str, list[Choice]]]:
        """What the board can be narrowed to: the values of each slice, and the classes."""
        if not narrows(self.snapshot):
            return []
        whole = result_of(self.snapshot)
        found: dict[str, list[Choice]] = {}
        for entry in whole["slice_columns"]:
            text = f"{entry['slice']}:{entry['value']}"
            choice = self._choice(entry["value"], entry["labels"], slice=text)
            found.setdefault(entry["slice"], []).append(choice)
        groups = list(found.items())
        classes = [
            self._choice(entry["class"], entry["labels"], label=entry["class"])
            for entry in whole.get("class_columns", [])
        ]
        return [*groups, ("class", classes)] if len(classes) > 1 else groups

    def _choice(self, text: str, labels: int, **asked: str) -> Choice:
        part = replace(self.part, **asked)
        chosen = part == self.part
        left = replace(self.part, **dict.fromkeys(asked, ""))
        address = self.url + self.state.on(left if chosen else part).query()
        return Choice(text, labels, address, chosen)

    @property
    def chart_text(self) -> str:
        """The chart in a sentence."""
        return charts.describe(self.result)

    @property
    def chart_left_out(self) -> str:
        """Which models the chart does not show."""
        return charts.left_out(self.result)


@dataclass(frozen=True)
class Choice:
    """A part that a board can be narrowed to; `url` of the one that is chosen takes it back."""

    text: str
    labels: int
    url: str
    chosen: bool


def board_page(
    *,
    board: Board,
    snapshot: Snapshot,
    query: QueryDict,
    url: str,
    chart_url: str,
    compare_url: str = "",
    shared: bool = False,
    drawn: bool = True,
) -> BoardPage:
    """The view-model of a board's page. `compare_url`: of the comparison, for who may see it."""
    part = Part.read(query)
    result = shown(snapshot, part)
    base = query.get("base", "")
    return BoardPage(
        board=board,
        snapshot=snapshot,
        part=part,
        result=result,
        url=url,
        chart_url=chart_url,
        verdict=verdict(result),
        table=Table(prepared(snapshot, base, part), query, url, compare_url=compare_url)
        if result["ranking"]
        else None,
        shared=shared,
        drawn=drawn,
    )
