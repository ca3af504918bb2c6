"""Background work of this room."""

from apps.jobs.context import JobContext
from apps.jobs.registry import handler, page_of
from apps.leaderboards import services
from apps.leaderboards.models import Board


@handler(services.REFRESH, page=page_of("board_detail", Board, "board"))
def refresh(ctx: JobContext) -> None:
    """Bring one board up to date. params: {"board": id}"""
    services.refresh(ctx)
