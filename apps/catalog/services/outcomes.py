"""Verbs on the outcomes of models on a version's prompts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apps.catalog import store
from apps.catalog.models import DatasetVersion, ModelOutcome, OutcomeBatch, Upload
from apps.catalog.queries import item_ids_of
from apps.catalog.readers.problems import listed, shown
from apps.catalog.services.models import announce
from apps.catalog.services.records import SHOWN_NAMES, candidates, twins
from apps.catalog.tables import Floats, OutcomeTable
from apps.teams.models import Role, User
from apps.teams.services import audit, require


@dataclass(frozen=True)
class StoredOutcomes:
    """An outcomes file; `answered` [n_models] counts the prompts each model has something on.

    `usage`: it holds no score, only what calls took.
    """

    blob: str
    model_names: tuple[str, ...]
    answered: tuple[int, ...]
    usage: bool


def record_outcomes(
    *, user: User, version: DatasetVersion, outcomes: OutcomeTable, upload: Upload | None = None
) -> OutcomeBatch:
    """Add outcomes on any of a version's prompts; a table without a single score is a spend log.

    Args:
        outcomes: its prompt ids are item ids of the version, in any order; its texts and groups are
            not looked at.

    Raises:
        PermissionDenied: below editor. ValidationError: a prompt that the version lacks, items without
        texts, a model without any outcome, or one whose outcomes are there already.
    """
    require(user=user, team=version.team, role=Role.EDITOR)
    stored = put_outcomes(item_ids_of(version), outcomes, texts=version.has_text)
    if fault := outcomes_there(version, stored):
        raise ValidationError(fault)
    try:
        with transaction.atomic():
            batch = name_outcomes(user=user, version=version, stored=stored, upload=upload)
            announce([version], user=user)
    except IntegrityError as error:
        raise ValidationError("Somebody else has just added these outcomes.") from error
    return batch


def delete_outcomes(*, user: User, batch: OutcomeBatch) -> None:
    """Take the outcomes of one upload out of a version; the models stay.

    Raises:
        PermissionDenied: below editor.
    """
    require(user=user, team=batch.team, role=Role.EDITOR)
    with transaction.atomic():
        audit(
            user=user,
            team=batch.team,
            action="outcomes.deleted",
            target=batch.version,
            models=batch.outcomes.count(),
            blob=batch.blob,
        )
        batch.delete()
        announce([batch.version], user=user)


def put_outcomes(ids: tuple[str, ...], outcomes: OutcomeTable, *, texts: bool) -> StoredOutcomes:
    """Put a file of outcomes in the order of a version's item ids; `texts`: whether it has any.

    Raises:
        ValidationError: as `record_outcomes`.
    """
    if not texts:
        raise ValidationError(
            "The items of this version have no texts, but outcomes belong to prompts; upload its "
            "items with a column of texts first."
        )
    place = {item: row for row, item in enumerate(ids)}
    strange = [item for item in outcomes.prompt_ids if item not in place]
    if strange:
        raise ValidationError(f"This version has no prompt `{shown(strange[0])}`.")
    if fault := twins(outcomes.model_names):
        raise ValidationError(fault)
    rows = [place[item] for item in outcomes.prompt_ids]
    usage = not outcomes.ran.any()
    measures: dict[str, Floats] = {}
    known = np.zeros((len(ids), outcomes.n_models), bool)
    for name in store.MEASURES:
        values: Floats | None = getattr(outcomes, name)
        if values is not None and not np.isnan(values).all():
            measures[name] = np.full((len(ids), outcomes.n_models), np.nan)
            measures[name][rows] = values
            if usage or name == "score":
                known |= ~np.isnan(measures[name])
    answered = known.sum(axis=0)
    if not answered.all():
        empty = [
            name for name, count in zip(outcomes.model_names, answered, strict=True) if not count
        ]
        raise ValidationError(
            f"{listed([f'`{name}`' for name in empty], most=SHOWN_NAMES)} "
            f"{'has' if len(empty) == 1 else 'have'} no outcome on any prompt; leave "
            f"{'it' if len(empty) == 1 else 'them'} out."
        )
    return StoredOutcomes(
        blob=store.write_outcomes(outcomes.model_names, measures),
        model_names=outcomes.model_names,
        answered=tuple(int(count) for count in answered),
        usage=usage,
    )


def outcomes_there(version: DatasetVersion, stored: StoredOutcomes) -> str | None:
    """A sentence that says which of these models have such outcomes on the version already; else None."""
    wanted = {name.lower() for name in stored.model_names}
    rows = ModelOutcome.objects.filter(version=version, usage=stored.usage)
    held = rows.values_list("model__name", flat=True)
    found = sorted(name for name in held if name.lower() in wanted)
    if not found:
        return None
    names = listed([f"`{name}`" for name in found], most=SHOWN_NAMES)
    return (
        f"{names} {'has' if len(found) == 1 else 'have'} outcomes on {version} already; take them out "
        "of the file, or delete the earlier ones first."
    )


def name_outcomes(
    *, user: User | None, version: DatasetVersion, stored: StoredOutcomes, upload: Upload | None
) -> OutcomeBatch:
    """Name a file of outcomes. The caller has asked `outcomes_there`; a race ends in IntegrityError."""
    models = candidates(user=user, team=version.team, names=stored.model_names)
    batch = OutcomeBatch.objects.create(
        team=version.team, created_by=user, version=version, upload=upload, blob=stored.blob
    )
    ModelOutcome.objects.bulk_create(
        [
            ModelOutcome(
                version=version,
                model=models[name],
                batch=batch,
                column=name,
                usage=stored.usage,
                answered=answered,
            )
            for name, answered in zip(stored.model_names, stored.answered, strict=True)
        ],
        batch_size=500,
    )
    audit(
        user=user,
        team=version.team,
        action="outcomes.added",
        target=version,
        models=len(models),
        usage=stored.usage,
        blob=batch.blob,
    )
    return batch
