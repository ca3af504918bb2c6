"""Scores against scikit-learn, decisions, and intervals of scores from chosen labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, recall_score

from apps.catalog.tables import PredictionTable
from apps.selection.methods.auto import Auto
from apps.selection.metrics.credit import Credit
from apps.selection.metrics.decision import guessed_labels, merits, odds_of
from apps.selection.metrics.intervals import estimate_scores
from apps.selection.metrics.scores import Score
from tests.selection.methods.pools import pool

COSTS = np.array([[0, 1, 2, 3], [4, 0, 1, 1], [5, 1, 0, 2], [10, 1, 1, 0]], float)
SCORES = {
    "cost": Score("credit", Credit.of_costs(COSTS)),
    "recall": Score("credit", Credit.of_class(4, 3)),
    "macro_f1": Score("macro_f1"),
    "worst_class": Score("worst_class"),
}


def made(seed: int, n_items: int = 300) -> tuple[PredictionTable, np.ndarray]:
    """Eight models of different worth, each better at some classes, on unequal classes."""
    random = np.random.default_rng(seed)
    truth = random.choice(4, n_items, p=[0.1, 0.2, 0.3, 0.4]).astype(np.int32)
    ease, bias = random.normal(0, 1.5, n_items), random.normal(0, 0.7, (8, 4))
    worth = np.linspace(-0.5, 2.5, 8)[:, None] + ease + bias[:, truth]
    right = random.random((8, n_items)) < 1 / (1 + np.exp(-worth))
    wrong = (truth + random.integers(1, 4, (8, n_items))) % 4
    return pool(np.where(right, truth, wrong), 4), truth


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_the_scores_are_those_of_scikit_learn(seed: int) -> None:
    table, truth = made(seed, 60)
    there = np.unique(truth)
    for votes, f1, worst in zip(
        table.predictions,
        SCORES["macro_f1"].of_labels(table, truth),
        SCORES["worst_class"].of_labels(table, truth),
        strict=True,
    ):
        expected = f1_score(truth, votes, labels=there, average="macro", zero_division=0)
        recalls = recall_score(truth, votes, labels=there, average=None, zero_division=0)
        assert f1 == pytest.approx(expected)
        assert worst == pytest.approx(recalls.min())


def test_credit_and_recall_are_means_over_the_items_that_count() -> None:
    table = pool([[0, 1, 1, -1], [0, 0, 1, 1]], 2)
    truth = np.array([0, 1, 1, 1], dtype=np.int32)
    half = Score("credit", Credit.of(np.array([[1, 0.5], [0, 1]])))
    assert half.of_labels(table, truth) == pytest.approx([3 / 4, 3 / 4])
    recall = Score("credit", Credit.of_class(2, 1))
    assert recall.of_labels(table, truth) == pytest.approx([2 / 3, 2 / 3])
    assert recall.of_labels(table, np.full(4, -1, np.int32)).tolist() == [0, 0]


def test_missing_labels_are_guessed_by_the_models_still_believed_in() -> None:
    table = pool([[0, 0], [1, -1], [1, -1]], 2)
    items = np.arange(2)
    assert guessed_labels(table, np.ones(3), items).tolist() == [1, 0]
    assert guessed_labels(table, np.array([1, 0.1, 0.1]), items).tolist() == [0, 0]
    assert odds_of(np.array([0, 5]), np.array([0, 5])) == pytest.approx([1, 0.0211], abs=1e-3)


@pytest.mark.parametrize("name", SCORES)
def test_with_all_labels_the_best_by_the_score_is_named(name: str) -> None:
    table, truth = made(1)
    found = merits(table, truth, SCORES[name], odds=np.ones(8))
    assert found == pytest.approx(SCORES[name].of_labels(table, truth))


def sessions(n_sessions: int, labels: int, share: float) -> dict[str, np.ndarray]:
    """By score, [n_sessions, n_models] whether the interval held, its width and its error."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in SCORES}
    for seed in range(n_sessions):
        table, truth = made(seed)
        random, method = np.random.default_rng(seed), Auto(table, seed=seed)
        given_labels = np.full(300, -1, np.int32)
        order: list[int] = []
        chances: list[float] = []
        for _ in range(labels):
            left = np.flatnonzero(given_labels < 0)
            if random.random() < share:
                item, chance = int(random.choice(left)), 1 / len(left)
            else:
                item, chance = int(method.suggest(1).items[0]), float("nan")
            method.observe(item, int(truth[item]))
            given_labels[item] = truth[item]
            order.append(item)
            chances.append(chance)
        for name, score in SCORES.items():
            held = estimate_scores(table, given_labels, score, order=order, probabilities=chances)
            value = score.of_labels(table, truth)
            inside = (held.low <= value + 1e-9) & (value <= held.high + 1e-9)
            found[name].append(np.array([inside, held.high - held.low, held.accuracy - value]))
    return {name: np.array(rows).mean(axis=(0, 2)) for name, rows in found.items()}


def test_intervals_of_scores_cover_although_most_items_were_chosen() -> None:
    for name, (covered, width, error) in sessions(40, 120, 0.5).items():
        assert covered >= 0.92, name
        assert width < (0.7 if name == "worst_class" else 0.3), name
        assert abs(error) < (0.1 if name == "worst_class" else 0.02), name


@pytest.mark.parametrize("name", SCORES)
def test_a_wholly_labelled_pool_leaves_no_doubt_of_a_score(name: str) -> None:
    table, truth = made(2)
    found = estimate_scores(table, truth, SCORES[name])
    assert found.low.tolist() == found.high.tolist()
    if name != "recall":
        assert found.accuracy == pytest.approx(SCORES[name].of_labels(table, truth))


@pytest.mark.parametrize(
    ("name", "n_drawn", "words"),
    [
        ("macro_f1", 29, "29 of the labelled items were drawn at random here; estimates need 30"),
        ("recall", 12, "of the items drawn at random are of the class class 3; 10 are needed"),
        ("worst_class", 9, "estimates need 10"),
    ],
)
def test_too_few_draws_for_a_score_say_so(name: str, n_drawn: int, words: str) -> None:
    table, truth = made(3)
    labels = np.full(300, -1)
    labels[:n_drawn] = truth[:n_drawn]
    chances = 1 / (300 - np.arange(n_drawn))
    found = estimate_scores(
        table, labels, SCORES[name], order=np.arange(n_drawn), probabilities=chances
    )
    assert np.isnan(found.accuracy).all()
    assert words in found.rests_on
