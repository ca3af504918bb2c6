"""What a board's page shows, made from a snapshot alone: the same for members and for shared links."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.safestring import SafeString

from apps.core import twins
from apps.core.templatetags.assay import prose
from apps.leaderboards import charts
from apps.leaderboards.models import Board, Snapshot
from apps.leaderboards.pages.table import Table, prepared
from apps.leaderboards.queries import result_of
from apps.leaderboards.words import Verdict, plain, verdict

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
class BoardPage:
    """A board, its result and one reader's view of it.

    `url` is the page's own address; `chart_url` the SVG's. `table` is None where nothing is ranked
    yet, `chart` where no price is known. `drawn`: charts and files are part of what the reader gets.
    """

    board: Board
    snapshot: Snapshot
    result: dict[str, Any]
    url: str
    chart_url: str
    verdict: Verdict
    table: Table | None
    shared: bool = False
    drawn: bool = True
    terms: list[tuple[str, str]] = field(default_factory=lambda: TERMS)

    @property
    def sentence(self) -> SafeString:
        """The verdict as HTML."""
        return prose(self.verdict.sentence)

    @property
    def support(self) -> list[SafeString]:
        """What supports the verdict, as HTML."""
        return [prose(line) for line in self.verdict.support]

    @property
    def cautions(self) -> list[SafeString]:
        """What limits it, as HTML."""
        return [prose(line) for line in self.verdict.cautions]

    @property
    def title(self) -> str:
        """The verdict as plain text, for previews of a link."""
        return plain(self.verdict.sentence)

    @property
    def has_chart(self) -> bool:
        """Whether accuracy can be drawn against price."""
        return self.drawn and self.table is not None and charts.drawable(self.result)

    @property
    def twins(self) -> list[tuple[str, str]]:
        """The same view as files: names and addresses."""
        if not self.drawn:
            return []
        query = self.table.state.query() if self.table else ""
        return twins.links(self.url, drawn=self.has_chart, query=query, card=not self.shared)

    @property
    def chart_text(self) -> str:
        """The chart in a sentence."""
        return charts.describe(self.result)

    @property
    def chart_left_out(self) -> str:
        """Which models the chart does not show."""
        return charts.left_out(self.result)


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
    result = result_of(snapshot)
    return BoardPage(
        board=board,
        snapshot=snapshot,
        result=result,
        url=url,
        chart_url=chart_url,
        verdict=verdict(result),
        table=Table(prepared(snapshot, query.get("base", "")), query, url, compare_url=compare_url)
        if result["ranking"]
        else None,
        shared=shared,
        drawn=drawn,
    )
