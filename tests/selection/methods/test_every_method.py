"""General checks that every registered method has to pass."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.catalog.tables import PredictionTable
from apps.selection.methods.base import Suggestions
from apps.selection.methods.registry import METHODS

from .pools import labels_for, pool, pools

every_method = pytest.mark.parametrize("name", sorted(METHODS))


def same(one: Suggestions, other: Suggestions) -> bool:
    return np.array_equal(one.items, other.items) and np.array_equal(
        one.probabilities, other.probabilities
    )


@every_method
@given(data=st.data(), table=pools(), k=st.integers(1, 10), seed=st.integers(0, 99))
def test_it_labels_the_whole_pool_and_no_item_twice(
    name: str, data: st.DataObject, table: PredictionTable, k: int, seed: int
) -> None:
    truth = data.draw(labels_for(table, lowest=0))
    method = METHODS[name](table, seed=seed)
    left = set(range(table.n_items))
    while left:
        suggestions = method.suggest(k)
        items = suggestions.items.tolist()
        assert len(items) == len(set(items)) == min(k, len(left))
        assert set(items) <= left
        assert np.all((suggestions.probabilities > 0) & (suggestions.probabilities <= 1))
        for item in items:
            method.observe(item, truth[item])
        left -= set(items)
    assert method.suggest(k).items.size == 0
    ran = table.predictions >= 0
    assert method.belief().correct.tolist() == (table.predictions == truth).sum(axis=1).tolist()
    assert method.belief().answered.tolist() == ran.sum(axis=1).tolist()


@every_method
@given(data=st.data(), table=pools(), seed=st.integers(0, 99))
def test_the_order_of_the_labels_changes_nothing(
    name: str, data: st.DataObject, table: PredictionTable, seed: int
) -> None:
    truth = data.draw(labels_for(table))
    seen = [item for item, label in enumerate(truth) if label >= 0]
    methods = []
    for order in (seen, data.draw(st.permutations(seen))):
        method = METHODS[name](table, seed=seed)
        for item in order:
            method.observe(item, truth[item])
            method.suggest(1)
        methods.append(method)
    assert same(methods[0].suggest(3), methods[1].suggest(3))
    one, other = methods[0].belief(), methods[1].belief()
    np.testing.assert_array_equal(one.accuracy, other.accuracy)
    np.testing.assert_array_equal(one.low, other.low)
    np.testing.assert_array_equal(one.high, other.high)


@every_method
@given(data=st.data(), table=pools())
def test_the_interval_holds_the_accuracy(
    name: str, data: st.DataObject, table: PredictionTable
) -> None:
    method = METHODS[name](table)
    for item, label in enumerate(data.draw(labels_for(table))):
        if label >= 0:
            method.observe(item, label)
    belief = method.belief()
    unknown = belief.answered == 0
    assert np.array_equal(np.isnan(belief.accuracy), unknown)
    accuracy = np.where(unknown, 0.5, belief.accuracy)
    assert np.all((belief.low >= -1e-12) & (belief.high <= 1 + 1e-12))
    assert np.all((belief.low <= accuracy + 1e-12) & (accuracy <= belief.high + 1e-12))
    assert belief.rests_on.endswith(".")


@every_method
@pytest.mark.parametrize(
    ("predictions", "n_classes"),
    [
        ([[0, 0, 0], [0, 0, 0]], 1),
        ([[0, 1, 2], [0, 1, 2]], 3),
        ([[0, 1, 2]], 3),
        ([[-1, -1, -1], [0, 1, 0]], 2),
        ([[-1, -1, -1]], 2),
        ([[0, 1, 0], [1, 0, 1]], 2),
    ],
    ids=["one class", "all agree", "one model", "one not run", "none run", "two models"],
)
def test_it_copes_with_a_poor_pool(name: str, predictions: Any, n_classes: int) -> None:
    method = METHODS[name](pool(predictions, n_classes))
    assert sorted(method.suggest(99).items.tolist()) == [0, 1, 2]
    method.observe(1, 0)
    assert sorted(method.suggest(99).items.tolist()) == [0, 2]
    assert len(method.belief().correct) == len(predictions)


@every_method
def test_asking_twice_gives_the_same_answer_and_another_seed_another(name: str) -> None:
    table = pool(np.tile([[0, 1], [1, 0]], 50), 2)
    method = METHODS[name](table, seed=1)
    assert same(method.suggest(10), method.suggest(10))
    assert not same(method.suggest(10), METHODS[name](table, seed=2).suggest(10))


@every_method
def test_the_stated_probability_is_how_often_the_item_is_drawn(name: str) -> None:
    # Items 0 to 2 tell the models apart in the same way; on 3 and 4 they agree.
    table = pool([[0, 0, 0, 1, 1], [1, 1, 1, 1, 1]], 2)
    for k in (1, 2, 4):
        drawn, stated, rounds = np.zeros(5), np.zeros(5), 1000
        for seed in range(rounds):
            suggestions = METHODS[name](table, seed=seed).suggest(k)
            drawn[suggestions.items] += 1 / rounds
            stated[suggestions.items] = suggestions.probabilities
        np.testing.assert_allclose(drawn, stated, atol=0.05)


@every_method
def test_the_same_label_again_changes_nothing_and_another_one_is_refused(name: str) -> None:
    method = METHODS[name](pool([[0, 1], [1, 1]], 2))
    method.observe(0, 1)
    before = method.belief()
    method.observe(0, 1)
    with pytest.raises(
        ValueError,
        match=r"Item `item 0` already has the label `class 1`; `class 0` was not taken over\.",
    ):
        method.observe(0, 0)
    assert method.belief().correct.tolist() == before.correct.tolist() == [0, 1]


@every_method
@pytest.mark.parametrize(
    ("item", "label", "sentence"),
    [
        (2, 0, "There is no item with the index 2: the pool has 2."),
        (-1, 0, "There is no item with the index -1: the pool has 2."),
        (0, 2, r"Item `item 0`: label 2 is not one of the 2 classes \(0 to 1\)."),
        (0, -1, r"Item `item 0`: label -1 is not one of the 2 classes \(0 to 1\)."),
    ],
)
def test_it_names_a_label_that_does_not_fit(
    name: str, item: int, label: int, sentence: str
) -> None:
    method = METHODS[name](pool([[0, 1], [1, 1]], 2))
    with pytest.raises(ValueError, match=sentence):
        method.observe(item, label)
    assert method.belief().answered.tolist() == [0, 0]


@every_method
def test_asking_for_no_items_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="At least one item must be asked for, not 0"):
        METHODS[name](pool([[0, 1], [1, 1]], 2)).suggest(0)


@every_method
def test_it_copes_with_a_thousand_models(name: str) -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 40)
    right = random.random((1000, 40)) < random.uniform(0.2, 0.95, (1000, 1))
    answers = np.where(right, truth, random.integers(0, 3, (1000, 40)))
    answers[random.random((1000, 40)) < 0.05] = -1
    method = METHODS[name](pool(answers, 3), seed=1)
    for _ in range(2):
        item = int(method.suggest(1).items[0])
        method.observe(item, int(truth[item]))
    assert 0 <= method.leader() < 1000
    assert method.belief().leader == method.leader()
    assert len(set(method.suggest(50).items.tolist())) == 38


@every_method
def test_equal_models_are_named_alike_often(name: str) -> None:
    # Two models that no label has told apart yet: which is named is left to the seed.
    table = pool([[0, 1, 0, 1], [1, 0, 1, 0]], 2)
    named = [METHODS[name](table, seed=seed).leader() for seed in range(60)]
    assert 10 <= sum(named) <= 50


@every_method
def test_the_leader_is_the_same_when_asked_again_and_in_any_order_of_labels(name: str) -> None:
    random = np.random.default_rng(3)
    table = pool(random.integers(-1, 3, (5, 12)), 3)
    truth = random.integers(0, 3, 12)
    for seed in range(5):
        one, other = METHODS[name](table, seed=seed), METHODS[name](table, seed=seed)
        for item in range(8):
            one.observe(item, int(truth[item]))
            one.leader()
            other.observe(7 - item, int(truth[7 - item]))
        assert one.leader() == other.leader() == one.leader()
