"""Background work of this room."""

from django.urls import reverse

from apps.jobs.context import JobContext
from apps.jobs.registry import handler
from apps.selection.history import services
from apps.selection.services.watching import WATCH, look


@handler(services.KIND, page=lambda params: reverse("replay_detail", args=[params["replay"]]))
def replay(ctx: JobContext) -> None:
    """Replay a labelled version. params: {"replay": id}"""
    services.run_replay(ctx)


handler(WATCH)(look)
