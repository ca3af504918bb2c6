"""Background work of this room."""

from apps.inference import services
from apps.jobs.context import JobContext
from apps.jobs.registry import handler


@handler(services.RUN)
def run(ctx: JobContext) -> None:
    """Put a candidate to a dataset's items. params: {"run": id}"""
    services.execute(ctx)


@handler(services.TOURNAMENT)
def tournament(ctx: JobContext) -> None:
    """Look for the best of several candidates. params: {"tournament": id}"""
    services.hold(ctx)
