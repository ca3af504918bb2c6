"""A collection: predictions of many models on items whose labels are all known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from apps.catalog.readers import PredictionData, read_labels, read_predictions, sniff
from apps.catalog.tables import NOT_LABELLED, NOT_RUN, Classes, PredictionTable

_TABLES = (".csv", ".tsv", ".parquet", ".jsonl")


@dataclass(frozen=True, eq=False)
class Collection:
    """Predictions and the labels of all items.

    Attributes:
        name: what it is called in reports.
        table: the predictions; every model was run on every item.
        labels: int32 [n_items].
        left_out: items that had no label, or on which some model was not run.
    """

    name: str
    table: PredictionTable
    labels: Classes
    left_out: int = 0

    @classmethod
    def of(
        cls,
        name: str,
        table: PredictionTable,
        labels: Classes,
        *,
        exclude_models: Sequence[str] = (),
    ) -> Collection:
        """Without the excluded models; then only items with a label and an answer of every model.

        Raises:
            ValueError: an excluded model is not there, or fewer than two models or no item remain.
        """
        truth = table.checked_labels(labels)
        for model in exclude_models:
            if model not in table.model_names:
                raise ValueError(f"There is no model `{model}` to leave out in {name}.")
        models = [j for j, model in enumerate(table.model_names) if model not in exclude_models]
        if len(models) < 2:
            raise ValueError(f"{name}: a comparison needs at least two models.")
        answered = (table.predictions[models] != NOT_RUN).all(axis=0)
        items = np.flatnonzero(answered & (truth != NOT_LABELLED))
        if not len(items):
            raise ValueError(f"{name}: there is no item with a label that every model answered.")
        return cls(
            name,
            table.subset(items=items, models=models),
            truth[items],
            left_out=table.n_items - len(items),
        )

    def in_order(self) -> Collection:
        """The same with models, items and classes by name, so that no file's order decides a draw."""
        table, classes = self.table, _by_name(self.table.class_names)
        items, models = _by_name(table.item_ids), _by_name(table.model_names)
        # One entry more, so that the index -1 stays -1.
        recode = np.full(len(classes) + 1, -1, np.int32)
        recode[classes] = np.arange(len(classes))
        ordered = PredictionTable.of(
            item_ids=table.item_ids,
            model_names=table.model_names,
            class_names=[table.class_names[place] for place in classes],
            predictions=recode[table.predictions],
            probabilities=table.probabilities,
        ).subset(items=items, models=models)
        return Collection(self.name, ordered, recode[self.labels[items]], self.left_out)


def read_collection(folder: Path, *, exclude_models: Sequence[str] = ()) -> Collection:
    """Read `predictions.npz` with labels, or `predictions.*` and `labels.*` as a table each.

    Tables are CSV, TSV, JSON Lines or Parquet, as everywhere in the product; columns are guessed.

    Raises:
        FileProblem: a file cannot be read as what it should be.
        ValueError: no such files, an item with two different labels, or see `Collection.of`.
    """
    predictions = _file(folder, "predictions", (".npz", *_TABLES))
    labels = predictions if predictions.suffix == ".npz" else _file(folder, "labels", _TABLES)
    guessed = sniff(predictions, purpose="predictions", name=predictions.name)
    data = read_predictions(predictions, guessed.mapping, name=predictions.name)
    table, truth = _joined(data, labels)
    return Collection.of(folder.resolve().name, table, truth, exclude_models=exclude_models)


def _by_name(names: Sequence[str]) -> list[int]:
    """The places of names in their order: by number where all are numbers."""
    if all(name.isascii() and name.isdigit() for name in names):
        return sorted(range(len(names)), key=lambda place: (int(names[place]), names[place]))
    return sorted(range(len(names)), key=lambda place: names[place])


def _file(folder: Path, stem: str, suffixes: Sequence[str]) -> Path:
    # A packed file is found too, so that whoever opens it says what is to be done.
    for suffix in (*suffixes, *(f"{suffix}.gz" for suffix in suffixes)):
        if (path := folder / f"{stem}{suffix}").is_file():
            return path
    raise ValueError(f"{folder} has none of {', '.join(stem + suffix for suffix in suffixes)}.")


def _joined(data: PredictionData, path: Path) -> tuple[PredictionTable, Classes]:
    """The table with the classes of the labels added, and the labels [n_items], -1 where none."""
    mapping = sniff(path, purpose="labels", name=path.name).mapping
    given = read_labels(path, mapping, name=path.name, known_items=data.item_ids)
    classes = list(dict.fromkeys((*data.class_names, *given.labels)))
    code = {name: index for index, name in enumerate(classes)}
    place = {item: index for index, item in enumerate(data.item_ids)}
    truth = np.full(len(data.item_ids), NOT_LABELLED, dtype=np.int32)
    for item, label in zip(given.item_ids, given.labels, strict=True):
        index = place[item]
        if truth[index] not in (NOT_LABELLED, code[label]):
            raise ValueError(
                f"Item `{item}` has two labels in {path.name}, `{classes[truth[index]]}` and "
                f"`{label}`; a replay needs one."
            )
        truth[index] = code[label]
    table = PredictionTable.of(
        item_ids=data.item_ids,
        model_names=data.model_names,
        class_names=classes,
        predictions=data.predictions,
        probabilities=data.probabilities,
    )
    return table, truth
