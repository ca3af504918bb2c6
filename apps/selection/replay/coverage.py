"""How often intervals of scores cover the truth, in simulated sessions whose labels are mostly chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from apps.catalog.tables import NOT_LABELLED, Classes, PredictionTable
from apps.selection.methods.auto import Auto
from apps.selection.metrics.credit import Credit
from apps.selection.metrics.intervals import estimate_scores
from apps.selection.metrics.scores import CREDIT, MACRO_F1, WORST_CLASS, Score

ITEMS, MODELS, CLASSES = 500, 12, 4
SETTINGS = ((300, 0.1), (100, 0.2), (100, 0.5), (200, 0.5))
"""Labels, and the share of them that is drawn uniformly."""

_COSTS = [[0, 1, 2, 3], [4, 0, 1, 1], [5, 1, 0, 2], [10, 1, 1, 0]]


@dataclass(frozen=True)
class Coverage:
    """Of a score in a setting: in which share of the sessions intervals were stated, and of those how
    often they cover a model's score, and that of the best model, which is read most; their mean width.
    NaN where none was."""

    labels: int
    share: float
    score: str
    stated: float
    covered: float
    best_covered: float
    width: float


def coverage(sessions: int = 60) -> Iterator[Coverage]:
    """Simulate sessions at 95%: models of different worth, each better at some of four classes, which
    are 10, 20, 30 and 40% of the items."""
    scores = {
        "accuracy": Score(),
        "cost": Score(CREDIT, Credit.of_costs(_COSTS)),
        "recall": Score(CREDIT, Credit.of_class(CLASSES, CLASSES - 1)),
        "macro_f1": Score(MACRO_F1),
        "worst_class": Score(WORST_CLASS),
    }
    for labels, share in SETTINGS:
        found: dict[str, list[tuple[float, bool, float]]] = {name: [] for name in scores}
        for seed in range(sessions):
            table, truth = _made(seed)
            given, order, chances = _session(table, truth, labels, share, seed)
            for name, score in scores.items():
                held = estimate_scores(table, given, score, order=order, probabilities=chances)
                value = score.of_labels(table, truth)
                inside = (held.low <= value + 1e-9) & (value <= held.high + 1e-9)
                if not np.isnan(held.low).any():
                    width = float((held.high - held.low).mean())
                    found[name].append((float(inside.mean()), bool(inside[value.argmax()]), width))
        for name, rows in found.items():
            means = np.mean(rows, axis=0).tolist() if rows else [np.nan] * 3
            yield Coverage(labels, share, name, len(rows) / sessions, *means)


def _made(seed: int) -> tuple[PredictionTable, Classes]:
    random = np.random.default_rng(seed)
    shares = np.arange(1, CLASSES + 1) / np.arange(1, CLASSES + 1).sum()
    truth = random.choice(CLASSES, ITEMS, p=shares).astype(np.int32)
    ease = random.normal(0, 1.5, ITEMS)
    worth = np.linspace(-0.5, 2.5, MODELS)[:, None]
    bias = random.normal(0, 0.7, (MODELS, CLASSES))
    right = random.random((MODELS, ITEMS)) < 1 / (1 + np.exp(-(worth + ease + bias[:, truth])))
    wrong = (truth + random.integers(1, CLASSES, (MODELS, ITEMS))) % CLASSES
    table = PredictionTable.of(
        item_ids=map(str, range(ITEMS)),
        model_names=map(str, range(MODELS)),
        class_names=map(str, range(CLASSES)),
        predictions=np.where(right, truth, wrong),
    )
    return table, truth


def _session(
    table: PredictionTable, truth: Classes, labels: int, share: float, seed: int
) -> tuple[Classes, list[int], list[float]]:
    """Labels bought by `auto`, a share of them drawn uniformly; their order and probabilities."""
    random, method = np.random.default_rng(seed), Auto(table, seed=seed)
    given: Classes = np.full(ITEMS, NOT_LABELLED, np.int32)
    order: list[int] = []
    chances: list[float] = []
    for _ in range(labels):
        left = np.flatnonzero(given == NOT_LABELLED)
        if random.random() < share:
            item, chance = int(random.choice(left)), 1 / len(left)
        else:
            item, chance = int(method.suggest(1).items[0]), float("nan")
        method.observe(item, int(truth[item]))
        given[item] = truth[item]
        order.append(item)
        chances.append(chance)
    return given, order, chances
