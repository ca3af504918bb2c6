"""Background work of this room."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from apps.jobs.context import JobContext
from apps.jobs.registry import handler
from apps.leaderboards import services
from apps.leaderboards.models import Board


def _page(params: Mapping[str, Any]) -> str:
    board = Board.objects.filter(pk=params["board"]).first()
    return reverse("board_detail", args=[board.slug]) if board else ""


@handler(services.REFRESH, page=_page)
def refresh(ctx: JobContext) -> None:
    """Bring one board up to date. params: {"board": id}"""
    services.refresh(ctx)
