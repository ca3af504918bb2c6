"""Background work of this room."""

from apps.inference import services
from apps.inference.models import Run, Tournament
from apps.jobs.context import JobContext
from apps.jobs.registry import handler, page_of


@handler(services.RUN, page=page_of("run_detail", Run, "run"))
def run(ctx: JobContext) -> None:
    """Put a candidate to a dataset's items. params: {"run": id}"""
    services.execute(ctx)


@handler(services.TOURNAMENT, page=page_of("tournament_detail", Tournament, "tournament"))
def tournament(ctx: JobContext) -> None:
    """Look for the best of several candidates. params: {"tournament": id}"""
    services.hold(ctx)
