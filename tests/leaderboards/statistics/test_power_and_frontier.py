import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.leaderboards.statistics.frontier import pareto_frontier
from apps.leaderboards.statistics.paired import mcnemar
from apps.leaderboards.statistics.power import more_labels


@pytest.mark.parametrize(
    ("b", "c", "n", "alpha"), [(18, 8, 100, 0.05), (14, 10, 100, 0.05), (20, 8, 200, 0.001)]
)
def test_with_the_labels_it_asks_for_the_test_succeeds_about_four_times_in_five(
    b: int, c: int, n: int, alpha: float
) -> None:
    more = more_labels(b, c, n, alpha=alpha)
    assert more is not None
    draws = np.random.default_rng(1).multinomial(n + more, [b / n, c / n, 1 - (b + c) / n], 4000)
    p = mcnemar(draws[:, 0].astype(float), draws[:, 1].astype(float), midp=True)
    assert (p <= alpha).mean() == pytest.approx(0.8, abs=0.05)


def test_without_a_difference_no_number_of_labels_will_do() -> None:
    assert more_labels(3, 3, 50) is None
    assert more_labels(0, 0, 50) is None
    assert more_labels(0, 0, 0) is None


@given(b=st.integers(0, 30), c=st.integers(0, 30), rest=st.integers(0, 100))
def test_it_asks_for_at_least_one_label_and_does_not_mind_the_direction(
    b: int, c: int, rest: int
) -> None:
    more = more_labels(b, c, b + c + rest)
    assert more == more_labels(c, b, b + c + rest)
    assert (more is None) == (b == c)
    assert more is None or more >= 1


def test_a_stricter_level_asks_for_more() -> None:
    loose, strict = (more_labels(12, 8, 100, alpha=alpha) for alpha in (0.05, 0.001))
    assert loose is not None
    assert strict is not None
    assert strict > loose


@given(
    models=st.lists(
        st.tuples(
            st.sampled_from([1.0, 2.0, 3.0, float("nan")]),
            st.sampled_from([0.5, 0.6, 0.7, float("nan")]),
        ),
        max_size=10,
    )
)
def test_a_model_is_on_the_frontier_unless_another_one_beats_it(
    models: list[tuple[float, float]],
) -> None:
    price, accuracy = np.array(models, dtype=float).reshape(-1, 2).T
    on = pareto_frontier(price, accuracy)
    for (cost, quality), is_on in zip(models, on, strict=True):
        known = not np.isnan(cost + quality)
        beaten = any(
            other_cost <= cost and other >= quality and (other_cost < cost or other > quality)
            for other_cost, other in models
        )
        assert is_on == (known and not beaten)
