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

from .base import Kind, Opening


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

    def page(self, request: HttpRequest, opening: Opening) -> BoardPage | HttpResponse | None:
        """See `Kind.page`; for htmx the table alone."""
        page = _page(request, opening)
        if page is not None and wants_table(request):
            return table_fragment(request, page)
        return page

    def twins(self, request: HttpRequest, opening: Opening) -> Twins | None:
        """See `Kind.twins`."""
        page = _page(request, opening)
        return board_twins(page) if page else None


def _page(request: HttpRequest, opening: Opening) -> BoardPage | None:
    snapshot = _snapshot(opening)
    if snapshot is None:
        return None
    return board_page(
        board=opening.target,
        snapshot=snapshot,
        query=request.GET,
        url=opening.url,
        chart_url=opening.picture,
        shared=True,
        drawn=opening.drawn,
    )


def _snapshot(opening: Opening) -> Snapshot | None:
    """The one with the frozen content; without, the current one."""
    board: Board = opening.target
    found: Any = (
        board.snapshots.filter(blob=opening.blob).first() if opening.blob else board.current
    )
    snapshot: Snapshot | None = found
    return snapshot
