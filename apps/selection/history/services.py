"""Verbs on replays: start one, do its job, delete it."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.catalog import queries as catalog
from apps.catalog.models import DatasetVersion
from apps.core import files
from apps.jobs.context import JobContext, JobFailed
from apps.jobs.services import enqueue
from apps.selection.history import cost, queries, tracks, words
from apps.selection.history.models import Replay
from apps.selection.replay import (
    Collection,
    Outcome,
    Plan,
    Track,
    checked,
    known_methods,
    outcome_of,
    realisations,
)
from apps.teams.models import Role, User
from apps.teams.services import audit, require

KIND = "selection.replay"
DEFAULT_METHODS = ("auto", "model_selector", "margin", "random")
DEFAULT_REALISATIONS, DEFAULT_BUDGET = 50, 200
MOST_DEFAULT_POOL = 1000
MOST_METHODS, MOST_REALISATIONS, MOST_POOL, MOST_BUDGET = 8, 1000, 10_000, 2000
_KEPT_EVERY = 10.0  # seconds between two checkpoints


@transaction.atomic
def start_replay(
    *,
    user: User,
    version: DatasetVersion,
    methods: Sequence[str] = DEFAULT_METHODS,
    pool: int | None = None,
    realisations: int = DEFAULT_REALISATIONS,
    budget: int = DEFAULT_BUDGET,
    seed: int = 0,
) -> Replay:
    """Ask for a replay of a labelled version; a pool or budget above its items is cut to them.

    `pool` is half of the labelled items, at most 1,000, where it is not given: pools that hold nearly
    all items would be nearly the same.

    Raises:
        PermissionDenied: below editor. ValidationError: a version that nothing can be learned from,
        an unknown method, or sizes beyond what one job may take.
    """
    require(user=user, team=version.team, role=Role.EDITOR)
    try:
        collection, _ = queries.collection_of(version)
    except ValueError as error:
        raise ValidationError({"version": str(error)}) from error
    pool = default_pool(collection) if pool is None else pool
    plan = checked_plan(Plan(tuple(methods), pool, realisations, budget, seed), collection)
    replay = Replay(team=version.team, created_by=user, version=version, plan=plain(plan))
    replay.full_clean()
    replay.save()
    replay.job = enqueue(
        user=user,
        team=replay.team,
        kind=KIND,
        title=str(replay)[:200],
        params={"replay": str(replay.pk)},
        key=str(replay.pk),
    )
    replay.save(update_fields=["job"])
    audit(user=user, team=replay.team, action="replay.started", target=replay, **plain(plan))
    return replay


def default_pool(collection: Collection) -> int:
    """Half of the labelled items, at most 1,000."""
    return min(MOST_DEFAULT_POOL, collection.table.n_items // 2)


def checked_plan(plan: Plan, collection: Collection) -> Plan:
    """The plan as it will be carried out.

    Raises:
        ValidationError: by field, what cannot be.
    """
    if not plan.methods:
        raise ValidationError({"methods": "Choose at least one method."})
    unknown = sorted(set(plan.methods) - set(known_methods()))
    if unknown:
        known = ", ".join(known_methods())
        raise ValidationError({"methods": f"There is no method `{unknown[0]}`; there are {known}."})
    for field, most in (
        ("pool", MOST_POOL),
        ("realisations", MOST_REALISATIONS),
        ("budget", MOST_BUDGET),
    ):
        if not 1 <= (value := getattr(plan, field)) <= most:
            raise ValidationError({field: f"Give 1 to {most:,}, not {value:,}."})
    found = checked(collection, plan)
    if len(found.methods) > MOST_METHODS:
        raise ValidationError({"methods": f"Choose at most {MOST_METHODS} methods."})
    seconds = cost.expected_seconds(found, collection.table.n_models)
    if seconds > cost.MOST_SECONDS:
        raise ValidationError(
            f"This would take {cost.in_words(seconds)}; ask for fewer realisations, labels or methods."
        )
    return found


@transaction.atomic
def delete_replay(*, user: User, replay: Replay) -> None:
    """Delete a replay, its result and its share links."""
    require(user=user, team=replay.team, role=Role.EDITOR)
    audit(user=user, team=replay.team, action="replay.deleted", target=replay)
    replay.delete()


def run_replay(ctx: JobContext) -> None:
    """The replay's job: a realisation after another, from the last checkpoint on.

    Where predictions or labels have changed since the checkpoint it starts afresh.
    """
    rows = Replay.objects.select_related("version__dataset", "team")
    replay: Replay | None = rows.filter(pk=ctx.params["replay"]).first()
    if replay is None:
        raise JobFailed("The replay has been deleted.")
    inputs = inputs_of(replay.version)
    try:
        collection, chosen = queries.collection_of(replay.version)
    except ValueError as error:
        raise JobFailed(str(error)) from error
    plan = checked(collection, Plan(**replay.plan | {"methods": tuple(replay.methods)}))
    found = _replayed(ctx, replay, collection, plan, _digest(inputs))
    result = result_of(outcome_of(collection, plan, found), collection, chosen)
    blob = files.put(io.BytesIO(json.dumps(result).encode()))
    summary = {"verdict": words.verdict(result).sentence}
    with ctx.finishing({"replay": str(replay.pk)}):
        Replay.objects.filter(pk=replay.pk).update(
            blob=blob, partial_blob="", inputs=inputs, summary=summary
        )


def _replayed(
    ctx: JobContext, replay: Replay, collection: Collection, plan: Plan, digest: str
) -> list[dict[str, Track]]:
    """The tracks of all realisations, kept every few seconds."""
    found = _kept(ctx, plan, digest)
    total = plan.realisations * len(plan.methods)
    kept_at = time.monotonic()

    def before(number: int, method: str) -> None:
        ctx.raise_if_stopped()
        done = number * len(plan.methods) + plan.methods.index(method)
        ctx.progress(done, total, f"Pool {number + 1:,} of {plan.realisations:,}: {method}")

    for realisation in realisations(collection, plan, first=len(found), before=before):
        found.append(realisation)
        if time.monotonic() - kept_at >= _KEPT_EVERY and len(found) < plan.realisations:
            _keep(ctx, replay, plan, digest, found)
            kept_at = time.monotonic()
    ctx.progress(total, total, "Writing the result")
    return found


def _kept(ctx: JobContext, plan: Plan, digest: str) -> list[dict[str, Track]]:
    """What an earlier attempt found on the same data."""
    state = ctx.state or {}
    if state.get("inputs") != digest:
        return []
    try:
        return tracks.get(state["blob"], plan.methods)
    except FileNotFoundError:
        return []


def _keep(
    ctx: JobContext, replay: Replay, plan: Plan, digest: str, found: Sequence[dict[str, Track]]
) -> None:
    blob = tracks.put(found, plan.methods)
    with ctx.fenced():
        Replay.objects.filter(pk=replay.pk).update(partial_blob=blob)
        ctx.checkpoint({"inputs": digest, "blob": blob})


def result_of(outcome: Outcome, collection: Collection, chosen: int) -> dict[str, Any]:
    """All that is kept of a replay; `outcome` is what `manage.py bench selection` writes.

    Args:
        chosen: labels that were picked to tell models apart, not drawn at random.
    """
    return {
        "format": 1,
        "outcome": outcome.as_dict(),
        "curves": {name: one.curves() for name, one in outcome.methods.items()},
        "left_out": collection.left_out,
        "chosen_labels": chosen,
    }


def plain(plan: Plan) -> dict[str, Any]:
    """A plan as it is kept."""
    return asdict(plan) | {"methods": list(plan.methods)}


def inputs_of(version: DatasetVersion) -> dict[str, Any]:
    """Content hashes of the predictions and labels that a replay of a version rests on."""
    found = catalog.inputs_of(version)
    del found["prices"]
    return found


def _digest(inputs: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
