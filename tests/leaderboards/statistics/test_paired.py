import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.proportion import proportion_confint

from apps.catalog.tables import Mask
from apps.leaderboards.statistics.intervals import wilson
from apps.leaderboards.statistics.paired import difference, holm, mcnemar, pair_counts

counts = st.integers(0, 60)


def answers(seed: int, n_models: int, n_items: int) -> tuple[Mask, Mask]:
    random = np.random.default_rng(seed)
    answered = random.random((n_models, n_items)) < 0.8
    return answered & (random.random((n_models, n_items)) < 0.6), answered


@given(seed=st.integers(0, 99), n_models=st.integers(1, 6), n_items=st.integers(0, 12))
def test_pairs_are_counted_on_the_items_that_both_were_run_on(
    seed: int, n_models: int, n_items: int
) -> None:
    correct, answered = answers(seed, n_models, n_items)
    found = pair_counts(correct, answered)
    for a in range(n_models):
        for b in range(n_models):
            shared = [i for i in range(n_items) if answered[a, i] and answered[b, i]]
            assert found.shared[a, b] == len(shared)
            assert found.wins[a, b] == sum(correct[a, i] and not correct[b, i] for i in shared)
            assert found.both_right[a, b] == sum(correct[a, i] and correct[b, i] for i in shared)


@given(pairs=st.lists(st.tuples(counts, counts), min_size=1, max_size=8))
def test_mcnemar_is_the_exact_test_of_statsmodels_and_scipy(pairs: list[tuple[int, int]]) -> None:
    b, c = np.array(pairs, dtype=float).T
    for (wins, losses), p in zip(pairs, mcnemar(b, c), strict=True):
        expected = statsmodels_mcnemar([[0, wins], [losses, 0]], exact=True).pvalue
        assert p == pytest.approx(expected if wins + losses else 1, rel=1e-9)
        if wins + losses:
            assert p == pytest.approx(binomtest(wins, wins + losses).pvalue, rel=1e-9)


def test_mid_p_takes_off_half_of_the_probability_of_what_was_seen_on_both_sides() -> None:
    # Binomial(10, 1/2): P(X <= 2) = 56/1024, P(X = 2) = 45/1024.
    p = mcnemar(np.array([8.0, 5.0, 0.0]), np.array([2.0, 5.0, 0.0]), midp=True)
    assert p == pytest.approx([(2 * 56 - 45) / 1024, 1, 1])


@settings(deadline=None, max_examples=25)
@given(p=st.lists(st.floats(0, 1), max_size=30))
def test_holm_multiplies_the_smallest_by_the_number_of_tests_and_so_on_down(
    p: list[float],
) -> None:
    adjusted = holm(np.array(p))
    highest = 0.0
    for place, index in enumerate(np.argsort(p, kind="stable")):
        highest = max(highest, min(1.0, p[index] * (len(p) - place)))
        assert adjusted[index] == pytest.approx(highest)


@given(correct=st.integers(0, 50), more=st.integers(1, 50))
def test_wilson_solves_the_equation_it_comes_from(correct: int, more: int) -> None:
    n = correct + more
    low, high = (end[0] for end in wilson(np.array([correct]), np.array([n])))
    # Both ends are the accuracies that the score test just does not reject at 5%.
    for end in (low, high):
        distance = (correct / n - end) ** 2
        assert distance == pytest.approx(1.959963984540054**2 * end * (1 - end) / n, abs=1e-9)
    assert (low, high) == pytest.approx(proportion_confint(correct, n, method="wilson"))


def test_of_no_answers_the_interval_says_nothing() -> None:
    low, high = wilson(np.array([0.0, 3.0]), np.array([0.0, 3.0]))
    assert (low[0], high[0]) == (0, 1)
    assert 0.4 < low[1] < high[1] == pytest.approx(1)


def blocks(both: int, b: int, c: int, neither: int) -> Mask:
    first = [True] * (both + b) + [False] * (c + neither)
    second = [True] * both + [False] * b + [True] * c + [False] * neither
    return np.array([first, second])


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [
        # Worked by hand from the formulas of method 10.
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((20, 10, 10, 10), -0.1737, 0.1737),
    ],
)
def test_the_interval_of_a_difference_is_newcombes(
    cells: tuple[int, int, int, int], low: float, high: float
) -> None:
    correct = blocks(*cells)
    estimate, lows, highs = difference(pair_counts(correct, np.ones_like(correct)), 1)
    assert estimate[0] == pytest.approx((cells[1] - cells[2]) / sum(cells))
    assert (lows[0], highs[0]) == pytest.approx((low, high), abs=6e-5)
    assert (estimate[1], lows[1], highs[1]) == (0, 0, 0)


@given(seed=st.integers(0, 99))
def test_a_difference_turns_round_with_its_models(seed: int) -> None:
    correct, answered = answers(seed, 2, 30)
    found = pair_counts(correct, answered)
    one, other = difference(found, 1), difference(found, 0)
    assert one[0][0] == pytest.approx(-other[0][1])
    assert one[1][0] == pytest.approx(-other[2][1])
    assert -1 <= one[1][0] <= one[0][0] <= one[2][0] <= 1


def test_models_that_share_no_item_are_not_compared() -> None:
    answered = np.array([[True, False], [False, True]])
    estimate, low, high = difference(pair_counts(answered, answered), 1)
    assert np.isnan(estimate[0])
    assert (low[0], high[0]) == (-1, 1)


def test_intervals_cover_the_truth_at_about_the_rate_they_state() -> None:
    random = np.random.default_rng(5)
    rounds, n, first, second = 4000, 120, 0.8, 0.72
    items = random.random((rounds, n))
    # Correlated answers: both get most of the same items right.
    a, b = items < first, (items + 0.15 * random.random((rounds, n))) < second + 0.075
    covered = np.zeros(2)
    for one, other in zip(a, b, strict=True):
        correct = np.stack([one, other])
        low, high = wilson(correct.sum(axis=1).astype(float), np.full(2, float(n)))
        covered[0] += low[0] <= first <= high[0]
        _, lows, highs = difference(pair_counts(correct, np.ones_like(correct)), 1)
        covered[1] += lows[0] <= first - second <= highs[0]
    assert covered / rounds == pytest.approx([0.95, 0.95], abs=0.02)
