"""Background work of this room."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from apps.inference import services
from apps.inference.models import Run, Tournament
from apps.jobs.context import JobContext
from apps.jobs.registry import handler


def _run(params: Mapping[str, Any]) -> str:
    found = Run.objects.filter(pk=params["run"]).first()
    return reverse("run_detail", args=[found.slug]) if found else ""


def _tournament(params: Mapping[str, Any]) -> str:
    found = Tournament.objects.filter(pk=params["tournament"]).first()
    return reverse("tournament_detail", args=[found.slug]) if found else ""


@handler(services.RUN, page=_run)
def run(ctx: JobContext) -> None:
    """Put a candidate to a dataset's items. params: {"run": id}"""
    services.execute(ctx)


@handler(services.TOURNAMENT, page=_tournament)
def tournament(ctx: JobContext) -> None:
    """Look for the best of several candidates. params: {"tournament": id}"""
    services.hold(ctx)
