"""The published rules against their formulas, as the papers write them."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.catalog.tables import PredictionTable
from apps.selection.methods.active_testing import ActiveTesting
from apps.selection.methods.amc import Amc
from apps.selection.methods.drawn import Drawn, sample
from apps.selection.methods.gini import Gini
from apps.selection.methods.lure import lure_weights
from apps.selection.methods.margin import Margin
from apps.selection.methods.model_picker import ModelPicker
from apps.selection.methods.qbc import QueryByCommittee
from apps.selection.methods.ranked import Ranked
from apps.selection.methods.top_two import TopTwo
from apps.selection.methods.uncertainty import Uncertainty
from apps.selection.methods.vma import Vma

from .pools import labels_for, pool, pools

Floats = NDArray[np.float64]


def shares(column: NDArray[np.int32], n_classes: int) -> Floats:
    run = column[column >= 0]
    return np.bincount(run, minlength=n_classes) / max(len(run), 1)


def entropy(v: Floats) -> float:
    return float(-sum(x * np.log(x) for x in v if x > 0))


def margin(v: Floats) -> float:
    low, high = np.sort(np.append(v, 0))[-2:]
    return float(low - high)


@pytest.mark.parametrize(
    ("method", "doubt"),
    [(Uncertainty, entropy), (Margin, margin), (QueryByCommittee, lambda v: 1 - max(v))],
)
@given(table=pools(max_models=7))
def test_a_fixed_order_is_that_of_its_formula(
    method: type[Ranked], doubt: Callable[[Floats], float], table: PredictionTable
) -> None:
    found = method(table)
    expected = [
        doubt(shares(table.predictions[:, i], len(table.class_names))) for i in found.votes.items
    ]
    assert found.scores() == pytest.approx(expected)


@given(data=st.data(), table=pools(max_models=6))
def test_gini_is_the_weighted_vote_split(data: st.DataObject, table: PredictionTable) -> None:
    method = Gini(table)
    for item, label in enumerate(data.draw(labels_for(table))):
        if label >= 0:
            method.observe(item, label)
    p = 1.5**method.correct
    for item, score in zip(method.votes.items, method.scores(), strict=True):
        column = table.predictions[:, item]
        held = np.array([p[column == c].sum() for c in range(len(table.class_names))])
        held /= p[column >= 0].sum()
        assert score == pytest.approx((held * (1 - held)).sum())


def test_top_two_asks_where_the_two_best_differ() -> None:
    table = pool([[0, 0, 0, 1, 0], [0, 0, 1, 0, 0], [0, 1, 0, 1, 1], [0, 1, 1, 0, 1]], 2)
    method = TopTwo(table)
    method.observe(4, 1)  # models 2 and 3 lead: they differ on items 2 and 3
    assert set(method.suggest(2).items.tolist()) == {2, 3}
    assert method.suggest(2).probabilities.tolist() == [1, 1]


@given(table=pools(max_models=6))
def test_vma_weighs_by_the_pairwise_variance(table: PredictionTable) -> None:
    for item, weight in enumerate(Vma(table).weights()):
        column = table.predictions[:, item]
        v = shares(column, len(table.class_names))
        run = column[column >= 0]
        expected = sum(
            abs(int(j != c) - int(k != c)) * v[c]
            for j, k in itertools.combinations(run.tolist(), 2)
            for c in range(len(v))
        )
        assert weight == pytest.approx(expected + 0.01)


@given(table=pools(max_models=5))
def test_amc_weighs_by_the_deviation_of_all_pairs(table: PredictionTable) -> None:
    n_classes = len(table.class_names)
    votes = np.array([shares(column, n_classes) for column in table.predictions.T])
    classes = np.arange(n_classes)
    loss = (table.predictions[:, :, None] != classes).astype(float)
    risk = (loss * votes).sum(axis=2).mean(axis=1)
    run = (table.predictions >= 0).any(axis=0)
    expected = np.zeros(table.n_items)
    for r, s in itertools.permutations(range(table.n_models), 2):
        apart = loss[r] - loss[s] - (risk[r] - risk[s])
        expected += np.sqrt((votes * apart**2).sum(axis=1))
    if run.all():
        assert Amc(table).weights() == pytest.approx(expected)


def test_active_testing_weighs_by_the_expected_losses_and_leaves_nothing_out() -> None:
    table = pool([[0, 0, 0], [0, 0, 1], [0, 1, 1], [0, 2, 1]], 3)
    # No loss, then (1/2 + 1/2 + 3/4 + 3/4) and (3/4 + 3 times 1/4); the floor is a tenth of the mean.
    assert ActiveTesting(table).weights() == pytest.approx([0.1 * 4 / 3, 2.5, 1.5])


@pytest.mark.parametrize("method", [ActiveTesting, Vma, Amc, ModelPicker])
def test_a_chain_of_draws_is_found_again_whatever_the_order(method: type[Drawn]) -> None:
    random = np.random.default_rng(5)
    table = pool(random.integers(0, 3, (6, 30)), 3)
    truth = random.integers(0, 3, 30)
    lived = method(table, seed=4)
    for _ in range(12):
        item = int(lived.suggest(1).items[0])
        lived.observe(item, int(truth[item]))
    lived.follow()
    read_back = method(table, seed=4)
    for draw in reversed(lived.chain):
        read_back.observe(draw.item, int(truth[draw.item]))
    read_back.follow()
    assert read_back.chain == lived.chain
    assert len(lived.chain) == 12
    assert read_back.leader() == lived.leader()


def test_model_picker_forgives_what_it_hardly_ever_asks() -> None:
    # A loss weighs the inverse of the probability with which the item is asked for.
    table = pool([[0] * 4, [1] + [0] * 3, [1, 1, 0, 0]], 2)
    method = ModelPicker(table, seed=0)
    asked = method.weights().copy()
    assert asked[2] == asked[3] == 0
    item = int(method.suggest(1).items[0])
    method.observe(item, 0)
    method.follow()
    wrong = table.predictions[:, item] != 0
    assert method._losses.tolist() == pytest.approx((wrong / asked[item]).tolist())
    assert method.leader() == 0


@given(
    weights=st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0, 50.0]), min_size=1, max_size=8),
    k=st.integers(1, 8),
)
def test_places_are_drawn_as_often_as_stated(weights: list[float], k: int) -> None:
    counted, stated, rounds = np.zeros(len(weights)), np.full(len(weights), np.nan), 400
    for seed in range(rounds):
        places, chances = sample(np.array(weights), k, np.random.default_rng(seed))
        assert len(set(places.tolist())) == len(places) == min(k, len(weights))
        counted[places] += 1
        stated[places] = chances
    seen = ~np.isnan(stated)
    error = np.sqrt(stated[seen] * (1 - stated[seen]) / rounds)
    assert np.all(np.abs(counted[seen] / rounds - stated[seen]) <= 5 * error + 1e-9)


@given(
    n_items=st.integers(2, 6),
    data=st.data(),
)
def test_lure_has_the_mean_loss_as_its_expectation(n_items: int, data: st.DataObject) -> None:
    losses = np.array(
        data.draw(st.lists(st.integers(0, 1), min_size=n_items, max_size=n_items)), dtype=float
    )
    weights = np.array(
        data.draw(st.lists(st.integers(1, 9), min_size=n_items, max_size=n_items)), dtype=float
    )
    m = data.draw(st.integers(1, n_items))
    expectation = 0.0
    for draws in itertools.permutations(range(n_items), m):
        left, chance, q = weights.sum(), 1.0, []
        for item in draws:
            q.append(weights[item] / left)
            chance *= q[-1]
            left -= weights[item]
        expectation += chance * (lure_weights(np.array(q), n_items) @ losses[list(draws)]) / m
    assert expectation == pytest.approx(losses.mean())


@pytest.mark.parametrize(
    ("probabilities", "sentence"),
    [([0.5, 0.0], "above 0"), ([0.5, 1.5], "up to 1"), ([0.5] * 4, "4 draws without replacement")],
)
def test_probabilities_that_are_none_are_refused(probabilities: list[float], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        lure_weights(np.array(probabilities), 3)
