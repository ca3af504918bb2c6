"""Accuracies from chosen labels: unbiased, and covered as often as stated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.stats.proportion import proportion_confint

from apps.catalog.tables import PredictionTable
from apps.selection.methods.auto import Auto
from apps.selection.methods.estimates import Estimates, estimate_accuracies
from apps.selection.methods.lure import lure_weights

from .pools import pool

Labels = NDArray[np.int_]


def made(seed: int, n_items: int = 400) -> tuple[PredictionTable, Labels]:
    """Twelve models of different worth on items of different difficulty."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 4, n_items)
    ease = random.normal(0, 1.5, n_items)
    worth = np.linspace(-0.5, 2.5, 12)[:, None]
    right = random.random((12, n_items)) < 1 / (1 + np.exp(-(worth + ease)))
    wrong = (truth + random.integers(1, 4, (12, n_items))) % 4
    return pool(np.where(right, truth, wrong), 4), truth


def drawn_labels(truth: Labels, order: list[int]) -> Labels:
    labels = np.full(len(truth), -1)
    labels[order] = truth[order]
    return labels


@given(seed=st.integers(0, 10**6), n_drawn=st.integers(10, 399))
def test_uniform_draws_give_the_plain_share(seed: int, n_drawn: int) -> None:
    table, truth = made(seed)
    order = np.random.default_rng(seed).permutation(400)[:n_drawn].tolist()
    found = estimate_accuracies(
        table,
        drawn_labels(truth, order),
        order=order,
        probabilities=1 / (400 - np.arange(n_drawn)),
        use_votes=False,
    )
    plain = (table.predictions[:, order] == truth[order]).mean(axis=1)
    assert found.accuracy == pytest.approx(plain)
    assert np.all((found.low <= plain + 1e-12) & (plain - 1e-12 <= found.high))


def test_many_uniform_draws_give_wilsons_interval() -> None:
    table, truth = made(1, 100_000)
    order = list(range(2000))
    found = estimate_accuracies(
        table,
        drawn_labels(truth, order),
        order=order,
        probabilities=1 / (100_000 - np.arange(2000)),
        use_votes=False,
    )
    right = (table.predictions[:, :2000] == truth[:2000]).sum(axis=1)
    low, high = proportion_confint(right, 2000, method="wilson")
    assert found.low == pytest.approx(low, abs=1e-3)
    assert found.high == pytest.approx(high, abs=1e-3)


@given(seed=st.integers(0, 10**6))
def test_draws_of_a_method_alone_give_lure(seed: int) -> None:
    table, truth = made(seed, 60)
    random = np.random.default_rng(seed)
    weights = random.uniform(0.5, 2, 60)
    order: list[int] = []
    chances = []
    for _ in range(15):
        left = np.setdiff1d(np.arange(60), order)
        p = weights[left] / weights[left].sum()
        place = random.choice(len(left), p=p)
        order.append(int(left[place]))
        chances.append(p[place])
    found = estimate_accuracies(
        table, drawn_labels(truth, order), order=order, probabilities=chances, use_votes=False
    )
    right = table.predictions[:, order] == truth[order]
    expected = (right * lure_weights(np.array(chances), 60)).mean(axis=1)
    known = right.sum(axis=1) / 60
    possible = known + (60 - len(order)) / 60
    assert found.accuracy == pytest.approx(np.clip(expected, known, possible))


def session(seed: int, *, use_votes: bool, share: float = 0.3) -> tuple[Estimates, Labels]:
    """80 labels: some drawn uniformly, the others chosen by `auto`."""
    table, truth = made(seed)
    random, method = np.random.default_rng(seed), Auto(table, seed=seed)
    order: list[int] = []
    chances: list[float] = []
    for _ in range(80):
        left = np.flatnonzero(drawn_labels(truth, order) < 0)
        if random.random() < share:
            item, chance = int(random.choice(left)), 1 / len(left)
        else:
            item, chance = int(method.suggest(1).items[0]), float("nan")
        method.observe(item, int(truth[item]))
        order.append(item)
        chances.append(chance)
    found = estimate_accuracies(
        table,
        drawn_labels(truth, order),
        order=order,
        probabilities=chances,
        use_votes=use_votes,
    )
    return found, (table.predictions == truth).mean(axis=1)


def test_intervals_cover_although_most_items_were_chosen() -> None:
    widths = {}
    for use_votes in (False, True):
        covered, error, width = [], [], []
        for seed in range(60):
            found, accuracy = session(seed, use_votes=use_votes)
            covered.append((found.low <= accuracy) & (accuracy <= found.high))
            error.append(found.accuracy - accuracy)
            width.append(found.high - found.low)
        assert 0.92 <= np.mean(covered) <= 0.99
        assert abs(np.mean(error)) < 0.015
        widths[use_votes] = np.mean(width)
    assert widths[True] < 0.8 * widths[False]


def test_the_interval_of_the_best_model_covers_though_hardly_any_draw_was_missed_by_it() -> None:
    covered = []
    for seed in range(60):
        found, accuracy = session(seed, use_votes=True, share=0.25)
        best = accuracy.argmax()
        covered.append(found.low[best] <= accuracy[best] <= found.high[best])
    assert np.mean(covered) >= 0.92


def test_the_plain_share_of_chosen_items_would_not_cover() -> None:
    table, truth = made(0)
    method = Auto(table)
    for _ in range(80):
        item = int(method.suggest(1).items[0])
        method.observe(item, int(truth[item]))
    assert np.all(method.accuracy() < (table.predictions == truth).mean(axis=1))


def test_a_wholly_labelled_pool_has_no_uncertainty() -> None:
    table = pool([[0, 1, -1], [0, 0, 0], [-1, -1, -1]], 2)
    found = estimate_accuracies(table, [0, 0, 0])
    assert found.accuracy.tolist()[:2] == found.low.tolist()[:2] == found.high.tolist()[:2]
    assert found.accuracy == pytest.approx([0.5, 1, np.nan], nan_ok=True)


def test_too_few_random_draws_say_so() -> None:
    table, truth = made(0)
    order = list(range(30))
    chances = [0.01] * 9 + [float("nan")] * 21
    found = estimate_accuracies(
        table, drawn_labels(truth, order), order=order, probabilities=chances
    )
    assert np.isnan(found.accuracy).all()
    assert found.rests_on == "9 of the labelled items were drawn at random here; estimates need 10."


@pytest.mark.parametrize(
    ("order", "chances", "sentence"),
    [
        ([0, 0], [0.5, 0.5], "An item was drawn more than once"),
        ([0], [], "1 items were drawn, but 0 probabilities are given"),
        ([1], [0.5], "Item `item 1` was drawn but has no label"),
        ([7], [0.5], "An item was drawn that is not one of the 3"),
        ([0], [0.0], "probability above 0 and up to 1"),
    ],
)
def test_draws_that_do_not_fit_are_refused(
    order: list[int], chances: list[float], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        estimate_accuracies(
            pool([[0, 1, 0], [1, 1, 0]], 2), [0, -1, -1], order=order, probabilities=chances
        )
