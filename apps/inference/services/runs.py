"""Start runs, stop them, let them go on, delete them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from apps.catalog.models import CandidateModel, DatasetVersion, ModelOutcome, ModelOutput
from apps.core.models import new_slug
from apps.inference import queries
from apps.inference.kinds import KINDS, Gives, Kind
from apps.inference.models import ModelSource, Run, Worked
from apps.inference.scoring import check_references, made_scorer
from apps.jobs import presence
from apps.jobs import services as jobs
from apps.jobs.models import Job, Queue
from apps.teams.models import Role, User
from apps.teams.services import audit, require

RUN = "inference.run"

W = TypeVar("W", bound=Worked)


@transaction.atomic
def start_run(
    *,
    user: User,
    version: DatasetVersion,
    source: ModelSource,
    settings: dict[str, Any] | None = None,
    scorer: str = "",
    scorer_settings: dict[str, Any] | None = None,
    reference: str = "",
    sample: int | None = None,
    cap: Decimal | None = None,
) -> Run:
    """Put a candidate to a version's items, in the background.

    Args:
        settings: over those of the source. scorer, scorer_settings: for answers in words, as
            `scorers.SCORERS`. reference: what they are compared with, the labels or a slice's name.
        sample: so many items, drawn at random; all of them where None. cap: US dollars at which the
            run stops.

    Raises:
        PermissionDenied: below editor. ValidationError: what cannot be run, by its field.
    """
    require(user=user, team=version.team, role=Role.EDITOR)
    run = made_run(
        user=user,
        version=version,
        source=source,
        settings=settings or {},
        scorer=scorer,
        scorer_settings=scorer_settings or {},
        reference=reference,
        sample=sample,
        cap=cap,
    )
    run.save()
    audit(user=user, team=run.team, action="run.started", target=run, source=str(source.pk))
    _send(run, user)
    return run


def made_run(
    *,
    user: User,
    version: DatasetVersion,
    source: ModelSource,
    settings: dict[str, Any],
    scorer: str,
    scorer_settings: dict[str, Any],
    reference: str,
    sample: int | None,
    cap: Decimal | None,
) -> Run:
    """A run that could be started, with its estimate, not saved.

    Raises:
        ValidationError: what cannot be run, by its field.
    """
    if source.team_id != version.team_id:
        raise ValidationError({"source": "This model belongs to another team."})
    kind = KINDS.get(source.kind)
    if kind is None:
        raise ValidationError({"source": f"There is no kind `{source.kind}` of models to run."})
    _check_items(version, kind)
    # Held until the end: of two starts at once, the second sees the run of the first.
    CandidateModel.objects.select_for_update(no_key=True).get(pk=source.model_id)
    _check_place(version, source, kind)
    scored = {"scorer": "", "scorer_settings": {}, "reference": ""}
    if kind.gives == Gives.TEXT:
        made = made_scorer(scorer, scorer_settings)
        check_references(made, queries.references_of(version, reference))
        scored = {
            "scorer": scorer,
            "scorer_settings": scorer_settings,
            "reference": reference,
        }
    run = Run(
        team=version.team,
        created_by=user,
        slug=new_slug(source.model.name),
        version=version,
        source=source,
        settings=kind.clean({**source.settings, **settings}),
        sample=sample if sample and sample < version.item_count else None,
        total=min(sample or version.item_count, version.item_count),
        cap=cap,
        **scored,
    )
    run.full_clean()
    _check_cap(run)
    run.estimate = queries.estimate_of(run).as_dict()
    return run


@transaction.atomic
def cancel(*, user: User, work: W) -> W:
    """Stop a run or a tournament; what has been answered is kept, and it can go on later.

    Raises:
        PermissionDenied: below editor.
    """
    require(user=user, team=work.team, role=Role.EDITOR)
    if work.job is not None and not work.job.finished:
        work.job = jobs.cancel(user=user, job=work.job)
    return work


@transaction.atomic
def resume_run(*, user: User, run: Run, cap: Decimal | None = None) -> Run:
    """Ask again what has no answer: what failed, and what a stopped run did not come to.

    A run that is going on is returned as it is. `cap` replaces the one that it has, where given.

    Raises:
        PermissionDenied: below editor. ValidationError: every item has its answer.
    """
    require(user=user, team=run.team, role=Role.EDITOR)
    held: Run = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if not held.finished:
        return held
    if any(not one.tournament.results for one in held.places.select_related("tournament")):
        raise ValidationError("This run belongs to a tournament: let that go on instead.")
    if held.answered >= held.total and held.answers_blob:
        raise ValidationError("Every item of this run has its answer.")
    if cap is not None:
        held.cap = cap
    held.full_clean(exclude=["answers_blob"])
    _check_cap(held)
    held.journal.filter(failed=True).delete()
    held.failed = 0
    held.save(update_fields=["cap", "failed"])
    audit(user=user, team=held.team, action="run.resumed", target=held)
    _send(held, user)
    return held


@transaction.atomic
def delete_run(*, user: User, run: Run) -> None:
    """Delete a run and its answers; predictions or outcomes that it brought stay."""
    require(user=user, team=run.team, role=Role.EDITOR)
    cancel(user=user, work=run)
    audit(user=user, team=run.team, action="run.deleted", target=run)
    run.delete()


def _check_cap(run: Run) -> None:
    """A cap is kept by counting, and nothing can be counted without a price."""
    if run.cap is not None and queries.quote_of(run.source) is None:
        raise ValidationError(
            {"cap": f"{run.source.model.name} has no price: a cap needs one in the price book."}
        )


def _send(run: Run, user: User) -> Job:
    run.job = jobs.enqueue(
        user=user,
        team=run.team,
        kind=RUN,
        title=f"Run {run}"[:200],
        params={"run": str(run.pk)},
        key=str(run.pk),
        queue=queue_of([KINDS[run.source.kind]]),
    )
    Run.objects.filter(pk=run.pk).update(job=run.job)
    return run.job


def queue_of(kinds: Sequence[Kind]) -> Queue:
    """`gpu` for what loads weights, where a worker serves that queue."""
    served = any(kind.local for kind in kinds) and any(
        Queue.GPU in worker.queues for worker in presence.alive()
    )
    return Queue.GPU if served else Queue.DEFAULT


def _check_items(version: DatasetVersion, kind: Kind) -> None:
    if kind.reads_images and not version.has_images:
        raise ValidationError(
            {"version": f"The items of {version} have no pictures, which this model reads."}
        )
    if not version.has_text and (not kind.reads_images or kind.gives != Gives.LABEL):
        raise ValidationError(
            {"version": f"The items of {version} have no texts, which this model reads."}
        )


def _check_place(version: DatasetVersion, source: ModelSource, kind: Kind) -> None:
    """Two runs of a model on one version would disagree: the earlier results go first."""
    if kind.gives == Gives.LABEL:
        what = "predictions"
        there = ModelOutput.objects.filter(version=version, model=source.model).exists()
    else:
        what = "outcomes"
        rows = ModelOutcome.objects.filter(version=version, model=source.model, usage=False)
        there = rows.exists()
    if there:
        raise ValidationError(
            {
                "source": f"{source.model.name} has {what} on {version} already; delete those first, "
                "or run it as a model of another name."
            }
        )
    same = Run.objects.filter(
        Q(job__state="queued") | Q(job__state="running"),
        version=version,
        source__model=source.model,
    )
    if any(KINDS[run.source.kind].gives == kind.gives for run in same.select_related("source")):
        raise ValidationError(
            {"source": f"{source.model.name} is being run on {version} already; see its run."}
        )
