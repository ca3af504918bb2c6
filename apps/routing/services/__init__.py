"""Verbs of this room: evaluate routers, train them, roll back, let models join."""

from apps.routing.services.evaluations import (
    EVALUATE,
    delete_evaluation,
    evaluate,
    follow_version,
    refresh_evaluation,
    start_evaluation,
)
from apps.routing.services.routers import (
    TRAIN,
    create_router,
    delete_router,
    roll_back,
    train,
    train_router,
)

__all__ = [
    "EVALUATE",
    "TRAIN",
    "create_router",
    "delete_evaluation",
    "delete_router",
    "evaluate",
    "follow_version",
    "refresh_evaluation",
    "roll_back",
    "start_evaluation",
    "train",
    "train_router",
]
