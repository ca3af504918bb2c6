"""Ask whether routing helps on a version's outcomes, and answer it anew when they change."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from django.core.exceptions import ValidationError
from django.db import transaction

from apps.catalog import queries as catalog
from apps.catalog.models import DatasetVersion
from apps.catalog.tables import OutcomeTable
from apps.core import files
from apps.core.prose import plain
from apps.hooks import services as hooks
from apps.hooks.models import Event
from apps.jobs.context import JobContext, JobFailed
from apps.jobs.models import Job, State
from apps.jobs.services import enqueue
from apps.routing import queries
from apps.routing.methods.registry import NULLS
from apps.routing.models import Evaluation, EvaluationResult
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

if TYPE_CHECKING:
    from apps.routing.evaluation import Plan, SplitResult

EVALUATE = "routing.evaluate"
SHOWN_LETTERS = 300
"""Of a prompt in the table of regrets."""


@transaction.atomic
def start_evaluation(
    *,
    user: User,
    version: DatasetVersion,
    encoder: str,
    name: str = "",
    routers: Sequence[str] = (),
    split: str = "group",
    splits: int = 5,
    seed: int = 0,
) -> Evaluation:
    """An evaluation of routers on a version's outcomes, and the job that answers it.

    Args:
        routers: names in the registry; the default router where there is none. The null models come
            by themselves.
        split: `random`, `group`, `unseen:COLUMN` or `transfer:COLUMN=TRAIN/TEST`.

    Raises:
        PermissionDenied: below editor. ValidationError: a setting that is none, or outcomes among
        which nothing is to choose, or that are too few, or of which some have no cost.
    """
    from apps.routing.evaluation import Split, money_of
    from apps.routing.evaluation.splits import Splitter

    require(user=user, team=version.team, role=Role.EDITOR)
    wanted = [router for router in dict.fromkeys(routers) if router not in NULLS]
    for router in wanted:
        check_method(router, "routers")
    check_encoder(encoder)
    outcomes = checked_outcomes(version)
    try:
        money_of(outcomes)
    except ValueError as error:
        raise ValidationError({"version": str(error)}) from error
    try:
        # Near-duplicates take long to find, and decide nothing that can be refused here.
        Splitter.of(Split.parse(split), outcomes, np.arange(outcomes.n_prompts))
    except ValueError as error:
        raise ValidationError({"split": str(error)}) from error
    evaluation = Evaluation(
        team=version.team,
        created_by=user,
        version=version,
        name=one_line(name) or f"Does routing help on {version}?"[:200],
        encoder=encoder,
        routers=wanted or [queries.default_router()],
        split=split,
        splits=splits,
        seed=seed,
    )
    evaluation.full_clean()
    evaluation.save()
    audit(user=user, team=evaluation.team, action="evaluation.started", target=evaluation)
    _send(evaluation, user)
    return evaluation


@transaction.atomic
def refresh_evaluation(*, user: User, evaluation: Evaluation) -> Job:
    """Answer it on the data as they stand; a job that already does is returned."""
    require(user=user, team=evaluation.team, role=Role.EDITOR)
    return _send(evaluation, user)


@transaction.atomic
def delete_evaluation(*, user: User, evaluation: Evaluation) -> None:
    """Delete an evaluation, its numbers and its share links; outcomes and routers stay."""
    require(user=user, team=evaluation.team, role=Role.EDITOR)
    audit(user=user, team=evaluation.team, action="evaluation.deleted", target=evaluation)
    evaluation.delete()


def follow_version(*, version: DatasetVersion, user: User | None) -> None:
    """Called inside the transaction that changed a version's outcomes or prices."""
    rows = Evaluation.objects.filter(version=version).select_related(
        "team", "version__dataset", "current"
    )
    for evaluation in rows:
        digest = queries.digest_of(queries.evaluation_inputs(evaluation))
        if evaluation.current and evaluation.current.inputs_hash == digest:
            if evaluation.stale:
                Evaluation.objects.filter(pk=evaluation.pk).update(stale=False)
            continue
        Evaluation.objects.filter(pk=evaluation.pk).update(stale=evaluation.current is not None)
        _send(evaluation, user)


def _send(evaluation: Evaluation, user: User | None) -> Job:
    """A job that reads the data as they stand once the caller's transaction has committed."""
    waiting = Job.objects.select_for_update().filter(
        team=evaluation.team,
        kind=EVALUATE,
        key__startswith=f"{evaluation.pk}:",
        state=State.QUEUED,
        cancel_requested=False,
    )
    digest = queries.digest_of(queries.evaluation_inputs(evaluation))
    job = waiting.first() or enqueue(
        user=user,
        team=evaluation.team,
        kind=EVALUATE,
        title=f"Evaluate routers: {evaluation.name}"[:200],
        params={"evaluation": str(evaluation.pk)},
        key=f"{evaluation.pk}:{digest[:32]}",
        queue=queue_for(evaluation.routers, evaluation.encoder),
    )
    if evaluation.job_id != job.pk:
        evaluation.job = job
        Evaluation.objects.filter(pk=evaluation.pk).update(job=job)
    return job


def evaluate(ctx: JobContext) -> None:
    """The evaluation's job. A killed worker's successor goes on after the last finished split."""
    rows = Evaluation.objects.select_related("team", "version__dataset")
    evaluation = rows.filter(pk=ctx.params["evaluation"]).first()
    if evaluation is None:
        raise JobFailed("The evaluation has been deleted.")
    inputs = queries.evaluation_inputs(evaluation)
    digest = queries.digest_of(inputs)
    result = None
    if not evaluation.results.filter(inputs_hash=digest).exists():
        try:
            result = _computed(ctx, evaluation, digest)
        except ValueError as error:
            raise JobFailed(str(error)) from error
    blob = files.put(io.BytesIO(json.dumps(result).encode())) if result else ""
    with ctx.finishing({"evaluation": str(evaluation.pk)}):
        held = Evaluation.objects.select_for_update().get(pk=evaluation.pk)
        before = held.current
        if result is not None:
            held.current, _ = EvaluationResult.objects.get_or_create(
                evaluation=held,
                inputs_hash=digest,
                defaults={
                    "inputs": inputs,
                    "blob": blob,
                    "verdict": result["verdict"][:1000],
                    "summary": summary_of(result),
                },
            )
        else:
            held.current = held.results.get(inputs_hash=digest)
        # The data may have moved on meanwhile. Then another job is on its way, unless they moved
        # back to where the answer is known already.
        now = queries.digest_of(queries.evaluation_inputs(held))
        held.current = held.results.filter(inputs_hash=now).first() or held.current
        held.stale = held.current.inputs_hash != now
        held.save(update_fields=["current", "stale"])
        _tell_of_change(evaluation, before, held.current)


def _tell_of_change(
    evaluation: Evaluation, before: EvaluationResult | None, after: EvaluationResult
) -> None:
    """Webhooks hear of another answer to whether routing helps; not of the first one."""
    if before is None or before.summary["helps"] == after.summary["helps"]:
        return
    hooks.tell(
        team=evaluation.team,
        event=Event.VERDICT,
        data={
            "evaluation": str(evaluation.pk),
            "name": evaluation.name,
            "helped": before.summary["helps"],
            "helps": after.summary["helps"],
            "verdict": plain(after.verdict),
        },
    )


def _computed(ctx: JobContext, evaluation: Evaluation, digest: str) -> dict[str, Any]:
    from apps.routing.evaluation import evaluate as measure

    outcomes = catalog.outcomes_of(evaluation.version)
    finished = _finished(ctx, digest)
    names = list((ctx.state or {}).get("splits", []))[: len(finished)]
    embeddings = embedded(ctx, evaluation.encoder, outcomes)

    def keep(split: SplitResult) -> None:
        names.append(files.put(io.BytesIO(json.dumps(split.as_dict()).encode())))
        ctx.checkpoint({"inputs": digest, "splits": names})

    def stop() -> bool:
        ctx.raise_if_stopped()
        return False

    found = measure(
        outcomes,
        embeddings,
        plan_of(evaluation),
        progress=ctx.progress,
        should_stop=stop,
        on_split=keep,
        finished=finished,
    )
    return finished_result(evaluation, found.as_dict(), outcomes, digest)


def plan_of(evaluation: Evaluation) -> Plan:
    """What an evaluation does, with the guard as it would be deployed."""
    from apps.routing.evaluation import Plan

    return Plan(
        routers=tuple(evaluation.routers),
        split=evaluation.split,
        splits=evaluation.splits,
        seed=evaluation.seed,
        guarded=True,
    )


def finished_result(
    evaluation: Evaluation, result: dict[str, Any], outcomes: OutcomeTable, digest: str
) -> dict[str, Any]:
    """What was measured, with what it was measured on."""
    result["facts"] = {
        "dataset": evaluation.version.dataset.name,
        "version": evaluation.version.number,
        "inputs": digest,
    }
    result["texts"] = _texts(result, outcomes)
    return result


def _finished(ctx: JobContext, digest: str) -> list[SplitResult]:
    """The splits that an earlier attempt kept, if it was about the same data."""
    from apps.routing.evaluation import SplitResult

    state = ctx.state or {}
    kept: list[SplitResult] = []
    if state.get("inputs") != digest:
        return kept
    for blob in state["splits"]:
        try:
            with files.open_blob(blob) as stream:
                kept.append(SplitResult.from_dict(json.load(stream)))
        except FileNotFoundError:  # nothing names these files for ever: compute the rest again
            break
    return kept


def _texts(result: dict[str, Any], outcomes: OutcomeTable) -> dict[str, str]:
    """The prompts that the table of regrets shows, by their ids, cut short."""
    wanted = {regret["prompt_id"] for regret in result["regrets"]}
    for regret in result["regrets"]:
        wanted.update(prompt for prompt, _ in regret["neighbours"])
    texts = zip(outcomes.prompt_ids, outcomes.prompts, strict=True)
    return {prompt: text[:SHOWN_LETTERS] for prompt, text in texts if prompt in wanted}


def summary_of(result: dict[str, Any]) -> dict[str, Any]:
    """What a list shows of a result."""
    return {
        "prompts": result["prompts"],
        "models": len(result["models"]),
        "helps": result["helps"],
        "subject": result["subject"],
    }
