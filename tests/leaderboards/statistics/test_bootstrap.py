import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.catalog.tables import Floats, Mask
from apps.leaderboards.statistics import bootstrap
from apps.leaderboards.statistics.bootstrap import best_shares, frontier_shares
from apps.leaderboards.statistics.frontier import pareto_frontier


def resampled_one_by_one(
    correct: Mask, answered: Mask, delta: float, rounds: int
) -> tuple[Floats, Floats]:
    random = np.random.default_rng(99)
    n_models, n_items = correct.shape
    best, within = np.zeros(n_models), np.zeros(n_models)
    for _ in range(rounds):
        drawn = random.integers(0, n_items, n_items)
        accuracy = {
            j: correct[j, drawn].sum() / answered[j, drawn].sum()
            for j in range(n_models)
            if answered[j, drawn].any()
        }
        top = max(accuracy.values())
        winners = [j for j, value in accuracy.items() if value == top]
        best[winners] += 1 / len(winners)
        within[[j for j, value in accuracy.items() if value >= top - delta - 1e-12]] += 1
    return best / rounds, within / rounds


@pytest.mark.parametrize("share_run", [1.0, 0.7])
def test_the_shares_are_those_of_resampling_one_by_one(share_run: float) -> None:
    random = np.random.default_rng(3)
    answered = random.random((5, 40)) < share_run
    correct = answered & (random.random((5, 40)) < np.linspace(0.5, 0.8, 5)[:, None])
    expected = resampled_one_by_one(correct, answered, 0.05, 4000)
    found = best_shares(correct, answered, delta=0.05)
    np.testing.assert_allclose(found[0], expected[0], atol=0.03)
    np.testing.assert_allclose(found[1], expected[1], atol=0.03)


@settings(deadline=None)
@given(seed=st.integers(0, 999), n_models=st.integers(1, 6), n_items=st.integers(1, 9))
def test_p_best_sums_to_one_and_the_best_is_within_delta(
    seed: int, n_models: int, n_items: int
) -> None:
    random = np.random.default_rng(seed)
    answered = random.random((n_models, n_items)) < 0.5
    answered[0, 0] = True
    correct = answered & (random.random((n_models, n_items)) < 0.6)
    best, within = best_shares(correct, answered, delta=0.0, resamples=200)
    assert best.sum() == pytest.approx(1)
    assert np.all(best <= within + 1e-12)
    assert np.all(best[~answered.any(axis=1)] == 0)


def test_equal_models_share_the_credit() -> None:
    correct = np.array([[True, True, False], [True, True, False], [False, False, False]])
    best, within = best_shares(correct, np.ones_like(correct), delta=0.0, resamples=500)
    assert best[0] == best[1]
    assert best[2] < 0.05
    assert within[0] == within[1] == 1


def test_within_delta_counts_a_gap_of_exactly_delta() -> None:
    # One of ten items tells them apart, drawn at most once in most resamples.
    correct = np.ones((2, 10), dtype=bool)
    correct[1, 0] = False
    _, within = best_shares(correct, np.ones_like(correct), delta=0.1)
    at_most_once = 0.9**10 + 10 * 0.1 * 0.9**9
    assert within[1] == pytest.approx(at_most_once, abs=0.02)


def test_a_seed_gives_the_same_numbers_in_any_order_of_the_items() -> None:
    random = np.random.default_rng(0)
    correct = random.random((4, 30)) < 0.7
    ran = np.ones_like(correct)
    one = best_shares(correct, ran, delta=0.01, seed=4)
    other = best_shares(correct[:, random.permutation(30)], ran, delta=0.01, seed=4)
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one, best_shares(correct, ran, delta=0.01, seed=5))


def test_small_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    correct = np.random.default_rng(0).random((4, 30)) < 0.7
    whole = best_shares(correct, np.ones_like(correct), delta=0.01, resamples=1000)
    monkeypatch.setattr(bootstrap, "CELLS", 900)
    np.testing.assert_allclose(
        whole, best_shares(correct, np.ones_like(correct), delta=0.01, resamples=1000)
    )


def test_the_shares_of_the_frontier_are_those_of_resampling_one_by_one() -> None:
    random = np.random.default_rng(5)
    answered = random.random((6, 30)) < 0.8
    correct = answered & (random.random((6, 30)) < np.linspace(0.5, 0.7, 6)[:, None])
    prices = np.array([1.0, 2.0, 2.0, np.nan, 0.0, 5.0])
    expected, rounds = np.zeros(6), 4000
    for _ in range(rounds):
        drawn = random.integers(0, 30, 30)
        ran = answered[:, drawn].sum(axis=1)
        expected += pareto_frontier(prices, correct[:, drawn].sum(axis=1) / np.maximum(ran, 1))
    found = frontier_shares(correct, answered, prices)
    assert np.isnan(found[3])
    known = ~np.isnan(prices)
    np.testing.assert_allclose(found[known], expected[known] / rounds, atol=0.03)
