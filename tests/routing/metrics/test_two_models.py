"""The gap between two models, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from apps.routing.metrics import gap_curve


def test_a_router_that_draws_lots_recovers_half_the_gap() -> None:
    share = np.linspace(0, 1, 11)
    curve = gap_curve(share, 0.4 + 0.2 * share, weak=0.4, strong=0.6)
    assert curve.apgr() == pytest.approx(0.5)
    assert curve.cpt(0.5) == pytest.approx(0.5)
    assert curve.cpt(0.8) == pytest.approx(0.8)


def test_the_area_and_the_shares_are_those_of_straight_pieces() -> None:
    curve = gap_curve([0.25, 0.5], [0.55, 0.6], weak=0.4, strong=0.6)
    assert curve.recovered.tolist() == pytest.approx([0.0, 0.75, 1.0, 1.0])
    assert curve.apgr() == pytest.approx(0.25 * 0.375 + 0.25 * 0.875 + 0.5)
    assert curve.cpt(0.5) == pytest.approx(0.25 * 0.5 / 0.75)


def test_a_curve_that_falls_again_is_crossed_at_the_first_place() -> None:
    curve = gap_curve([0.2, 0.4, 0.6], [0.6, 0.4, 0.5], weak=0.4, strong=0.6)
    assert curve.cpt(0.5) == pytest.approx(0.1)


def test_two_models_without_a_gap_are_refused() -> None:
    with pytest.raises(ValueError, match="no better"):
        gap_curve([0.5], [0.5], weak=0.5, strong=0.5)
