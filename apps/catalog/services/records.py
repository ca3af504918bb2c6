"""What services write about items, predictions and labels, in two steps.

`stored_...` puts a file and needs no transaction; `make_...` and `record_...` write the rows that name
it, inside the caller's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError
from django.db.models import Max
from numpy.typing import NDArray

from apps.catalog import store
from apps.catalog.models import (
    CandidateModel,
    Dataset,
    DatasetVersion,
    LabelBatch,
    ModelOutput,
    PredictionBatch,
    Upload,
)
from apps.catalog.readers.problems import name_fault
from apps.core.models import new_slug
from apps.teams.models import Team, User
from apps.teams.services import audit

SHOWN_NAMES = 5


@dataclass(frozen=True)
class StoredItems:
    """An items file and what a version says about it."""

    blob: str
    ids: tuple[str, ...]
    class_names: tuple[str, ...]
    has_text: bool
    has_images: bool
    slice_names: tuple[str, ...]


@dataclass(frozen=True)
class StoredPredictions:
    """A predictions file; `answered` [n_models] counts the items each model was run on."""

    blob: str
    model_names: tuple[str, ...]
    class_names: tuple[str, ...]
    answered: tuple[int, ...]


@dataclass(frozen=True)
class StoredLabels:
    """A labels file. `count`: items it labels. `chosen`: not drawn at random."""

    blob: str
    count: int
    chosen: bool


def stored_items(items: store.Items, class_names: Sequence[str] = ()) -> StoredItems:
    """Put an items file.

    Raises:
        ValidationError: there is no item, or a class or an id comes twice.
    """
    if not items.ids:
        raise ValidationError("A dataset needs at least one item.")
    if len(set(items.ids)) < len(items.ids):
        raise ValidationError("An item id comes more than once.")
    if len(set(class_names)) < len(class_names):
        raise ValidationError("A class is declared more than once.")
    return StoredItems(
        blob=store.write_items(items),
        ids=tuple(items.ids),
        class_names=tuple(class_names),
        has_text=items.texts is not None and any(items.texts),
        has_images=items.images is not None and any(items.images),
        slice_names=tuple(items.slices),
    )


def make_dataset(*, user: User | None, team: Team, name: str, description: str = "") -> Dataset:
    """A new dataset without versions. Raises ValidationError for a bad name.

    IntegrityError: the name is taken.
    """
    dataset = Dataset(
        team=team,
        created_by=user,
        name=name.strip(),
        slug=new_slug(name),
        description=description,
    )
    check_dataset(dataset)
    dataset.save()
    audit(user=user, team=team, action="dataset.created", target=dataset)
    return dataset


def check_dataset(dataset: Dataset) -> None:
    """Raise ValidationError for a field that is wrong, or a name with characters that hide in it."""
    if dataset.name and (fault := name_fault(dataset.name)):
        raise ValidationError({"name": f"The name {fault}."})
    dataset.full_clean(validate_constraints=False)


def make_version(*, user: User | None, dataset: Dataset, items: StoredItems) -> DatasetVersion:
    """The next version of a dataset."""
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    last = dataset.versions.aggregate(last=Max("number"))["last"] or 0
    version = DatasetVersion.objects.create(
        team=dataset.team,
        created_by=user,
        dataset=dataset,
        number=last + 1,
        item_count=len(items.ids),
        items_blob=items.blob,
        class_names=list(items.class_names),
        has_text=items.has_text,
        has_images=items.has_images,
        slice_names=list(items.slice_names),
    )
    audit(
        user=user,
        team=dataset.team,
        action="version.created",
        target=version,
        items=version.item_count,
    )
    return version


def stored_predictions(
    *,
    model_names: Sequence[str],
    class_names: Sequence[str],
    predictions: NDArray[Any],
    probabilities: NDArray[np.float32] | None,
) -> StoredPredictions:
    """Put a predictions file of class indices [n_models, n_items], -1 = not run."""
    return StoredPredictions(
        blob=store.write_predictions(model_names, predictions, probabilities),
        model_names=tuple(model_names),
        class_names=tuple(class_names),
        answered=tuple(int(count) for count in (predictions >= 0).sum(axis=1)),
    )


def already_there(version: DatasetVersion, model_names: Sequence[str]) -> str | None:
    """A sentence that says which of these models have predictions on the version already; else None."""
    wanted = {name.lower() for name in model_names}
    held = ModelOutput.objects.filter(version=version).values_list("model__name", flat=True)
    found = sorted(name for name in held if name.lower() in wanted)
    if not found:
        return None
    if len(found) == len(wanted):
        whole = "the model" if len(wanted) == 1 else f"all {len(wanted):,} models"
        return f"The predictions of {whole} in this file are on {version} already."
    names = ", ".join(f"`{name}`" for name in found[:SHOWN_NAMES])
    left = len(found) - SHOWN_NAMES
    more = f" and {left:,} more" if left > 0 else ""
    return (
        f"{names}{more} {'has' if len(found) == 1 else 'have'} predictions on {version} already; "
        "take them out of the file, or delete the earlier ones first."
    )


def twins(model_names: Sequence[str]) -> str | None:
    """A sentence about two model names that differ only in case; None where there are none."""
    seen: dict[str, str] = {}
    for name in model_names:
        other = seen.setdefault(name.lower(), name)
        if other is not name:
            return f"The models `{other}` and `{name}` differ only in case; rename one of them."
    return None


def candidates(*, user: User | None, team: Team, names: Sequence[str]) -> dict[str, CandidateModel]:
    """The team's models of these names (in any case), by the name asked for; new ones are made."""
    held = {model.name.lower(): model for model in CandidateModel.objects.filter(team=team)}
    new = [
        CandidateModel(team=team, created_by=user, name=name, slug=new_slug(name))
        for name in names
        if name.lower() not in held
    ]
    CandidateModel.objects.bulk_create(new, batch_size=500)
    held.update((model.name.lower(), model) for model in new)
    return {name: held[name.lower()] for name in names}


def known_otherwise(*, team: Team, names: Sequence[str]) -> str:
    """A sentence on names that the team's models have in another case; empty where there are none."""
    held = CandidateModel.objects.filter(team=team).values_list("name", flat=True)
    other = {name.lower(): name for name in held}
    pairs = [(name, other.get(name.lower(), name)) for name in names]
    changed = [f"`{name}` as `{known}`" for name, known in pairs if name != known]
    if not changed:
        return ""
    left = len(changed) - SHOWN_NAMES
    more = f" and {left:,} more" if left > 0 else ""
    return f" Names differ only in case from models you have: {', '.join(changed[:SHOWN_NAMES])}{more}."


def record_predictions(
    *,
    user: User | None,
    version: DatasetVersion,
    stored: StoredPredictions,
    upload: Upload | None = None,
) -> PredictionBatch:
    """Name a predictions file. The caller has asked `already_there`; a race ends in IntegrityError."""
    models = candidates(user=user, team=version.team, names=stored.model_names)
    batch = PredictionBatch.objects.create(
        team=version.team,
        created_by=user,
        version=version,
        upload=upload,
        blob=stored.blob,
        class_names=list(stored.class_names),
    )
    ModelOutput.objects.bulk_create(
        [
            ModelOutput(
                version=version, model=models[name], batch=batch, column=name, answered=answered
            )
            for name, answered in zip(stored.model_names, stored.answered, strict=True)
        ],
        batch_size=500,
    )
    audit(
        user=user,
        team=version.team,
        action="predictions.added",
        target=version,
        models=len(models),
        blob=batch.blob,
    )
    return batch


def record_labels(
    *,
    user: User | None,
    version: DatasetVersion,
    stored: StoredLabels,
    upload: Upload | None = None,
) -> LabelBatch:
    """Name a labels file. The caller has made sure that no label disagrees with a stored one."""
    batch = LabelBatch.objects.create(
        team=version.team,
        created_by=user,
        version=version,
        upload=upload,
        blob=stored.blob,
        count=stored.count,
        chosen=stored.chosen,
    )
    audit(
        user=user,
        team=version.team,
        action="labels.added",
        target=version,
        labels=batch.count,
        chosen=batch.chosen,
        blob=batch.blob,
    )
    return batch
