"""Hulls and what is read off them, against brute force and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.routing.metrics import hull

numbers = st.integers(0, 1000).map(lambda n: n / 1000)
points = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=30)


def brute_force(cost: list[float], quality: list[float], at: float) -> float:
    """The best quality of any mixture of two points that costs at most `at`."""
    best = -np.inf
    for c, q in zip(cost, quality, strict=True):
        if c <= at:
            best = max(best, q)
    for c1, q1 in zip(cost, quality, strict=True):
        for c2, q2 in zip(cost, quality, strict=True):
            if c1 < at < c2:
                best = max(best, q1 + (q2 - q1) * (at - c1) / (c2 - c1))
    return best


@given(points, numbers)
def test_the_hull_is_the_best_mixture_of_two_points(
    found: list[tuple[float, float]], at: float
) -> None:
    cost, quality = [c for c, _ in found], [q for _, q in found]
    expected = brute_force(cost, quality, max(at, min(cost)))
    assert float(hull(cost, quality).at(at)) == pytest.approx(expected, abs=1e-9)


@given(points)
def test_the_hull_rises_ever_more_slowly(found: list[tuple[float, float]]) -> None:
    curve = hull([c for c, _ in found], [q for _, q in found])
    assert (np.diff(curve.cost) > 0).all()
    assert (np.diff(curve.quality) > 0).all()
    slopes = np.diff(curve.quality) / np.diff(curve.cost)
    assert (np.diff(slopes) <= 1e-9).all()


@given(points)
def test_no_point_lies_above_the_hull(found: list[tuple[float, float]]) -> None:
    cost, quality = np.array(found).T
    assert (quality <= hull(cost, quality).at(cost) + 1e-9).all()


@given(points)
def test_the_mean_quality_lies_between_the_worst_and_the_best(
    found: list[tuple[float, float]],
) -> None:
    quality = [q for _, q in found]
    curve = hull([c for c, _ in found], quality)
    for mean in (curve.mean(0.0, 1.0), curve.log_mean(0.01, 1.0)):
        assert min(quality) - 1e-9 <= mean <= max(quality) + 1e-9


@given(points)
def test_the_mean_qualities_are_those_of_a_fine_grid(found: list[tuple[float, float]]) -> None:
    curve = hull([c for c, _ in found], [q for _, q in found])
    steps = (np.arange(20_000) + 0.5) / 20_000
    assert curve.mean(0.0, 1.0) == pytest.approx(float(curve.at(steps).mean()), abs=1e-3)
    assert curve.log_mean(0.01, 1.0) == pytest.approx(
        float(curve.at(0.01 ** (1 - steps)).mean()), abs=1e-3
    )


def test_a_hull_by_hand() -> None:
    curve = hull([1.0, 2.0, 3.0, 4.0, 5.0], [0.2, 0.3, 0.8, 0.7, 0.9])
    assert curve.cost.tolist() == [1.0, 3.0, 5.0]
    assert curve.quality.tolist() == [0.2, 0.8, 0.9]
    assert curve.mean(1.0, 5.0) == pytest.approx((0.5 * 2 + 0.85 * 2) / 4)
    assert curve.mean(0.0, 6.0) == pytest.approx((0.2 + 0.5 * 2 + 0.85 * 2 + 0.9) / 6)
    assert curve.cost_of(0.5) == pytest.approx(2.0)
    assert np.isnan(curve.cost_of(0.91))


def test_of_two_points_that_cost_the_same_the_better_counts() -> None:
    assert hull([1.0, 1.0], [0.2, 0.4]).quality.tolist() == [0.4]
