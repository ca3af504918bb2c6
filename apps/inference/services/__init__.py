"""Verbs of this room: say how a candidate is run, run it, stop it, go on."""

from apps.inference.services.execute import execute
from apps.inference.services.runs import (
    RUN,
    cancel_run,
    delete_run,
    resume_run,
    start_run,
)
from apps.inference.services.sources import add_source, add_source_by_name

__all__ = [
    "RUN",
    "add_source",
    "add_source_by_name",
    "cancel_run",
    "delete_run",
    "execute",
    "resume_run",
    "start_run",
]
