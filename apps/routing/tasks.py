"""Background work of this room."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from apps.jobs.context import JobContext
from apps.jobs.registry import handler
from apps.routing import services
from apps.routing.models import Router


def _evaluation(params: Mapping[str, Any]) -> str:
    return reverse("evaluation_detail", args=[params["evaluation"]])


def _router(params: Mapping[str, Any]) -> str:
    router = Router.objects.filter(pk=params["router"]).first()
    return reverse("router_detail", args=[router.slug]) if router else ""


@handler(services.EVALUATE, page=_evaluation)
def evaluate(ctx: JobContext) -> None:
    """Compare routers on recorded outcomes. params: {"evaluation": id}"""
    services.evaluate(ctx)


@handler(services.TRAIN, page=_router)
def train(ctx: JobContext) -> None:
    """Train a version of a router. params: {"router": id}"""
    services.train(ctx)


@handler(services.ADD_MODEL, page=_router)
def add_model(ctx: JobContext) -> None:
    """Let a model join. params: {"router": id, "model": name, "outcomes": {prompt: [score, cost]}}"""
    services.join(ctx)
