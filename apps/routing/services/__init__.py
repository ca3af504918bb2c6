"""Verbs of this room: evaluate routers, train them, roll back, let models join."""

from apps.routing.services.evaluations import (
    EVALUATE,
    delete_evaluation,
    evaluate,
    follow_version,
    refresh_evaluation,
    start_evaluation,
)
from apps.routing.services.joining import ADD_MODEL, MOST_BYTES, add_model, join, read_outcomes
from apps.routing.services.routers import (
    TRAIN,
    create_router,
    delete_router,
    roll_back,
    train,
    train_router,
)

__all__ = [
    "ADD_MODEL",
    "EVALUATE",
    "MOST_BYTES",
    "TRAIN",
    "add_model",
    "create_router",
    "delete_evaluation",
    "delete_router",
    "evaluate",
    "follow_version",
    "join",
    "read_outcomes",
    "refresh_evaluation",
    "roll_back",
    "start_evaluation",
    "train",
    "train_router",
]
