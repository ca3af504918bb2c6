"""What a dataset version holds, as tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from apps.catalog import store
from apps.catalog.cache import RecentlyUsed
from apps.catalog.models import CandidateModel, DatasetVersion, LabelBatch, ModelOutput
from apps.catalog.queries.prices import quotes_of
from apps.catalog.tables import NOT_LABELLED, NOT_RUN, PredictionTable

_CACHE_BYTES = 128 << 20  # a table of 1,000 models x 10,000 items takes 40 MB
_ID_BYTES = 64  # about what a short text costs Python


@dataclass(frozen=True)
class LabelState:
    """The labels of a version, all batches that are not withdrawn taken together.

    Attributes:
        labels: int32 [n_items], an index into the class names asked with; -1 = not labelled.
        chosen: bool [n_items], true where every label of the item was chosen to tell candidates
            apart and none was drawn at random: plain statistics over such labels mislead.
        count: number of labelled items.
        since: [n_items], when the first label of the item came, in seconds of Unix time; NaN without
            one.
    """

    labels: NDArray[np.int32]
    chosen: NDArray[np.bool_]
    count: int
    since: NDArray[np.float64]


@dataclass(frozen=True)
class ItemView:
    """One item as a page shows it; `image` holds PNG bytes."""

    index: int
    id: str
    text: str | None
    image: bytes | None
    slices: dict[str, str]


def _table_bytes(table: PredictionTable) -> int:
    stated = 0 if table.probabilities is None else table.probabilities.nbytes
    return table.predictions.nbytes + stated + _ID_BYTES * table.n_items


_tables: RecentlyUsed[PredictionTable] = RecentlyUsed(_CACHE_BYTES, _table_bytes)
_ids: RecentlyUsed[tuple[str, ...]] = RecentlyUsed(
    _CACHE_BYTES // 4, lambda ids: _ID_BYTES * len(ids)
)
_labels: RecentlyUsed[tuple[list[str], list[str]]] = RecentlyUsed(
    _CACHE_BYTES // 4, lambda pair: 2 * _ID_BYTES * len(pair[0])
)
_label_names: RecentlyUsed[list[str]] = RecentlyUsed(
    _CACHE_BYTES // 16, lambda names: _ID_BYTES * len(names)
)


def item_ids_of(version: DatasetVersion) -> tuple[str, ...]:
    """The item ids, in the order that every array of the version follows."""

    def read() -> tuple[str, ...]:
        columns = store.read_item_columns(version.items_blob, [store.ITEM_ID])
        return tuple(columns[store.ITEM_ID])

    return _ids.get(version.items_blob, read)


def predictions_of(version: DatasetVersion) -> PredictionTable:
    """All candidates' predictions on a version: models by name, in any case; items in its order.

    The classes are the declared ones, or else those of all predictions and labels.

    Raises:
        ValueError: the version has no predictions.
    """
    # Batches by themselves: their class names would be parsed once per model otherwise.
    held = {
        batch.pk: (batch.blob, tuple(batch.class_names))
        for batch in version.prediction_batches.all()
    }
    rows = ModelOutput.objects.filter(version=version)
    outputs = [
        (held[batch][0], column, name, held[batch][1])
        for batch, column, name in rows.values_list("batch_id", "column", "model__name")
    ]
    if not outputs:
        raise ValueError(f"{version} has no predictions yet: upload a file of them.")
    outputs.sort(key=lambda output: (output[2].lower(), output[2]))
    batches = _live_labels(version)
    classes = classes_named(version, [output[3] for output in outputs], batches)
    key = (version.items_blob, tuple(outputs), classes)
    return _tables.get(key, lambda: _load_table(item_ids_of(version), outputs, classes))


def _load_table(
    item_ids: tuple[str, ...],
    outputs: Sequence[tuple[str, str, str, tuple[str, ...]]],
    classes: tuple[str, ...],
) -> PredictionTable:
    matrix = np.full((len(outputs), len(item_ids)), NOT_RUN, np.int32)
    stated: NDArray[np.float32] | None = None
    code = {name: index for index, name in enumerate(classes)}
    by_blob: dict[str, list[int]] = {}
    for place, (blob, *_) in enumerate(outputs):
        by_blob.setdefault(blob, []).append(place)
    for blob, places in by_blob.items():
        codes, sure = store.read_predictions(blob, [outputs[place][1] for place in places])
        # One entry more, so that the index -1 stays -1.
        recode = np.array([*(code[name] for name in outputs[places[0]][3]), NOT_RUN], np.int32)
        matrix[places] = recode[codes]
        if sure is not None:
            if stated is None:
                stated = np.full(matrix.shape, np.nan, np.float32)
            stated[places] = sure
    return PredictionTable.of(
        item_ids=item_ids,
        model_names=[name for _, _, name, _ in outputs],
        class_names=classes,
        predictions=matrix,
        probabilities=stated,
    )


def classes_named(
    version: DatasetVersion, named: Sequence[tuple[str, ...]], batches: Sequence[LabelBatch]
) -> tuple[str, ...]:
    """Declared classes in their order; else all that are named: by number where all are numbers."""
    if version.class_names:
        return tuple(version.class_names)
    found = {name for names in set(named) for name in names}
    for batch in batches:
        found.update(_label_names.get(batch.blob, partial(store.label_names, batch.blob)))
    if all(name.isascii() and name.isdigit() for name in found):
        return tuple(sorted(found, key=lambda name: (int(name), name)))
    return tuple(sorted(found))


def class_names_of(version: DatasetVersion) -> tuple[str, ...]:
    """The declared classes, or else those that predictions and labels name; none where none do."""
    batches = version.prediction_batches.values_list("class_names", flat=True)
    return classes_named(version, [tuple(names) for names in batches], _live_labels(version))


def _live_labels(version: DatasetVersion) -> list[LabelBatch]:
    return list(version.label_batches.filter(withdrawn_at__isnull=True))


def _batch_labels(batch: LabelBatch) -> tuple[list[str], list[str]]:
    return _labels.get(batch.blob, lambda: store.read_labels(batch.blob))


def labels_of(version: DatasetVersion, class_names: Sequence[str]) -> LabelState:
    """The union of all label batches that are not withdrawn.

    Args:
        class_names: what the indices count, as `predictions_of(version).class_names`.

    Raises:
        ValueError: a label is not among `class_names`.
    """
    ids = item_ids_of(version)
    place = {item: index for index, item in enumerate(ids)}
    code = {name: index for index, name in enumerate(class_names)}
    labels = np.full(len(ids), NOT_LABELLED, np.int32)
    drawn = np.zeros(len(ids), bool)
    since = np.full(len(ids), np.nan)
    for batch in _live_labels(version):
        items, names = _batch_labels(batch)
        missing = set(names) - code.keys()
        if missing:
            raise ValueError(f"The label `{min(missing)}` is not one of the classes asked for.")
        places = [place[item] for item in items]
        labels[places] = [code[name] for name in names]
        since[places] = np.fmin(since[places], batch.created_at.timestamp())
        if not batch.chosen:
            drawn[places] = True
    labelled = labels != NOT_LABELLED
    return LabelState(labels, labelled & ~drawn, int(labelled.sum()), since)


def items_of(
    version: DatasetVersion, indices: Sequence[int], *, pictures: bool = True
) -> list[ItemView]:
    """Items to show, in the order asked for; for a few at a time.

    `pictures`: read them too; they are large, and a page asks for each by itself.

    Raises:
        IndexError: there is no such item.
    """
    if any(not 0 <= index < version.item_count for index in indices):
        raise IndexError(f"{version} has {version.item_count} items.")
    rows = store.read_item_rows(
        version.items_blob,
        [int(index) for index in indices],
        leave_out=() if pictures else (store.IMAGE,),
    )
    return [
        ItemView(
            index=int(index),
            id=row[store.ITEM_ID],
            text=row.get(store.TEXT),
            image=row.get(store.IMAGE),
            slices={name: row[store.SLICE + name] or "" for name in version.slice_names},
        )
        for index, row in zip(indices, rows, strict=True)
    ]


def slices_of(version: DatasetVersion) -> dict[str, NDArray[np.str_]]:
    """Per slice column its value for every item; "" where there is none."""
    names = [store.SLICE + name for name in version.slice_names]
    if not names:
        return {}
    columns = store.read_item_columns(version.items_blob, names)
    return {
        name.removeprefix(store.SLICE): np.array([value or "" for value in values])
        for name, values in columns.items()
    }


def inputs_of(version: DatasetVersion, *, on: date | None = None) -> dict[str, Any]:
    """What a result on this version rests on: content hashes, and the prices in force on a day.

    Plain JSON in a fixed order: two states of the data that agree in it give the same numbers.
    """
    outputs = ModelOutput.objects.filter(version=version)
    used = sorted(
        (list(row) for row in outputs.values_list("model__name", "batch__blob", "column")),
        key=lambda row: (row[0].lower(), row[0]),
    )
    models = CandidateModel.objects.filter(outputs__version=version)
    quotes = quotes_of(models, on=on or timezone.localdate())
    prices = [[quote.model.name, *quote.as_texts()] for quote in quotes.values()]
    labels = sorted([batch.blob, batch.chosen] for batch in _live_labels(version))
    return {
        "items": version.items_blob,
        "classes": list(version.class_names),
        "predictions": used,
        "labels": labels,
        "prices": sorted(prices),
    }


def label_times(version: DatasetVersion) -> dict[str, datetime]:
    """When the first label of each labelled item came."""
    times: dict[str, datetime] = {}
    for batch in _live_labels(version):
        times |= dict.fromkeys(set(_batch_labels(batch)[0]) - times.keys(), batch.created_at)
    return times


def stored_labels(version: DatasetVersion) -> tuple[dict[str, str], frozenset[UUID]]:
    """The label of each labelled item, and the batches that this was read from."""
    batches = _live_labels(version)
    labels: dict[str, str] = {}
    for batch in batches:
        labels.update(zip(*_batch_labels(batch), strict=True))
    return labels, frozenset(batch.pk for batch in batches)
