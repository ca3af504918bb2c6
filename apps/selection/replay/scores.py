"""Replaying by other scores than accuracy, by other alphas, and with prices.

One pass over each random pool buys labels by a method; all scores are judged on the same labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from apps.catalog.tables import NOT_LABELLED, Classes, Floats, PredictionTable
from apps.selection.methods.base import SelectionMethod
from apps.selection.methods.registry import METHODS
from apps.selection.methods.rivals import StopMeter
from apps.selection.methods.stopping import MIN_LABELS, limit, risk, should_stop
from apps.selection.metrics.credit import Credit
from apps.selection.metrics.decision import merits, odds_of
from apps.selection.metrics.money import cheapest_within
from apps.selection.metrics.scores import CREDIT, MACRO_F1, WORST_CLASS, Score

from .collection import Collection
from .run import Plan, checked

COMPARED = ("auto", "random")
"""The methods that the study of scores compares."""

ALPHAS = (0.01, 0.05, 0.1, 0.2)
AT = (25, 50, 100)
"""Labels after which the regret is noted."""

STEP = 5  # labels between two looks at a score's stop, and at the price list
WITHIN = 0.01
_ALPHA = 0.05
_ROUNDING = 1e-9


@dataclass
class Stops:
    """Labels at which a rule stopped, and whether rightly, a pool each; -1 for never."""

    labels: list[int] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)

    def add(self, labels: int, right: bool) -> None:
        """Note a pool."""
        self.labels.append(labels)
        self.right.append(right)

    @property
    def share_right(self) -> float:
        """Of the pools in which it stopped; NaN without any."""
        stopped = [
            right for labels, right in zip(self.labels, self.right, strict=True) if labels >= 0
        ]
        return float(np.mean(stopped)) if stopped else float("nan")

    @property
    def stopped(self) -> float:
        """The share of the pools in which it stopped."""
        return float(np.mean([labels >= 0 for labels in self.labels]))

    @property
    def median(self) -> int | None:
        """Median labels; None where it stopped in half of the pools or fewer."""
        if self.stopped <= 0.5:
            return None
        most = np.iinfo(np.int64).max
        ordered = sorted(labels if labels >= 0 else most for labels in self.labels)
        return ordered[len(ordered) // 2]


@dataclass
class ScoreOutcome:
    """What a replay found.

    Attributes:
        regret: by score and method, [n_realisations, len(AT)], best score minus that of the model
            named, in points.
        stops: by additive score, the calibrated rule with the labels of `auto`, within 1 point.
        alphas: by alpha and delta, the rule for accuracy with the labels of `auto`.
        cheap: the first time that a model cheaper than the leader was called within 1 point.
    """

    regret: dict[tuple[str, str], list[Floats]] = field(default_factory=dict)
    stops: dict[str, Stops] = field(default_factory=dict)
    alphas: dict[tuple[float, float], Stops] = field(default_factory=dict)
    cheap: Stops = field(default_factory=Stops)


def scores_for(labels: Classes, n_classes: int) -> dict[str, Score]:
    """The scores that are replayed: drawn costs of 1 to 10 for each error, half a point within pairs
    of classes, the recall of the most frequent class, macro-F1 and the worst class."""
    costs = np.random.default_rng(7).integers(1, 11, (n_classes, n_classes)).astype(float)
    np.fill_diagonal(costs, 0)
    pair = np.arange(n_classes) // 2
    half = np.where(pair[:, None] == pair, 0.5, 0.0)
    np.fill_diagonal(half, 1)
    common = int(np.bincount(labels).argmax())
    return {
        "cost": Score(CREDIT, Credit.of_costs(costs)),
        "graded": Score(CREDIT, Credit.of(half)),
        "recall": Score(CREDIT, Credit.of_class(n_classes, common)),
        "macro_f1": Score(MACRO_F1),
        "worst_class": Score(WORST_CLASS),
    }


def replay_scores(collection: Collection, plan: Plan) -> ScoreOutcome:
    """Replay the methods of a plan on random pools.

    Args:
        collection: predictions and all labels.
        plan: methods and sizes; the stops and the cheaper model are of `auto`.

    Raises:
        ValueError: see `checked`.
    """
    plan = checked(collection, plan)
    outcome = ScoreOutcome()
    scores = scores_for(collection.labels, len(collection.table.class_names))
    for number in range(plan.realisations):
        random = np.random.default_rng((plan.seed, number))
        items = random.choice(collection.table.n_items, plan.pool, replace=False)
        table, truth = collection.table.subset(items=items), collection.labels[items]
        price = np.asarray(1.0 + random.permutation(collection.table.n_models), dtype=float)
        for method in plan.methods:
            _Track(outcome, scores, table, truth, method, number, price).run(plan.budget)
    return outcome


class _Track:
    """One method on one pool."""

    def __init__(
        self,
        outcome: ScoreOutcome,
        scores: dict[str, Score],
        table: PredictionTable,
        truth: Classes,
        method: str,
        seed: int,
        price: Floats,
    ) -> None:
        self.outcome, self.scores, self.table, self.truth = outcome, scores, table, truth
        self.name, self.price = method, price
        self.method: SelectionMethod = METHODS[method](table, seed=seed)
        self.labels: Classes = np.full(table.n_items, NOT_LABELLED, np.int32)
        self.meter = StopMeter(table)
        self.meters = {
            name: StopMeter(table, score.credit)
            for name, score in scores.items()
            if score.additive and method == "auto"
        }
        self.value = {name: score.of_labels(table, truth) for name, score in scores.items()}
        self.accuracy = Score().of_labels(table, truth)
        self.found: dict[object, tuple[int, bool]] = {}

    def run(self, budget: int) -> None:
        regret = {name: np.full(len(AT), np.nan) for name in self.scores}
        for step in range(1, budget + 1):
            item = int(self.method.suggest(1).items[0])
            label = int(self.truth[item])
            self.method.observe(item, label)
            self.labels[item] = label
            for meter in (self.meter, *self.meters.values()):
                meter.observe(item, label)
            if step in AT:
                for name in self.scores:
                    lost = self.value[name].max() - self.value[name][self._named(name)]
                    regret[name][AT.index(step)] = 100 * lost
            if self.name == "auto":
                self._rules(step)
        for name, row in regret.items():
            self.outcome.regret.setdefault((name, self.name), []).append(row)
        if self.name == "auto":
            self._note()

    def _named(self, name: str) -> int:
        correct = (self.table.predictions == self.labels).sum(axis=1)
        held = self.meter.rivals(int(correct.argmax()))
        odds = odds_of(held.lead.astype(float), held.decided.astype(float))
        return int(merits(self.table, self.labels, self.scores[name], odds=odds).argmax())

    def _rules(self, step: int) -> None:
        leader = self.method.leader()
        rivals = self.meter.rivals(leader)
        lost = float(self.accuracy.max() - self.accuracy[leader])
        for delta in (0.0, WITHIN):
            keys = [(alpha, delta) for alpha in ALPHAS if (alpha, delta) not in self.found]
            measure = risk(rivals, delta=delta) if keys and step >= MIN_LABELS else np.inf
            for alpha, _ in keys:
                if measure <= limit(alpha=alpha, delta=delta):
                    self.found[alpha, delta] = step, lost <= delta + _ROUNDING
        if step % STEP or step < MIN_LABELS:
            return
        for name, meter in self.meters.items():
            if name not in self.found:
                named = self._named(name)
                if should_stop(meter.rivals(named), alpha=_ALPHA, delta=WITHIN):
                    gone = self.value[name].max() - self.value[name][named]
                    self.found[name] = step, bool(gone <= WITHIN + _ROUNDING)
        if "cheap" not in self.found:
            cheap = cheapest_within(
                self.meter, leader=leader, price=self.price, delta=WITHIN, alpha=_ALPHA
            )
            if cheap is not None and self.price[cheap.model] < self.price[leader]:
                gone = self.accuracy.max() - self.accuracy[cheap.model]
                self.found["cheap"] = step, bool(gone <= WITHIN + _ROUNDING)

    def _note(self) -> None:
        never = (-1, False)
        for alpha in ALPHAS:
            for delta in (0.0, WITHIN):
                stops = self.outcome.alphas.setdefault((alpha, delta), Stops())
                stops.add(*self.found.get((alpha, delta), never))
        for name in self.meters:
            self.outcome.stops.setdefault(name, Stops()).add(*self.found.get(name, never))
        self.outcome.cheap.add(*self.found.get("cheap", never))
