import numpy as np

from apps.catalog.tables import PredictionTable
from apps.selection.methods import epsilon as epsilon_module
from apps.selection.methods.epsilon import GRID, tuned_epsilon
from apps.selection.methods.model_selector import ModelSelector

from .pools import pool


def made(seed: int = 0) -> PredictionTable:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, 80)
    right = random.random((8, 80)) < np.linspace(0.5, 0.9, 8)[:, None]
    return pool(np.where(right, truth, (truth + random.integers(1, 3, (8, 80))) % 3), 3)


def test_the_epsilon_that_finds_the_majoritys_favourite_soonest_is_taken() -> None:
    table = made()
    majority = np.array([np.bincount(column).argmax() for column in table.predictions.T])
    accuracy = (table.predictions == majority).mean(axis=1)
    hits = {}
    for value in GRID:
        hits[value] = 0
        for seed in range(3):
            order = np.random.default_rng((5, seed)).choice(80, 80, replace=False)
            method = ModelSelector(table.subset(items=order), seed=seed, epsilon=value)
            for _ in range(20):
                item = int(method.suggest(1).items[0])
                method.observe(item, int(majority[order][item]))
                hits[value] += bool(accuracy[method.leader()] == accuracy.max())
    best = max(GRID, key=lambda value: (hits[value], value))
    assert tuned_epsilon(table, labels=20, realisations=3, seed=5) == best


def test_the_same_table_and_seed_give_the_same_epsilon() -> None:
    assert tuned_epsilon(made(), labels=10, seed=3) == tuned_epsilon(made(), labels=10, seed=3)


def test_the_majority_is_the_lowest_class_of_equals_and_of_those_run() -> None:
    table = pool([[1, 2, -1, -1, 2], [0, 2, 1, -1, 0], [-1, 0, 1, -1, 0]], 3)
    assert epsilon_module._majority(table).tolist() == [0, 2, 1, 0, 0]
