"""Calibration against scikit-learn and by hand; intervals by the bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from apps.routing.metrics import Calibration, bootstrap_weights, effective_units, interval


def test_the_brier_score_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    expected = random.random((50, 4))
    observed = (random.random((50, 4)) < expected).astype(float)
    found = Calibration.of(expected, observed)
    assert found.brier == pytest.approx(brier_score_loss(observed.ravel(), expected.ravel()))


def test_the_calibration_error_weighs_the_bins_by_their_outcomes() -> None:
    # Three outcomes expected at .9 of which one is right, one at .1 that is wrong.
    found = Calibration.of(np.array([0.9, 0.9, 0.9, 0.1]), np.array([1.0, 0.0, 0.0, 0.0]))
    assert found.ece == pytest.approx((3 * (0.9 - 1 / 3) + 0.1) / 4)


def test_outcomes_that_are_missing_count_for_nothing() -> None:
    with_gap = Calibration.of(np.array([0.9, 0.2]), np.array([1.0, np.nan]))
    assert with_gap.brier == pytest.approx(0.01)
    assert with_gap.count.sum() == 1


def test_parts_add_up_to_the_whole() -> None:
    random = np.random.default_rng(1)
    p, s = random.random(60), random.integers(0, 2, 60).astype(float)
    parts = Calibration.of(p[:25], s[:25]) + Calibration.of(p[25:], s[25:])
    whole = Calibration.of(p, s)
    assert parts.ece == pytest.approx(whole.ece)
    assert parts.brier == pytest.approx(whole.brier)


def test_the_bootstrap_of_a_mean_has_its_standard_error() -> None:
    values = np.random.default_rng(2).normal(size=400)
    weights = bootstrap_weights(np.arange(400), 2000, seed=0)
    draws = weights @ values / weights.sum(axis=1)
    assert draws.std() == pytest.approx(values.std() / 20, rel=0.1)


def test_prompts_of_one_unit_are_drawn_together() -> None:
    units = np.repeat(np.arange(40), 10)
    values = np.random.default_rng(3).normal(size=40)[units]
    weights = bootstrap_weights(units, 2000, seed=0)
    alone = bootstrap_weights(np.arange(400), 2000, seed=0)
    together = (weights @ values / weights.sum(axis=1)).std()
    assert together > 2.5 * (alone @ values / alone.sum(axis=1)).std()


def test_a_single_unit_has_an_interval_too() -> None:
    weights = bootstrap_weights(np.zeros(50, dtype=np.intp), 200, seed=0)
    draws = weights @ np.arange(50.0) / weights.sum(axis=1)
    assert draws.std() > 1


def test_an_interval_lies_around_what_was_found_and_reaches_where_the_truth_is() -> None:
    assert interval(5.0, np.linspace(4, 6, 1001)) == pytest.approx((4.05, 5.95))
    assert interval(4.5, np.linspace(4, 6, 1001)) == pytest.approx((3.05, 5.45))
    assert interval(5.5, np.linspace(4, 6, 1001)) == pytest.approx((4.55, 6.95))


def test_an_interval_from_few_units_is_longer_as_students_is() -> None:
    random = np.random.default_rng(0)
    missed = {"plain": 0, "student": 0}
    for _ in range(400):
        values = random.normal(size=6)
        weights = random.exponential(size=(400, 6))
        draws = weights @ values / weights.sum(axis=1)
        for name, units in (("plain", np.inf), ("student", 6.0)):
            low, high = interval(float(values.mean()), draws, units=units)
            missed[name] += not low <= 0 <= high
    assert missed["plain"] > 40
    assert missed["student"] < 30


def test_units_of_unequal_size_count_as_fewer() -> None:
    assert effective_units(np.repeat(np.arange(5), 4)) == pytest.approx(5)
    assert effective_units(np.repeat([0, 1], [90, 10])) == pytest.approx(1.22, abs=0.01)
