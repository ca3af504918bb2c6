"""Whether what most models say may be believed, and what that does to the stop."""

from dataclasses import replace

import numpy as np
import pytest

from apps.catalog.tables import Classes, PredictionTable
from apps.selection.methods.auto import Auto
from apps.selection.methods.committee import Committee
from apps.selection.methods.rivals import StopMeter
from apps.selection.methods.stopping import should_stop, stopping

from .pools import pool

WITHIN = 0.01


def two_classes(seed: int, *, ease: float, spread: float) -> tuple[PredictionTable, Classes]:
    """Ten models that find the same items hard; `ease` says how many items are easy for most."""
    random = np.random.default_rng(seed)
    skill, items = random.normal(0, spread, (10, 1)), random.normal(ease, 1.2, 240)
    right = random.random((10, 240)) < 1 / (1 + np.exp(-(skill + items)))
    truth = random.integers(0, 2, 240).astype(np.int32)
    return pool(np.where(right, truth, 1 - truth), 2), truth


def stopped(table: PredictionTable, truth: Classes, *, wary: bool) -> tuple[int, bool]:
    """The label at which `auto` is told to stop, and whether its leader is good enough."""
    accuracy = (table.predictions == truth).mean(axis=1)
    method, meter = Auto(table, seed=0), StopMeter(table)
    for given in range(1, table.n_items + 1):
        item = int(method.suggest(1).items[0])
        label = int(truth[item])
        method.observe(item, label)
        meter.observe(item, label)
        rivals = meter.rivals(method.leader())
        if not wary:
            rivals = replace(rivals, wary=False)
        if should_stop(rivals, delta=WITHIN):
            lost = accuracy.max() - accuracy[method.leader()]
            return given, bool(lost <= WITHIN + 1e-9)
    raise AssertionError("With all labels the choice is certain.")


def test_where_most_models_are_wrong_together_the_rule_waits_and_is_right() -> None:
    pools = [two_classes(seed, ease=-2, spread=0.3) for seed in range(12)]
    wary = [stopped(*one, wary=True) for one in pools]
    rash = [stopped(*one, wary=False) for one in pools]
    assert np.mean([right for _, right in wary]) >= 0.95
    assert np.mean([right for _, right in rash]) < 0.7
    assert np.median([given for given, _ in wary]) > np.median([given for given, _ in rash])


def test_where_most_models_are_right_the_rule_stops_as_soon_as_before() -> None:
    for seed in range(4):
        one = two_classes(seed, ease=2, spread=0.6)
        assert stopped(*one, wary=True) == stopped(*one, wary=False)


def labelled(table: PredictionTable, truth: Classes, n_labels: int) -> Committee:
    """With the labels on which the fewest models are right, as if chosen to hurt."""
    right = (table.predictions == truth).sum(axis=0)
    committee = Committee(table.predictions)
    for item in np.argsort(right, kind="stable")[:n_labels]:
        committee.observe(int(item), int(truth[item]))
    return committee


def test_a_committee_outvotes_the_right_answer_but_better_models_are_seen_to_agree_more() -> None:
    table, truth = two_classes(0, ease=1, spread=1)
    assert not labelled(table, truth, 0).misleads
    assert labelled(table, truth, 3).misleads
    found = labelled(table, truth, 60)
    assert found.outvoted == 60
    assert not found.misleads
    # The same answers with the other class right throughout.
    assert labelled(table, 1 - truth, 60).misleads


def test_a_committee_that_is_right_on_half_of_the_labels_does_not_mislead() -> None:
    table = pool([[0, 0, 1, 1, 0], [0, 1, 1, 1, 1], [1, 0, 1, 1, 0]], 2)
    truth = np.zeros(5, dtype=np.int32)
    assert labelled(table, truth, 3).misleads
    assert not labelled(table, truth, 4).misleads


def test_models_that_are_wrong_each_in_its_own_way_do_not_mislead() -> None:
    random = np.random.default_rng(3)
    truth = np.zeros(60, dtype=np.int32)
    answers = np.where(random.random((4, 60)) < 0.3, 0, random.integers(1, 9, (4, 60)))
    apart = labelled(pool(answers, 9), truth, 40)
    together = labelled(pool(np.minimum(answers, 1), 2), truth, 40)
    assert not apart.misleads
    assert together.misleads
    assert min(apart.outvoted, together.outvoted) > 20


def test_copies_of_a_model_prove_nothing() -> None:
    table, truth = two_classes(1, ease=1, spread=1)
    few = table.predictions[:4]
    assert labelled(pool(few, 2), truth, 40).misleads
    assert labelled(pool(np.tile(few, (20, 1)), 2), truth, 40).misleads


def test_two_models_alone_are_no_committee() -> None:
    table, truth = pool([[0] * 20 + [1] * 10, [1] * 30], 2), np.zeros(30, dtype=np.int32)
    assert labelled(table, truth, 30).outvoted == 30
    assert not labelled(table, truth, 30).misleads


def test_a_right_answer_that_is_most_frequent_is_not_outvoted() -> None:
    answers = [[0, 0, 0, 1, -1], [0, 0, 1, 1, -1], [0, 1, 2, 1, -1], [0, 1, 0, 0, -1]]
    committee = Committee(pool(answers, 3).predictions)
    for item, outvoted in enumerate((0, 1, 1, 2, 2)):
        committee.observe(item, 0)
        assert committee.outvoted == outvoted


@pytest.mark.parametrize("n_labels", [9, 40])
def test_it_is_told_that_the_rule_would_have_stopped_but_for_the_committee(n_labels: int) -> None:
    # Model 0 is right where the two others are both wrong; on most open items it sides with one.
    answers = np.array([[1] * 40 + [0] * 200, [0] * 40 + [0] * 200, [0] * 40 + [1] * 200])
    meter = StopMeter(pool(answers, 2))
    for item in range(n_labels):
        meter.observe(item, 1)
    found = stopping(meter.rivals(0), delta=WITHIN)
    assert not found.stop
    assert found.held_back == (n_labels >= 10)
    assert found.outvoted == n_labels
    assert found.labels_left > 0
