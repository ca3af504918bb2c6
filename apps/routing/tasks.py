"""Background work of this room."""

from django.urls import reverse

from apps.jobs.context import JobContext
from apps.jobs.registry import handler, page_of
from apps.routing import services
from apps.routing.models import Router

_ROUTER = page_of("router_detail", Router, "router")


@handler(
    services.EVALUATE, page=lambda params: reverse("evaluation_detail", args=[params["evaluation"]])
)
def evaluate(ctx: JobContext) -> None:
    """Compare routers on recorded outcomes. params: {"evaluation": id}"""
    services.evaluate(ctx)


@handler(services.TRAIN, page=_ROUTER)
def train(ctx: JobContext) -> None:
    """Train a version of a router. params: {"router": id}"""
    services.train(ctx)


@handler(services.ADD_MODEL, page=_ROUTER)
def add_model(ctx: JobContext) -> None:
    """Let a model join. params: {"router": id, "model": name, "outcomes": {prompt: [score, cost]}}"""
    services.join(ctx)
