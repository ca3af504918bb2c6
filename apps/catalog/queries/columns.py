"""A version's predictions, labels and slices as columns that are looked into by position.

For what needs a few models of a version, however many items it has: `predictions_of` reads all models
and the ids of all items. Every column is kept on this machine by the hash of what it was read from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.catalog import store
from apps.catalog.models import DatasetVersion, LabelBatch, ModelOutput
from apps.catalog.queries.versions import classes_named
from apps.catalog.tables import NOT_LABELLED, NOT_RUN
from apps.core import derived

Codes = NDArray[Any]
"""Small whole numbers [n_items] (int16 where that holds them), -1 where there is none."""


@dataclass(frozen=True)
class Slice:
    """Values of a slice column by `codes` [n_items], an index into `values` or -1."""

    codes: Codes
    values: tuple[str, ...]


@dataclass(frozen=True)
class Columns:
    """The columns of a version as it stands. `held`: blob, column and its classes, by model name."""

    version: DatasetVersion
    held: dict[str, tuple[str, str, tuple[str, ...]]]
    batches: tuple[LabelBatch, ...]

    @property
    def models(self) -> list[str]:
        """The models with predictions, by name in any case."""
        return sorted(self.held, key=lambda name: (name.lower(), name))

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """What the codes of answers and labels count: the classes of `predictions_of`."""
        named = [classes for _, _, classes in self.held.values()]
        return classes_named(self.version, named, self.batches)

    def answers(self, model: str) -> Codes:
        """What a model said, [n_items]; -1 where it was not run."""
        blob, column, named = self.held[model]

        def read() -> Codes:
            codes, _ = store.read_predictions(blob, [column])
            code = {name: index for index, name in enumerate(self.classes)}
            # One entry more, so that the index -1 stays -1.
            recode = np.array([*(code[name] for name in named), NOT_RUN], self._kind)
            return np.asarray(recode[codes[0]])

        return derived.array(["answers", blob, column, self.classes], read)

    def stated(self, model: str) -> NDArray[np.float32] | None:
        """How sure a model said it was, [n_items], NaN where it did not; None where it never did."""
        blob, column, _ = self.held[model]

        def read() -> NDArray[np.float32]:
            sure = store.read_predictions(blob, [column])[1]
            return np.empty(0, np.float32) if sure is None else sure[0]

        found = derived.array(["stated", blob, column], read)
        return found if found.size else None

    @property
    def labels(self) -> Codes:
        """The label of each item, [n_items]; -1 where it has none."""
        return derived.array(["labels", *self.label_key], self._read_labels)

    @property
    def chosen_labels(self) -> int:
        """How many labelled items have only labels that were chosen to tell candidates apart."""
        if not any(batch.chosen for batch in self.batches):
            return 0
        return int(derived.document(["chosen", *self.label_key], self._count_chosen))

    @property
    def label_key(self) -> list[Any]:
        """What the labels follow from."""
        batches = sorted([batch.blob, batch.chosen] for batch in self.batches)
        return [self.version.items_blob, self.classes, batches]

    def slice(self, name: str) -> Slice:
        """A slice column of the version."""
        key = [self.version.items_blob, name]
        values = derived.document(
            ["slice values", *key], lambda: store.read_slice(self.version.items_blob, name)[1]
        )
        codes = derived.array(
            ["slice codes", *key], lambda: store.read_slice(self.version.items_blob, name)[0]
        )
        return Slice(codes, tuple(values))

    @property
    def _kind(self) -> type[np.signedinteger[Any]]:
        return np.int16 if len(self.classes) <= np.iinfo(np.int16).max else np.int32

    def _read_labels(self) -> Codes:
        labels = np.full(self.version.item_count, NOT_LABELLED, self._kind)
        for batch in self.batches:
            labels[self._places(batch)] = store.read_label_codes(batch.blob, self.classes)
        return labels

    def _count_chosen(self) -> int:
        drawn, labelled = np.zeros((2, self.version.item_count), bool)
        for batch in self.batches:
            places = self._places(batch)
            labelled[places] = True
            if not batch.chosen:
                drawn[places] = True
        return int((labelled & ~drawn).sum())

    def _places(self, batch: LabelBatch) -> Codes:
        items = self.version.items_blob
        return derived.array(
            ["places", items, batch.blob], lambda: store.label_places(items, batch.blob)
        )


def columns_of(version: DatasetVersion) -> Columns:
    """The columns of a version: models with predictions, and the labels that are not withdrawn."""
    batches = {
        pk: (blob, tuple(classes))
        for pk, blob, classes in version.prediction_batches.values_list("pk", "blob", "class_names")
    }
    outputs = ModelOutput.objects.filter(version=version)
    held = {
        name: (batches[batch][0], column, batches[batch][1])
        for name, batch, column in outputs.values_list("model__name", "batch_id", "column")
    }
    labels = version.label_batches.filter(withdrawn_at__isnull=True)
    return Columns(version, held, tuple(labels))


def find_items(
    version: DatasetVersion, text: str, *, among: Sequence[int] | NDArray[Any], within: float
) -> tuple[list[int], int]:
    """Items whose id or text holds `text` in any case, of those at the rising places `among`.

    The search goes on for about `within` seconds. Returns the places found, and how many of `among`
    were looked at: a search that did not come to the end goes on from there.
    """
    return store.find_items(
        version.items_blob, text, among=np.asarray(among), within=within, texts=version.has_text
    )
