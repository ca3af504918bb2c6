"""What choosing costs: `manage.py bench selection DIR ...` and `manage.py bench selection-speed`."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from apps.catalog.tables import Classes, PredictionTable
from apps.selection import score_study, study
from apps.selection.methods.registry import METHODS
from apps.selection.replay.coverage import coverage

SIZES = ((100, 10_000, 10, 0.1), (1_000, 10_000, 10, 1.0))
"""Models, items, classes, and the seconds promised for the next item."""

_METHODS = ("auto", "model_selector")
_STEPS = 30


def selection_speed(say: Callable[[str], None]) -> bool:
    """Time a label taken in, the model named and the next item, at two sizes.

    Beside it a step of MODEL SELECTOR's formula word for word.
    Returns whether p95 is within what the product promises.
    """
    kept = True
    for n_models, n_items, n_classes, promised in SIZES:
        table, labels = _pool(n_models, n_items, n_classes)
        for name in _METHODS:
            began = time.perf_counter()
            method = METHODS[name](table, seed=0)
            made = time.perf_counter() - began
            item = int(method.suggest(1).items[0])
            times = []
            for _ in range(_STEPS):
                began = time.perf_counter()
                method.observe(item, int(labels[item]))
                method.leader()
                item = int(method.suggest(1).items[0])
                times.append(time.perf_counter() - began)
            middle, high = np.percentile(times, [50, 95])
            say(
                f"{name}, {n_models:,} models x {n_items:,} items x {n_classes} classes: next item "
                f"in p50 {1000 * middle:.0f} ms, p95 {1000 * high:.0f} ms (promised: under "
                f"{1000 * promised:.0f} ms), made in {made:.2f} s"
            )
            kept &= bool(high < promised)
        say(f"the literal formula of MODEL SELECTOR there: {_literal(table):.2f} s")
    return kept


def selection_intervals(say: Callable[[str], None]) -> bool:
    """Coverage of the intervals of every score in simulated sessions; whether it is at least 92%."""
    kept = True
    for one in coverage():
        held = (
            f"covers {one.covered:.1%}, of the best model {one.best_covered:.1%}, width "
            f"{100 * one.width:.1f} points"
            if one.stated
            else "none"
        )
        say(
            f"{one.labels} labels, {one.share:.0%} drawn, {one.score}: {held}, stated in "
            f"{one.stated:.0%} of the sessions"
        )
        kept &= not one.covered < 0.92
    return kept


BENCHMARKS = {"selection-speed": selection_speed, "selection-intervals": selection_intervals}
STUDIES = {"selection": study, "selection-scores": score_study}


def _pool(n_models: int, n_items: int, n_classes: int) -> tuple[PredictionTable, Classes]:
    random = np.random.default_rng(0)
    labels = random.integers(0, n_classes, n_items).astype(np.int32)
    right = random.random((n_models, n_items)) < random.uniform(0.5, 0.9, (n_models, 1))
    table = PredictionTable.of(
        item_ids=map(str, range(n_items)),
        model_names=map(str, range(n_models)),
        class_names=map(str, range(n_classes)),
        predictions=np.where(right, labels, random.integers(0, n_classes, (n_models, n_items))),
    )
    return table, labels


def _literal(table: PredictionTable) -> float:
    """Seconds of one step of (1/C) sum_c H[p gamma^(h = c) / Z_c] as it is written."""
    votes = table.predictions
    p = np.full(table.n_models, 1 / table.n_models)
    began = time.perf_counter()
    total = np.zeros(votes.shape[1])
    for c in range(len(table.class_names)):
        after = p[:, None] * np.where(votes == c, 0.54 / 0.46, 1.0)
        after /= after.sum(axis=0)
        total -= (after * np.log2(after)).sum(axis=0)
    return time.perf_counter() - began
