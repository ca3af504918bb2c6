"""Make, train, roll back and delete routers."""

from __future__ import annotations

import time
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max

from apps.catalog import queries as catalog
from apps.catalog.models import DatasetVersion
from apps.core.models import new_slug
from apps.jobs.context import JobContext, JobFailed
from apps.jobs.models import Job
from apps.jobs.services import enqueue
from apps.routing import queries
from apps.routing.models import Router, RouterVersion
from apps.routing.services.shared import (
    check_encoder,
    check_method,
    checked_outcomes,
    embedded,
    queue_for,
)
from apps.teams.models import Role, User
from apps.teams.services import audit, require
from apps.teams.services.base import one_line

TRAIN = "routing.train"
ASKED = 50
"""Prompts that are offered to run a new model on."""


@transaction.atomic
def create_router(
    *,
    user: User,
    version: DatasetVersion,
    method: str,
    encoder: str,
    name: str = "",
    seed: int = 0,
) -> Router:
    """A router over a version's outcomes, and the job that trains it.

    Raises:
        PermissionDenied: below editor. ValidationError: no such method or encoder, or outcomes among
        which nothing is to choose.
    """
    require(user=user, team=version.team, role=Role.EDITOR)
    check_method(method)
    check_encoder(encoder)
    checked_outcomes(version)
    title = one_line(name) or f"{version.dataset.name}, {method}"[:200]
    router = Router(
        team=version.team,
        created_by=user,
        version=version,
        name=title,
        slug=new_slug(title),
        method=method,
        encoder=encoder,
        seed=seed,
    )
    router.full_clean()
    router.save()
    audit(user=user, team=router.team, action="router.created", target=router, method=method)
    _send(router, user)
    return router


@transaction.atomic
def train_router(*, user: User, router: Router) -> Job:
    """Train another version on the outcomes as they stand; a job that already does is returned."""
    require(user=user, team=router.team, role=Role.EDITOR)
    audit(user=user, team=router.team, action="router.trained", target=router)
    return _send(router, user)


def _send(router: Router, user: User | None) -> Job:
    job = enqueue(
        user=user,
        team=router.team,
        kind=TRAIN,
        title=f"Train the router {router.name}"[:200],
        params={"router": str(router.pk)},
        key=f"{router.pk}:{queries.digest_of(queries.router_inputs(router))[:32]}",
        queue=queue_for([router.method], router.encoder),
    )
    point_at_job(router, job)
    return job


def point_at_job(router: Router, job: Job) -> None:
    """Remember the job that works on a router."""
    router.job = job
    Router.objects.filter(pk=router.pk).update(job=job)


@transaction.atomic
def roll_back(*, user: User, router: Router, number: int) -> Router:
    """Let an earlier (or later) version serve.

    Raises:
        PermissionDenied: below editor. ValidationError: there is no such version.
    """
    require(user=user, team=router.team, role=Role.EDITOR)
    held = Router.objects.select_for_update().get(pk=router.pk)
    wanted = held.versions.filter(number=number).first()
    if wanted is None:
        raise ValidationError(f"This router has no version {number}.")
    if held.current_id != wanted.pk:
        Router.objects.filter(pk=held.pk).update(current=wanted)
        audit(user=user, team=router.team, action="router.rolled_back", target=router, to=number)
    router.current = wanted
    return router


@transaction.atomic
def delete_router(*, user: User, router: Router) -> None:
    """Delete a router with all its versions; outcomes and evaluations stay."""
    require(user=user, team=router.team, role=Role.EDITOR)
    audit(user=user, team=router.team, action="router.deleted", target=router)
    router.delete()


def router_of(ctx: JobContext) -> Router:
    """The router that a job is about. Raises JobFailed where it has been deleted."""
    rows = Router.objects.select_related("team", "version__dataset", "current")
    router: Router | None = rows.filter(pk=ctx.params["router"]).first()
    if router is None:
        raise JobFailed("The router has been deleted.")
    return router


def train(ctx: JobContext) -> None:
    """The router's job: learn from the outcomes as they stand; the new version serves at once.

    Whatever fails here leaves the version that served before.
    """
    from apps.routing.bundle import Bundle
    from apps.routing.joining import asked

    router = router_of(ctx)
    inputs = queries.router_inputs(router)
    try:
        outcomes = catalog.outcomes_of(router.version)
        embeddings = embedded(ctx, router.encoder, outcomes)
        ctx.raise_if_stopped()
        ctx.progress(1, 3, f"Learning from {outcomes.n_prompts:,} prompts")
        began = time.monotonic()
        bundle, held_out = Bundle.fit(router.method, outcomes, embeddings, seed=router.seed)
        seconds = time.monotonic() - began
        ctx.raise_if_stopped()
        ctx.progress(2, 3, "Measuring what it would have decided")
        facts = {
            **bundle.facts(held_out, outcomes),
            "seconds": round(seconds, 2),
            "asked": asked(outcomes, ASKED, router.seed),
        }
    except ValueError as error:
        raise JobFailed(str(error)) from error
    keep_version(ctx, router, bundle.put(), inputs, facts)


def keep_version(
    ctx: JobContext,
    router: Router,
    artifacts: dict[str, str],
    inputs: dict[str, Any],
    facts: dict[str, Any],
    added_model: str = "",
) -> None:
    """Keep a new version and let it serve, together with the success of the job."""
    result: dict[str, Any] = {"router": router.slug}
    with ctx.finishing(result):
        locked = Router.objects.select_for_update().get(pk=router.pk)
        newest = locked.versions.aggregate(newest=Max("number"))["newest"] or 0
        locked.current = RouterVersion.objects.create(
            router=locked,
            number=newest + 1,
            artifacts=artifacts,
            inputs=inputs,
            inputs_hash=queries.digest_of(inputs),
            facts=facts,
            added_model=added_model,
            job=ctx.job,
        )
        locked.save(update_fields=["current"])
        result["version"] = newest + 1
