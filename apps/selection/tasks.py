"""Background work of this room."""

from apps.jobs.context import JobContext
from apps.jobs.registry import handler
from apps.selection.history import services


@handler(services.KIND)
def replay(ctx: JobContext) -> None:
    """Replay a labelled version. params: {"replay": id}"""
    services.run_replay(ctx)
