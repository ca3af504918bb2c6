"""Boards behind a link: frozen as one of their snapshots, or the current one."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from apps.leaderboards import queries
from apps.leaderboards.models import Board, Snapshot
from apps.leaderboards.pages import BoardPage, board_page
from apps.leaderboards.views import chart_response, table_fragment, wants_table
from apps.teams.models import User

from .base import Kind


class Boards(Kind):
    """A board's table, chart and how it was computed."""

    name, noun, plural, key = "board", "board", "boards", "slug:slug"
    home = "board_detail"
    template = "leaderboards/partials/board.html"
    related = ("version__dataset", "current")

    def visible(self, user: User) -> QuerySet[Board]:
        """See `Kind.visible`."""
        return queries.boards(user)

    def freeze(self, target: Board) -> str:
        """See `Kind.freeze`: a snapshot is a file already."""
        if target.current is None:
            raise ValidationError("This board has no numbers yet: there is nothing to share.")
        return target.current.blob

    def page(
        self, request: HttpRequest, target: Board, blob: str, url: str
    ) -> BoardPage | HttpResponse | None:
        """See `Kind.page`; for htmx the table alone."""
        snapshot = _snapshot(target, blob)
        if snapshot is None:
            return None
        page = board_page(
            board=target,
            snapshot=snapshot,
            query=request.GET,
            url=url,
            chart_url=f"{url}chart.svg",
            shared=True,
        )
        return table_fragment(request, page) if wants_table(request) else page

    def chart(self, request: HttpRequest, target: Board, blob: str) -> HttpResponse:
        """See `Kind.chart`."""
        snapshot = _snapshot(target, blob)
        if snapshot is None:
            raise Http404("This board has no numbers.")
        return chart_response(request, snapshot)


def _snapshot(board: Board, blob: str) -> Snapshot | None:
    """The one with this content; without, the current one."""
    found: Any = board.snapshots.filter(blob=blob).first() if blob else board.current
    snapshot: Snapshot | None = found
    return snapshot
