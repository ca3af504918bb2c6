"""Verbs of this room: say how a candidate is run, run it, stop it, go on."""

from apps.inference.services.contest import hold
from apps.inference.services.execute import execute
from apps.inference.services.runs import (
    RUN,
    cancel,
    delete_run,
    resume_run,
    start_run,
)
from apps.inference.services.sources import add_source, add_source_by_name
from apps.inference.services.tournaments import (
    TOURNAMENT,
    delete_tournament,
    resume_tournament,
    start_tournament,
)

__all__ = [
    "RUN",
    "TOURNAMENT",
    "add_source",
    "add_source_by_name",
    "cancel",
    "delete_run",
    "delete_tournament",
    "execute",
    "hold",
    "resume_run",
    "resume_tournament",
    "start_run",
    "start_tournament",
]
