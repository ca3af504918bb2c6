"""What the verbs of this room share: checked settings, prompts as vectors, which queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

from apps.catalog import queries as catalog
from apps.catalog.models import DatasetVersion
from apps.catalog.tables import OutcomeTable
from apps.jobs import presence
from apps.jobs.context import JobContext
from apps.jobs.models import Queue
from apps.routing.methods.registry import METHODS
from apps.routing.queries import encoder_names

if TYPE_CHECKING:
    from apps.routing.methods.base import Embeddings

_HEAVY = ("tryage", "llm-bandit")  # worth a GPU


def check_method(name: str, field: str = "method") -> None:
    """Raise ValidationError where no router has this name."""
    if name not in METHODS:
        raise ValidationError(
            {field: f"There is no router `{name}`; there are {', '.join(METHODS)}."}
        )


def check_encoder(name: str) -> None:
    """Raise ValidationError where this installation does not offer the encoder."""
    offered = encoder_names()
    if name not in offered:
        raise ValidationError(
            {"encoder": f"There is no encoder `{name}` here; there are {', '.join(offered)}."}
        )


def checked_outcomes(version: DatasetVersion) -> OutcomeTable:
    """The version's outcomes; ValidationError where there are none, or no choice among models."""
    try:
        outcomes = catalog.outcomes_of(version)
    except ValueError as error:
        raise ValidationError({"version": str(error)}) from error
    if outcomes.n_models < 2:
        raise ValidationError(
            {"version": f"{version} has the outcomes of one model only: nothing is to route."}
        )
    return outcomes


def queue_for(methods: list[str], encoder: str) -> Queue:
    """`gpu` for what trains networks or runs a large encoder, where a worker serves that queue."""
    heavy = encoder.startswith("transformers:") or any(name in _HEAVY for name in methods)
    served = heavy and any(Queue.GPU in worker.queues for worker in presence.alive())
    return Queue.GPU if served else Queue.DEFAULT


def embedded(ctx: JobContext, name: str, outcomes: OutcomeTable) -> Embeddings:
    """The prompts of a table as vectors, with their tasks where it has any.

    Raises:
        ValueError: the encoder cannot be loaded here.
    """
    from apps.routing.embedding import embed
    from apps.routing.methods.base import Embeddings
    from apps.routing.methods.tasks import task_labels

    vectors, pinned = embed(
        name, outcomes.prompts, progress=ctx.progress, stop_if_asked=ctx.raise_if_stopped
    )
    return Embeddings(outcomes.prompts, vectors, pinned, task_labels(outcomes))
