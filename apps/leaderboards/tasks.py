"""Background work of this room."""

from apps.jobs.context import JobContext
from apps.jobs.registry import handler
from apps.leaderboards import services


@handler(services.REFRESH)
def refresh(ctx: JobContext) -> None:
    """Bring one board up to date. params: {"board": id}"""
    services.refresh(ctx)
