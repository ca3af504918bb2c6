"""Ranks that remain possible after labels that were chosen."""

import numpy as np
import pytest

from apps.selection.methods.ranks import rank_ranges
from apps.selection.methods.votes import own_shares

from .pools import pool


def skilled(seed: int, skills: list[float], n_items: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Predictions of models of these skills on three classes, and the truth."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, n_items)
    right = random.random((len(skills), n_items)) < np.array(skills)[:, None]
    return np.where(right, truth, (truth + random.integers(1, 3, right.shape)) % 3), truth


def drawn(truth: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, list[int], list[float]]:
    """So many labels, drawn uniformly one after another."""
    items = np.random.default_rng(seed).permutation(len(truth))[:count]
    labels = np.full(len(truth), -1)
    labels[items] = truth[items]
    return labels, items.tolist(), [1 / (len(truth) - place) for place in range(count)]


def test_without_labels_every_rank_is_possible() -> None:
    answers, _ = skilled(0, [0.9, 0.5, 0.2])
    found = rank_ranges(pool(answers, 3), np.full(200, -1))
    assert found.low.tolist() == [1, 1, 1]
    assert found.high.tolist() == [3, 3, 3]
    assert found.n_drawn == 0


def test_once_all_is_labelled_ranks_are_known_and_equals_share_theirs() -> None:
    truth = np.array([0, 1, 2, 0, 1, 2])
    answers = np.array([truth, [0, 1, 2, 0, 0, 0], [0, 1, 2, 0, 2, 1], [1, 2, 0, 1, 2, 0]])
    found = rank_ranges(pool(answers, 3), truth)
    assert list(zip(found.low.tolist(), found.high.tolist(), strict=True)) == [
        (1, 1), (2, 3), (2, 3), (4, 4),
    ]  # fmt: skip


def test_a_few_draws_that_all_agree_decide_nothing() -> None:
    truth = np.zeros(100, dtype=int)
    answers = np.array([truth, truth + 1])
    labels, order, chances = drawn(truth, 3, seed=0)
    found = rank_ranges(pool(answers, 2), labels, order=order, probabilities=chances)
    assert found.low.tolist() == [1, 1]
    labels, order, chances = drawn(truth, 30, seed=0)
    found = rank_ranges(pool(answers, 2), labels, order=order, probabilities=chances)
    assert found.low.tolist() == [1, 2]


def test_the_leader_is_put_before_whom_it_cannot_be_passed_by() -> None:
    truth = np.zeros(40, dtype=int)
    first = np.zeros(40, dtype=int)
    second = np.where(np.arange(40) < 6, 1, 0)
    labels = np.where(np.arange(40) < 6, truth, -1)
    table = pool(np.array([first, second]), 2)
    assert rank_ranges(table, labels).low.tolist() == [1, 1]
    assert rank_ranges(table, labels, leader=0).low.tolist() == [1, 2]


def test_ranges_hold_although_most_items_were_chosen() -> None:
    missed = models = wide = 0
    for seed in range(40):
        answers, truth = skilled(seed, [0.9, 0.85, 0.7, 0.6, 0.4, 0.2])
        table, accuracy = pool(answers, 3), (answers == truth).mean(axis=1)
        random = np.random.default_rng(1000 + seed)
        split = -np.abs(own_shares(table.predictions).mean(axis=0) - 0.5)
        labels, order, chances = np.full(200, -1), [], []
        for place in range(80):
            left = np.flatnonzero(labels < 0)
            by_chance = place % 2 == 0
            item = int(random.choice(left)) if by_chance else int(left[split[left].argmax()])
            labels[item] = truth[item]
            order.append(item)
            chances.append(1 / len(left) if by_chance else np.nan)
        found = rank_ranges(table, labels, order=order, probabilities=chances)
        best = 1 + (accuracy > accuracy[:, None]).sum(axis=1)
        worst = 6 - (accuracy < accuracy[:, None]).sum(axis=1)
        missed += int(((found.low > worst) | (found.high < best)).sum())
        wide += int((found.high - found.low + 1).sum())
        models += 6
    assert missed / models <= 0.05
    assert wide / models < 3.5


def test_a_draw_without_a_label_is_refused() -> None:
    answers, _ = skilled(0, [0.9, 0.5])
    with pytest.raises(ValueError, match="was drawn but has no label"):
        rank_ranges(pool(answers, 3), np.full(200, -1), order=[3], probabilities=[0.005])
