"""Models over several datasets: means that cover, tests that keep their level, honest gaps."""

import numpy as np
import pytest

from apps.leaderboards.statistics.paired import pair_counts
from apps.leaderboards.statistics.together import Stratum, together


def stratum(correct: np.ndarray, answered: np.ndarray | None = None) -> Stratum:
    ran = np.ones_like(correct) if answered is None else answered
    right = correct & ran
    return Stratum(
        right.sum(axis=1).astype(float), ran.sum(axis=1).astype(float), pair_counts(right, ran)
    )


def test_each_dataset_counts_the_same_however_many_items_it_has() -> None:
    small = np.array([[True] * 10, [True] * 5 + [False] * 5])
    large = np.array([[True] * 200 + [False] * 800, [True] * 400 + [False] * 600])
    found = together([stratum(small), stratum(large)])
    assert found.mean == pytest.approx([0.6, 0.45])
    assert (found.low < found.mean).all()
    assert (found.high > found.mean).all()


def test_a_model_missing_on_a_dataset_has_no_mean_and_no_rank() -> None:
    random = np.random.default_rng(0)
    correct = random.random((3, 100)) < 0.7
    ran = np.ones((3, 100), bool)
    ran[2] = False
    found = together([stratum(correct), stratum(correct, ran)])
    assert found.complete.tolist() == [True, True, False]
    assert np.isnan(found.mean[2])
    assert np.isnan(found.accuracy[1, 2])
    assert found.rank_low.tolist()[2] == 0
    assert found.rank_high.max() == 2
    assert (found.p_adjusted[2] == 1).all()


def test_a_model_that_is_better_everywhere_ranks_first() -> None:
    random = np.random.default_rng(1)
    sets = [random.random((3, 300)) < np.array([[0.9], [0.6], [0.6]]) for _ in range(3)]
    found = together([stratum(one) for one in sets])
    assert (found.rank_low[0], found.rank_high[0]) == (1, 1)
    assert (found.rank_low[1:] == 2).all()
    assert (found.rank_high[1:] == 3).all()


def test_intervals_cover_and_the_test_keeps_its_level_where_only_the_means_are_equal() -> None:
    random = np.random.default_rng(2)
    shares = [np.array([0.9, 0.7]), np.array([0.5, 0.7])]
    sizes, rounds = (40, 160), 1500
    covered, rejected = 0, 0
    for _ in range(rounds):
        found = together(
            [
                stratum(random.random((2, n)) < share[:, None])
                for n, share in zip(sizes, shares, strict=True)
            ]
        )
        covered += found.low[0] <= 0.7 <= found.high[0]
        rejected += found.p_adjusted[0, 1] <= 0.05
    assert 0.93 <= covered / rounds <= 0.97
    assert rejected / rounds <= 0.055


def test_one_dataset_is_not_several() -> None:
    with pytest.raises(ValueError, match="at least two"):
        together([stratum(np.ones((2, 3), bool))])
