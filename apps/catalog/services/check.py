"""Checking uploads whole: every file is read against what it is for, and put as a file of the catalog."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from apps.catalog import store
from apps.catalog.models import Upload
from apps.catalog.queries import item_ids_of
from apps.catalog.readers import (
    FileProblem,
    LabelData,
    Mapping,
    ModelRow,
    Problem,
    ReadingStopped,
    read_items,
    read_labels,
    read_outcomes,
    read_predictions,
)
from apps.catalog.services.models_file import model_rows
from apps.catalog.services.outcomes import StoredOutcomes, put_outcomes
from apps.catalog.services.records import (
    StoredItems,
    StoredLabels,
    StoredPredictions,
    stored_items,
    stored_predictions,
    twins,
)
from apps.core import files
from apps.jobs.context import JobContext


class Rejected(Exception):
    """One file of the group cannot be taken over."""

    def __init__(self, upload: Upload, problem: FileProblem) -> None:
        super().__init__(str(problem))
        self.upload = upload
        self.problem = problem

    @classmethod
    def because(cls, upload: Upload, *sentences: str) -> "Rejected":
        return cls(upload, FileProblem(upload.filename, [Problem(one) for one in sentences]))


@dataclass
class Plan:
    """What was read, ready to be named by rows."""

    items: tuple[Upload, StoredItems] | None = None
    predictions: tuple[Upload, StoredPredictions] | None = None
    labels: tuple[Upload, LabelData, StoredLabels] | None = None
    outcomes: tuple[Upload, StoredOutcomes] | None = None
    models: tuple[Upload, list[ModelRow]] | None = None


def read_all(ctx: JobContext, group: list[Upload]) -> Plan:
    """Read and check every file; later ones are held against the items that earlier ones bring.

    Raises:
        Rejected: a file has problems.
    """
    plan = Plan()
    version = group[0].version
    ids = item_ids_of(version) if version and group[0].purpose != Upload.Purpose.ITEMS else None
    classes = tuple(version.class_names) if version else _declared(group)
    total, before = sum(upload.size for upload in group), 0
    for upload in group:
        read = _Reading(ctx, upload, ids, classes or None, before, total)
        try:
            with files.local_path(upload.blob) as path:
                ids = _read_one(plan, read, path)
        except FileProblem as problem:
            raise Rejected(upload, problem) from problem
        except ReadingStopped:
            ctx.raise_if_stopped()
            raise
        before += upload.size
    ctx.progress(total, total, "Writing")
    return plan


def _declared(group: list[Upload]) -> tuple[str, ...]:
    return tuple(name for upload in group for name in upload.mapping.get("class_names", []))


@dataclass(frozen=True)
class _Reading:
    """One file being read: for whom, against which items and classes, and how far the group is."""

    ctx: JobContext
    upload: Upload
    ids: tuple[str, ...] | None
    classes: tuple[str, ...] | None
    before: int
    total: int

    @property
    def mapping(self) -> Mapping:
        try:
            return Mapping.from_dict(self.upload.mapping)
        except ValueError as error:
            raise FileProblem(self.upload.filename, [Problem(str(error))]) from error

    def progress(self, done: int, total: int) -> None:
        share = done / total if total else 1.0
        at = min(self.before + int(share * self.upload.size), self.total - 1)
        self.ctx.progress(at, self.total, f"Checking {self.upload.filename}")

    @property
    def listening(self) -> dict[str, Callable[..., Any]]:
        return {"progress": self.progress, "should_stop": self.ctx.should_stop}


def _read_one(plan: Plan, read: _Reading, path: Path) -> tuple[str, ...] | None:
    """Read one file into the plan; returns the item ids that the next one is held against."""
    purposes: dict[str, Callable[[Plan, _Reading, Path], tuple[str, ...] | None]] = {
        Upload.Purpose.ITEMS: _read_items,
        Upload.Purpose.PREDICTIONS: _read_predictions,
        Upload.Purpose.LABELS: _read_labels,
        Upload.Purpose.OUTCOMES: _read_outcomes,
        Upload.Purpose.MODELS: _read_models,
    }
    return purposes[read.upload.purpose](plan, read, path)


def _read_items(plan: Plan, read: _Reading, path: Path) -> tuple[str, ...]:
    data = read_items(path, read.mapping, name=read.upload.filename, **read.listening)
    items = store.Items(data.item_ids, data.texts, data.images, dict(data.slices))
    plan.items = read.upload, _stored_items(read, items)
    return data.item_ids


def _read_predictions(plan: Plan, read: _Reading, path: Path) -> tuple[str, ...]:
    data = read_predictions(
        path,
        read.mapping,
        name=read.upload.filename,
        known_items=read.ids,
        known_classes=read.classes,
        **read.listening,
    )
    if fault := twins(data.model_names):
        raise FileProblem(read.upload.filename, [Problem(fault)])
    if read.ids is None:
        items = store.Items(data.item_ids)
        plan.items = read.upload, _stored_items(read, items)
    plan.predictions = (
        read.upload,
        stored_predictions(
            model_names=data.model_names,
            class_names=data.class_names,
            predictions=data.predictions,
            probabilities=data.probabilities,
        ),
    )
    return data.item_ids


def _read_labels(plan: Plan, read: _Reading, path: Path) -> tuple[str, ...] | None:
    data = read_labels(
        path,
        read.mapping,
        name=read.upload.filename,
        known_items=read.ids,
        known_classes=read.classes,
        **read.listening,
    )
    stored = StoredLabels(
        blob=store.write_labels(data.item_ids, data.labels, data.annotators),
        count=len(set(data.item_ids)),
        chosen=bool(read.upload.mapping.get("chosen")),
    )
    plan.labels = read.upload, data, stored
    return read.ids


def _read_outcomes(plan: Plan, read: _Reading, path: Path) -> tuple[str, ...]:
    """Outcomes on the version's prompts; without a version the prompts are its items."""
    upload = read.upload
    table = read_outcomes(
        path, read.mapping, name=upload.filename, known_items=read.ids, **read.listening
    )
    ids = read.ids or table.prompt_ids
    if read.ids is None:
        items = store.Items(table.prompt_ids, table.prompts, slices=dict(table.groups))
        plan.items = upload, _stored_items(read, items)
    texts = (
        plan.items[1].has_text if plan.items else bool(upload.version and upload.version.has_text)
    )
    try:
        plan.outcomes = upload, put_outcomes(ids, table, texts=texts)
    except ValidationError as error:
        raise Rejected.because(upload, *error.messages) from error
    return ids


def _read_models(plan: Plan, read: _Reading, path: Path) -> None:
    plan.models = read.upload, model_rows(path, name=read.upload.filename)


def _stored_items(read: _Reading, items: store.Items) -> StoredItems:
    try:
        return stored_items(items, read.classes or ())
    except ValidationError as error:
        raise Rejected.because(read.upload, *error.messages) from error
