"""What a label is worth, and when a cheaper model is enough."""

import numpy as np
import pytest

from apps.selection.methods.auto import Auto
from apps.selection.methods.rivals import StopMeter
from apps.selection.methods.stopping import Outlook, outlook
from apps.selection.metrics.money import cheapest_within, label_value, within_delta
from tests.selection.methods.pools import pool


def forecast(ahead: list[float], variance: list[float], *, labelled: int = 50) -> Outlook:
    return Outlook(
        ahead=np.array(ahead),
        variance=np.array(variance),
        settled_after=np.full(len(ahead), 100.0),
        n_labelled=labelled,
        n_open=100,
        leader=0,
    )


def test_what_all_labels_are_worth_is_the_expected_loss_of_choosing_now() -> None:
    random = np.random.default_rng(0)
    found = label_value(forecast([0, 0.02], [0, 0.03**2]), value=1000)
    assert found is not None
    drawn = random.normal(0.02, 0.03, 400_000)
    assert found.all_labels == pytest.approx(1000 * np.maximum(-drawn, 0).mean(), rel=0.02)
    assert found.chance == pytest.approx((drawn < 0).mean(), abs=0.005)
    assert 0 < found.per_label * found.labels <= found.all_labels + 1e-9


def test_a_label_is_worth_more_where_more_is_at_stake_and_less_where_all_is_clear() -> None:
    worth = [
        label_value(forecast([0, ahead], [0, 0.03**2]), value=value)
        for ahead, value in [(0.02, 1000), (0.02, 2000), (0.08, 1000), (0.3, 1000)]
    ]
    assert all(worth)
    one, double, clear, clearest = [found.per_label for found in worth if found]
    assert double == pytest.approx(2 * one)
    assert one > clear > clearest
    assert clearest < 1e-9


def test_a_dearer_model_must_be_better_by_what_it_costs() -> None:
    ahead = forecast([0, 0.02], [0, 0.001**2])
    found = label_value(ahead, value=1000, price=np.array([50.0, 10.0]))
    assert found is not None
    assert found.best == 1  # 2 points less is 20, and it costs 40 less
    unsure = forecast([0, 0.02], [0, 0.03**2])
    unsure.settled_after[0] = 0.0  # the leader and itself
    doubted = label_value(unsure, value=1000, price=np.array([50.0, 10.0]))
    assert doubted is not None
    assert doubted.best == 1
    assert 0 < doubted.per_label < doubted.all_labels / 10
    without = label_value(ahead, value=1000, price=np.array([50.0, np.nan]))
    assert without is not None
    assert without.best == 0
    assert without.all_labels == 0


def test_nothing_is_said_of_worth_below_ten_labels() -> None:
    few = forecast([0, 0], [0, 1], labelled=9)
    assert label_value(few, value=1000) is None


def test_the_forecast_counts_everybody_who_may_be_ahead() -> None:
    assert within_delta(forecast([0, 0.0], [0, 0.03**2]), delta=0) == pytest.approx(0.5)
    assert within_delta(forecast([0, 0.0, 0.0], [0, 0.03**2, 0.03**2]), delta=0) == 0
    assert within_delta(forecast([0, -0.005], [0, 0]), delta=0.01) == 1
    assert within_delta(forecast([0, -0.02], [0, 0]), delta=0.01) == 0


def test_the_cheapest_of_models_that_are_nearly_equal_is_named() -> None:
    random = np.random.default_rng(3)
    truth = random.integers(0, 3, 400)
    good = np.where(random.random(400) < 0.9, truth, (truth + 1) % 3)
    near = good.copy()
    near[:4] = (good[:4] + 1) % 3  # differs from the good one on 1% of the items
    poor = np.where(random.random(400) < 0.4, truth, (truth + 1) % 3)
    table = pool([good, near, poor], 3)
    method, meter = Auto(table, seed=0), StopMeter(table)
    price = np.array([10.0, 2.0, 1.0])
    assert cheapest_within(meter, leader=0, price=price, delta=0.01, alpha=0.05) is None
    for _ in range(60):
        item = int(method.suggest(1).items[0])
        method.observe(item, int(truth[item]))
        meter.observe(item, int(truth[item]))
    found = cheapest_within(meter, leader=0, price=price, delta=0.01, alpha=0.05)
    assert found is not None
    assert found.model == 1
    assert found.chance >= 0.95
    unknown = np.array([10.0, np.nan, np.nan])
    only = cheapest_within(meter, leader=0, price=unknown, delta=0.01, alpha=0.05)
    assert only is not None
    assert only.model == 0
    assert outlook(meter.rivals(1)).ahead[2] > 0.2
