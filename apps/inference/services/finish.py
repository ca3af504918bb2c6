"""The end of a run: its journal becomes one file, and one batch of the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from math import log, nan, sqrt

import numpy as np
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from apps.catalog import queries as catalog
from apps.catalog.services.models import announce
from apps.catalog.services.outcomes import (
    StoredOutcomes,
    name_outcomes,
    outcomes_there,
    put_outcomes,
)
from apps.catalog.services.records import (
    StoredPredictions,
    already_there,
    record_predictions,
    stored_predictions,
)
from apps.catalog.tables import OutcomeTable
from apps.inference import answers, verdicts
from apps.inference.answers import Kept
from apps.inference.kinds import KINDS, Gives
from apps.inference.kinds.judge import JudgeKind
from apps.inference.models import Run
from apps.inference.services.journal import DELETED, Journal
from apps.jobs.context import JobContext, JobFailed

_Z = 1.959964  # of a 95% interval


def finish(ctx: JobContext, run: Run, journal: Journal) -> None:
    """Write the answers down; they, the batch and the job's success become true together.

    Raises:
        JobFailed: as `conclude`.
    """
    conclude(ctx, run, journal, ctx.finishing({"run": run.slug}))


def conclude(
    ctx: JobContext, run: Run, journal: Journal, ending: AbstractContextManager[None]
) -> None:
    """Write the answers down; they, the batch and what `ending` commits become true together.

    Raises:
        JobFailed: nothing was answered, or the model has other results on the version by now.
    """
    kept = journal.all()
    good = [one for one in kept if not one.failure]
    if not good:
        why = kept[0].failure if kept else "There was nothing to ask."
        raise JobFailed(f"No item has an answer. The first one: {why}")
    labels = KINDS[run.source.kind].gives == Gives.LABEL
    stored = _predictions(run, good) if labels else _outcomes(run, good)
    blob = answers.write(kept)
    try:
        with ending:
            held = Run.objects.select_for_update(of=("self",)).filter(pk=run.pk).first()
            if held is None:
                raise JobFailed(DELETED)
            held.answers_blob = blob
            held.facts = {**run.facts, "summary": summary_of(good)}
            if run.source.kind == JudgeKind.name:
                held.facts["judged"] = verdicts.summary(one.label for one in good if one.label)
            held.answered, held.failed = len(good), len(kept) - len(good)
            _name(ctx, held, run, stored)
            held.save(
                update_fields=[
                    "answers_blob",
                    "answered",
                    "failed",
                    "facts",
                    "predictions",
                    "outcomes",
                ]
            )
            journal.clear()
            announce([run.version], user=ctx.job.created_by)
    except IntegrityError as error:
        raise JobFailed(
            f"Somebody else has just added results of {run.source.model.name} to {run.version}."
        ) from error


def _name(ctx: JobContext, held: Run, run: Run, stored: StoredPredictions | StoredOutcomes) -> None:
    """Name the batch, in the place of the one that this run brought before."""
    user, version = ctx.job.created_by, run.version
    if isinstance(stored, StoredPredictions):
        if held.predictions is not None:
            held.predictions.delete()
        if fault := already_there(version, stored.model_names):
            raise ValidationError(fault)
        held.predictions = record_predictions(user=user, version=version, stored=stored)
    else:
        if held.outcomes is not None:
            held.outcomes.delete()
        if fault := outcomes_there(version, stored):
            raise ValidationError(fault)
        held.outcomes = name_outcomes(user=user, version=version, stored=stored, upload=None)


def _predictions(run: Run, good: Sequence[Kept]) -> StoredPredictions:
    """Class indices in the order of the version's items; -1 where there is no answer."""
    classes = list(catalog.class_names_of(run.version))
    classes += sorted({one.label for one in good if one.label is not None} - set(classes))
    code = {name: index for index, name in enumerate(classes)}
    predictions = np.full((1, run.version.item_count), -1, np.int32)
    sure = np.full((1, run.version.item_count), np.nan, np.float32)
    for one in good:
        if one.label is not None:
            predictions[0, one.position] = code[one.label]
            sure[0, one.position] = nan if one.confidence is None else min(one.confidence, 1.0)
    return stored_predictions(
        model_names=[run.source.model.name],
        class_names=classes,
        predictions=predictions,
        probabilities=None if np.isnan(sure).all() else sure,
    )


def _outcomes(run: Run, good: Sequence[Kept]) -> StoredOutcomes:
    """Scores, tokens, latency and cost of what was answered; NaN where one is unknown."""
    ids = catalog.item_ids_of(run.version)

    def column(values: Sequence[float | None]) -> list[list[float]]:
        return [[nan if value is None else float(value)] for value in values]

    scores = [one.score if one.loss is None else _known(run, one.loss) for one in good]
    table = OutcomeTable.of(
        prompt_ids=[ids[one.position] for one in good],
        prompts=[""] * len(good),
        model_names=[run.source.model.name],
        score=column(scores),
        cost=column([one.cost for one in good]),
        in_tokens=column([one.input_tokens for one in good]),
        out_tokens=column([one.output_tokens for one in good]),
        latency_ms=column([one.latency_ms for one in good]),
    )
    return put_outcomes(ids, table, texts=run.version.has_text)


def _known(run: Run, loss: float) -> float:
    """A loss as a score, 0 for a guess among all tokens and 1 for certainty.

    On one line with the loss, so that a router that gains in score gains in loss. The mean probability,
    exp(-loss), would be that of a few easy texts.
    """
    return max(0.0, 1 - loss / log(run.facts["vocabulary"]))


def summary_of(good: Sequence[Kept]) -> dict[str, float]:
    """What a page says of the answers: the mean score with its 95% interval, or the mean loss."""
    losses = [one.loss for one in good if one.loss is not None]
    if losses:
        return {"mean_loss": float(np.mean(losses))}
    scores = [one.score for one in good if one.score is not None]
    if not scores:
        return {}
    mean, n = float(np.mean(scores)), len(scores)
    # Wilson's interval, which holds at 0 and 1 too; of graded scores it is a little too wide.
    centre, half = (mean + _Z**2 / (2 * n)), _Z * sqrt(mean * (1 - mean) / n + (_Z / (2 * n)) ** 2)
    whole = 1 + _Z**2 / n
    return {
        "scored": n,
        "mean": mean,
        "low": (centre - half) / whole,
        "high": (centre + half) / whole,
    }
