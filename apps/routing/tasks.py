"""Background work of this room."""

from apps.jobs.context import JobContext
from apps.jobs.registry import handler
from apps.routing import services


@handler(services.EVALUATE)
def evaluate(ctx: JobContext) -> None:
    """Compare routers on recorded outcomes. params: {"evaluation": id}"""
    services.evaluate(ctx)


@handler(services.TRAIN)
def train(ctx: JobContext) -> None:
    """Train a version of a router. params: {"router": id}"""
    services.train(ctx)


@handler(services.ADD_MODEL)
def add_model(ctx: JobContext) -> None:
    """Let a model join. params: {"router": id, "model": name, "outcomes": {prompt: [score, cost]}}"""
    services.join(ctx)
