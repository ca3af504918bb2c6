"""Verbs on datasets, their versions, predictions and labels."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from apps.catalog.models import Dataset, DatasetVersion, LabelBatch, PredictionBatch
from apps.catalog.services.models import announce
from apps.catalog.services.records import (
    check_dataset,
    make_dataset,
    make_version,
    stored_items,
)
from apps.catalog.store import Items
from apps.teams.models import Role, Team, User
from apps.teams.services import audit, require


def create_dataset(
    *,
    user: User,
    team: Team,
    name: str,
    items: Items,
    class_names: Sequence[str] = (),
    description: str = "",
) -> DatasetVersion:
    """Make a dataset and its first version of these items.

    Raises:
        PermissionDenied: below editor. ValidationError: no or a taken name, no items.
    """
    require(user=user, team=team, role=Role.EDITOR)
    stored = stored_items(items, class_names)
    try:
        with transaction.atomic():
            dataset = make_dataset(user=user, team=team, name=name, description=description)
            version = make_version(user=user, dataset=dataset, items=stored)
    except IntegrityError as error:
        raise ValidationError({"name": name_taken(name)}) from error
    return version


def add_version(
    *, user: User, dataset: Dataset, items: Items, class_names: Sequence[str] = ()
) -> DatasetVersion:
    """Give a dataset a new version of its items; predictions and labels stay with the old one.

    Raises:
        PermissionDenied: below editor. ValidationError: no items.
    """
    require(user=user, team=dataset.team, role=Role.EDITOR)
    stored = stored_items(items, class_names)
    with transaction.atomic():
        return make_version(user=user, dataset=dataset, items=stored)


def update_dataset(*, user: User, dataset: Dataset, name: str, description: str) -> Dataset:
    """Rename or describe a dataset.

    Raises:
        PermissionDenied: below editor. ValidationError: no or a taken name.
    """
    require(user=user, team=dataset.team, role=Role.EDITOR)
    dataset.name, dataset.description = name.strip(), description
    check_dataset(dataset)
    try:
        with transaction.atomic():
            dataset.save()
            audit(user=user, team=dataset.team, action="dataset.changed", target=dataset)
    except IntegrityError as error:
        raise ValidationError({"name": name_taken(name)}) from error
    return dataset


def name_taken(name: str) -> str:
    return f"This team has a dataset called “{name.strip()}” already; choose another name."


def delete_dataset(*, user: User, dataset: Dataset) -> None:
    """Delete a dataset with all its versions, predictions and labels; the models stay.

    Raises:
        PermissionDenied: below editor. ValidationError: boards use it.
    """
    _delete(user, dataset, "dataset.deleted")


def delete_version(*, user: User, version: DatasetVersion) -> None:
    """Delete one version with its predictions and labels; the last one goes with its dataset.

    Raises:
        PermissionDenied: below editor. ValidationError: boards use it, or it is the only one.
    """
    require(user=user, team=version.team, role=Role.EDITOR)
    if not version.dataset.versions.exclude(pk=version.pk).exists():
        raise ValidationError("This is the only version: delete the dataset instead.")
    _delete(user, version, "version.deleted")


def _delete(user: User, target: Any, action: str) -> None:
    require(user=user, team=target.team, role=Role.EDITOR)
    with transaction.atomic():
        audit(user=user, team=target.team, action=action, target=target)
        try:
            target.delete()
        except ProtectedError as error:
            raise ValidationError(in_use(target, error.protected_objects)) from error


def in_use(target: models.Model, users: Any) -> str:
    """A sentence that says what keeps something from being deleted."""
    found = sorted(users, key=str)
    kind = str(found[0]._meta.verbose_name)
    names = ", ".join(f"“{one}”" for one in found[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    which = f"the {kind} {names}" if len(found) == 1 else f"the {kind}s {names}{more}"
    return f"{target} is used by {which}; delete {'it' if len(found) == 1 else 'them'} first."


def delete_predictions(*, user: User, batch: PredictionBatch) -> None:
    """Take the predictions of one upload out of a version; the models stay in the list.

    Raises:
        PermissionDenied: below editor.
    """
    require(user=user, team=batch.team, role=Role.EDITOR)
    version = batch.version
    with transaction.atomic():
        audit(
            user=user,
            team=batch.team,
            action="predictions.deleted",
            target=version,
            models=batch.outputs.count(),
            blob=batch.blob,
        )
        batch.delete()
        announce([version], user=user)


def withdraw_labels(*, user: User, batch: LabelBatch) -> LabelBatch:
    """Take a batch of labels back: it is kept, but counts no more. Doing so twice changes nothing.

    Raises:
        PermissionDenied: below annotator; or below editor, for what somebody else has uploaded.
    """
    own = batch.created_by_id == user.pk
    require(user=user, team=batch.team, role=Role.ANNOTATOR if own else Role.EDITOR)
    with transaction.atomic():
        now = timezone.now()
        live = LabelBatch.objects.filter(pk=batch.pk, withdrawn_at__isnull=True)
        if live.update(withdrawn_at=now):
            audit(
                user=user,
                team=batch.team,
                action="labels.withdrawn",
                target=batch.version,
                labels=batch.count,
                blob=batch.blob,
            )
            announce([batch.version], user=user)
    batch.refresh_from_db()
    return batch
