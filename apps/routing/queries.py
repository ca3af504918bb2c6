"""Reads of this room: which evaluations and routers a person sees, what they rest on, what they say."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from apps.catalog import queries as catalog
from apps.catalog.cache import RecentlyUsed
from apps.catalog.models import DatasetVersion
from apps.core import files
from apps.routing.encoders import available
from apps.routing.methods import registry
from apps.routing.models import Evaluation, Router
from apps.teams.models import Team, User

FORMAT = 1
"""Goes up with every change of what a result holds or how it is computed."""


def evaluations(user: Any) -> QuerySet[Evaluation]:
    """The evaluations that `user` may see, with what a page needs of each in the same query."""
    return Evaluation.objects.visible_to(user).select_related(
        "team", "version__dataset", "version__team", "current", "job"
    )


def routers(user: Any) -> QuerySet[Router]:
    """The routers that `user` may see, with what a page needs of each in the same query."""
    return Router.objects.visible_to(user).select_related(
        "team", "version__dataset", "version__team", "current", "job"
    )


def versions_with_outcomes(user: User, team: Team) -> QuerySet[DatasetVersion]:
    """The team's dataset versions on which routers can be tried."""
    rows = DatasetVersion.objects.visible_to(user).filter(team=team, outcome_batches__isnull=False)
    return rows.select_related("dataset", "team").distinct()


def encoder_names() -> list[str]:
    """The encoders on offer here, best first; a deployment may add its own to them."""
    return [*available(), *settings.ROUTING_ENCODERS]


def default_router() -> str:
    """The router that is offered first."""
    default: str = getattr(registry, "DEFAULT", "knn")
    return default if default in registry.METHODS else "knn"


def result_at(blob: str) -> dict[str, Any]:
    """All numbers of a result by its file. They are shared by whoever asks: treat as read-only."""
    return _results.get(blob, lambda: _read(blob))[0]


_PYTHON_BYTES = 8  # about what a byte of JSON takes once it is read
_results: RecentlyUsed[tuple[dict[str, Any], int]] = RecentlyUsed(
    64 << 20, lambda pair: _PYTHON_BYTES * pair[1]
)


def _read(blob: str) -> tuple[dict[str, Any], int]:
    with files.open_blob(blob) as stream:
        content = stream.read()
    return json.loads(content), len(content)


def digest_of(content: dict[str, Any]) -> str:
    """SHA-256 of inputs in one canonical form."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def evaluation_inputs(evaluation: Evaluation, *, on: date | None = None) -> dict[str, Any]:
    """What an evaluation's numbers follow from; equal inputs, equal numbers.

    `on`: the day whose prices count, else today.
    """
    return {
        "format": FORMAT,
        "data": catalog.outcome_inputs_of(evaluation.version, on=on),
        "split": evaluation.split,
        "splits": evaluation.splits,
        "encoder": evaluation.encoder,
        "routers": evaluation.routers,
        "seed": evaluation.seed,
    }


def router_inputs(router: Router) -> dict[str, Any]:
    """What a version of a router follows from."""
    return {
        "format": FORMAT,
        "data": catalog.outcome_inputs_of(router.version),
        "method": router.method,
        "encoder": router.encoder,
        "seed": router.seed,
    }


def asked_prompts(router: Router) -> list[tuple[str, str]]:
    """The prompts to run a new model on: ids and texts."""
    ids = router.current.facts.get("asked", []) if router.current else []
    place = {item: index for index, item in enumerate(catalog.item_ids_of(router.version))}
    held = [place[item] for item in ids if item in place]
    return [(item.id, item.text or "") for item in catalog.items_of(router.version, held)]
