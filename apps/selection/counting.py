"""What makes a model good in a session: checked when it starts, and as the numbers need it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError

from apps.catalog import queries as catalog
from apps.catalog.cache import RecentlyUsed
from apps.catalog.models import DatasetVersion
from apps.catalog.readers.problems import shown
from apps.catalog.tables import NOT_RUN, Classes, Mask, PredictionTable
from apps.selection.methods.base import Indices
from apps.selection.metrics.credit import Credit
from apps.selection.metrics.scores import ACCURACY, CREDIT, MACRO_F1, WORST_CLASS, Score
from apps.selection.models import SelectionSession

Metric = SelectionSession.Metric

MAX_CLASSES = 50
"""More classes than a matrix is filled in for."""

_NEEDS = {
    Metric.SLICE: ("column", "value"),
    Metric.RECALL: ("class",),
    Metric.COST: ("matrix",),
    Metric.CREDIT: ("matrix",),
}

_ASKED = {
    Metric.ACCURACY: "",
    Metric.SLICE: "Only items of the slice are asked for, by the usual method.",
    Metric.COST: "Items are asked for where the models disagree, as for accuracy; the model named is the "
    "cheapest by the labels and by guesses at the others.",
    Metric.CREDIT: "Items are asked for where the models disagree about answers that earn differently; the "
    "model named is the best by the labels and by guesses at the others.",
    Metric.RECALL: "Items are asked for where some models say the class and others do not.",
    Metric.MACRO_F1: "Items are asked for as for accuracy, which finds the best macro-F1 sooner than "
    "drawing them does.",
    Metric.WORST_CLASS: "Items are asked for as for accuracy, which finds the best worst class sooner than "
    "drawing them does.",
}


@dataclass(frozen=True, eq=False)
class Counting:
    """What counts, for one table of predictions.

    Attributes:
        metric: as chosen.
        score: what a model is judged by.
        items: the items that count, ascending; None for all.
        name: the score in a few words, as in "best by ...".
        column: the head of its column.
        asked: which items are asked for, in a sentence; empty for the ordinary way.
        costs: lowest and highest entry of a cost matrix; None otherwise.
    """

    metric: str
    score: Score
    items: Indices | None
    name: str
    column: str
    asked: str
    costs: tuple[float, float] | None = None

    @property
    def plain(self) -> bool:
        """Whether a right answer counts one and a wrong one nothing."""
        return self.score.name == ACCURACY

    def part(self, table: PredictionTable) -> PredictionTable:
        """The items that count."""
        return table if self.items is None else table.subset(items=self.items)

    def asking(self, part: PredictionTable) -> tuple[PredictionTable, Classes]:
        """What the method is shown of `part`: answers that earn alike are one class; and the class
        of each label there, [n_classes]."""
        credit = self.score.credit
        if credit is None:
            return part, np.arange(len(part.class_names), dtype=np.int32)
        kinds = np.where(part.predictions == NOT_RUN, NOT_RUN, credit.kinds(part.predictions))
        table = PredictionTable.of(
            item_ids=part.item_ids,
            model_names=part.model_names,
            class_names=[f"kind {kind}" for kind in range(credit.earned.shape[1])],
            predictions=kinds,
            probabilities=part.probabilities,
        )
        return table, credit.kind[:-1]

    def disputed(self, table: PredictionTable) -> Mask:
        """bool [n_items], whether a label of the item can tell models apart that were run on it."""
        votes, credit = table.predictions, self.score.credit
        ran = votes != NOT_RUN
        answers = votes if credit is None else credit.kinds(votes)
        highest = np.where(ran, answers, NOT_RUN).max(axis=0)
        lowest = np.where(ran, answers, np.iinfo(np.int32).max).min(axis=0)
        found = np.asarray((highest > lowest) & (highest != NOT_RUN))
        return found & self.inside(table.n_items)

    def inside(self, n_items: int) -> Mask:
        """bool [n_items], the items that count."""
        found = np.full(n_items, self.items is None)
        if self.items is not None:
            found[self.items] = True
        return found

    def text(self, score: float) -> str:
        """A score as a page shows it: percent, or the mean cost of an item."""
        if self.costs is None:
            return f"{score * 100:.1f}%"
        low, high = self.costs
        return f"{high - score * (high - low):.3g}"

    def difference(self, delta: float) -> str:
        """A difference of scores in words: "1 point", or an amount of cost."""
        if self.costs is not None:
            return f"a mean cost of {delta * (self.costs[1] - self.costs[0]):.3g}"
        points = delta * 100
        return f"{points:g} {'point' if round(points, 9) == 1 else 'points'}"


_held: RecentlyUsed[Counting] = RecentlyUsed(32 << 20, lambda one: 64 + _size(one))


def counting_of(session: SelectionSession, table: PredictionTable) -> Counting:
    """What counts in a session.

    Raises:
        ValueError: the class or the slice that it asks for is gone.
    """
    version = session.version
    options = json.dumps(session.metric_options, sort_keys=True)
    key = (version.items_blob, session.metric, options, table.class_names)
    return _held.get(
        key, lambda: _made(session.metric, session.metric_options, version, table.class_names)
    )


def checked_options(
    metric: str, options: dict[str, Any], version: DatasetVersion, table: PredictionTable
) -> dict[str, Any]:
    """The options of a metric, as they are stored.

    Raises:
        ValidationError: an unknown metric, or options that do not fit it, by field.
    """
    if metric not in Metric.values:
        known = ", ".join(Metric.values)
        raise ValidationError(
            {"metric": f"There is no score `{shown(metric)}`; there are {known}."}
        )
    if not isinstance(options, dict):
        raise ValidationError({"metric_options": "Give the options as names and values."})
    needed = _NEEDS.get(Metric(metric), ())
    missing = [name for name in needed if options.get(name) in (None, "", [])]
    if missing:
        raise ValidationError(
            {"metric_options": f"{Metric(metric).label} needs {' and '.join(missing)}."}
        )
    kept = {name: options[name] for name in needed}
    if "matrix" in kept:
        if len(table.class_names) > MAX_CLASSES:
            raise ValidationError(
                {
                    "metric_options": f"A matrix is taken for up to {MAX_CLASSES} classes; {version} "
                    f"has {len(table.class_names):,}."
                }
            )
        kept["classes"] = list(table.class_names)
    try:
        counting = _made(metric, kept, version, table.class_names)
    except ValueError as error:
        raise ValidationError({"metric_options": str(error)}) from error
    if "matrix" in kept:
        kept["matrix"] = np.asarray(kept["matrix"], dtype=float).tolist()
    if not counting.disputed(table).any():
        raise ValidationError(
            {
                "metric_options": f"By {counting.name} the models give the same answers to every item: "
                "no label can tell them apart."
            }
        )
    return kept


def _made(
    metric: str, options: dict[str, Any], version: DatasetVersion, classes: tuple[str, ...]
) -> Counting:
    asked = _ASKED[Metric(metric)]
    if metric == Metric.SLICE:
        column, value = str(options["column"]), str(options["value"])
        items = _slice(version, column, value)
        name = f"accuracy where {column} is {value}"
        return Counting(metric, Score(), items, name, "Accuracy in the slice", asked)
    if metric == Metric.RECALL:
        wanted = str(options["class"])
        if wanted not in classes:
            raise ValueError(
                f"There is no class `{shown(wanted)}`; there are {', '.join(classes[:10])}"
                f"{f' and {len(classes) - 10:,} more' if len(classes) > 10 else ''}."
            )
        credit = Credit.of_class(len(classes), classes.index(wanted))
        name = f"recall of {wanted}"
        return Counting(metric, Score(CREDIT, credit), None, name, f"Recall of {wanted}", asked)
    if metric in (Metric.COST, Metric.CREDIT):
        matrix = _by_class(options, classes, worst=metric == Metric.COST)
        if metric == Metric.CREDIT:
            credit = Credit.of(matrix)
            return Counting(
                metric, Score(CREDIT, credit), None, "graded score", "Graded score", asked
            )
        credit = Credit.of_costs(matrix)
        entries = np.asarray(matrix, dtype=float)
        costs = (float(entries.min()), float(entries.max()))
        return Counting(
            metric,
            Score(CREDIT, credit),
            None,
            "expected cost",
            "Mean cost of an item",
            asked,
            costs,
        )
    if metric == Metric.MACRO_F1:
        return Counting(metric, Score(MACRO_F1), None, "macro-F1", "Macro-F1", asked)
    if metric == Metric.WORST_CLASS:
        return Counting(
            metric, Score(WORST_CLASS), None, "recall of its worst class", "Lowest recall", asked
        )
    return Counting(metric, Score(), None, "accuracy", "Accuracy on all items", asked)


def _slice(version: DatasetVersion, column: str, value: str) -> Indices:
    columns = version.slice_names
    if column not in columns:
        there = f"there are {', '.join(columns)}" if columns else "it has none"
        raise ValueError(f"{version} has no slice column `{shown(column)}`; {there}.")
    values = catalog.slices_of(version)[column]
    items = np.flatnonzero(values == value)
    if not len(items):
        there = ", ".join(sorted(set(values.tolist()) - {""})[:10])
        raise ValueError(f"No item has `{shown(value)}` as its {column}; there are {there}.")
    return items


def _by_class(options: dict[str, Any], classes: tuple[str, ...], *, worst: bool) -> Any:
    """The matrix in the order of the classes there are now; a class that came later earns nothing
    beside itself (or costs the most)."""
    matrix = options["matrix"]
    held = tuple(options.get("classes", classes))
    if held == classes:
        try:
            rows, widths = len(matrix), {len(row) for row in matrix}
        except TypeError as error:
            raise ValueError("The matrix must be rows of numbers.") from error
        if rows != len(classes) or widths != {len(classes)}:
            raise ValueError(
                f"The matrix must have {len(classes)} rows of {len(classes)} numbers, one for each of "
                f"{', '.join(classes)}: rows are true classes, columns predicted ones."
            )
        return matrix
    values = np.asarray(matrix, dtype=float)
    right, wrong = (values.min(), values.max()) if worst else (1.0, 0.0)
    found = np.where(np.eye(len(classes), dtype=bool), right, wrong)
    both = [name for name in classes if name in held]
    new, old = [classes.index(name) for name in both], [held.index(name) for name in both]
    found[np.ix_(new, new)] = values[np.ix_(old, old)]
    return found


def _size(counting: Counting) -> int:
    credit = counting.score.credit
    held = 0 if counting.items is None else counting.items.nbytes
    return held + (0 if credit is None else credit.earned.nbytes + credit.kind.nbytes)
