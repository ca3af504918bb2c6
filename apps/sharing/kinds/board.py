"""Boards behind a link: frozen as one of their snapshots, or the current one."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from apps.core.twins import Twins
from apps.leaderboards import queries
from apps.leaderboards.models import Board, Snapshot
from apps.leaderboards.pages import BoardPage, board_page
from apps.leaderboards.twins import board_twins
from apps.leaderboards.views import table_fragment, wants_table
from apps.teams.models import User

from .base import Kind, picture


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
        page = _page(request, target, blob, url)
        if page is not None and wants_table(request):
            return table_fragment(request, page)
        return page

    def twins(self, request: HttpRequest, target: Board, blob: str, url: str) -> Twins | None:
        """See `Kind.twins`."""
        page = _page(request, target, blob, url)
        return board_twins(page) if page else None


def _page(request: HttpRequest, board: Board, blob: str, url: str) -> BoardPage | None:
    snapshot = _snapshot(board, blob)
    if snapshot is None:
        return None
    return board_page(
        board=board,
        snapshot=snapshot,
        query=request.GET,
        url=url,
        chart_url=picture(url),
        shared=True,
    )


def _snapshot(board: Board, blob: str) -> Snapshot | None:
    """The one with this content; without, the current one."""
    found: Any = board.snapshots.filter(blob=blob).first() if blob else board.current
    snapshot: Snapshot | None = found
    return snapshot
