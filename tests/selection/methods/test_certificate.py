import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.catalog.tables import PredictionTable
from apps.selection.methods.certificate import certificate

from .pools import labels_for, pool, pools

deltas = st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.34, 0.5])


def completions(labels: list[int], n_classes: int) -> list[list[int]]:
    """All ways in which the missing labels can turn out."""
    options = [[label] if label >= 0 else list(range(n_classes)) for label in labels]
    return [list(choice) for choice in itertools.product(*options)]


@settings(deadline=None)
@given(data=st.data(), table=pools(max_models=4, max_items=5, max_classes=3), delta=deltas)
def test_it_holds_exactly_where_no_labels_can_break_it(
    data: st.DataObject, table: PredictionTable, delta: float
) -> None:
    labels = data.draw(labels_for(table))
    found = certificate(table, labels, delta=delta)
    leader = table.model_names.index(found.leader)
    correct = (table.predictions == np.where(np.array(labels) < 0, -2, labels)).sum(axis=1)
    assert correct[leader] == correct.max()
    lost = max(
        int(points.max() - points[leader])
        for points in (
            (table.predictions == truth).sum(axis=1)
            for truth in completions(labels, len(table.class_names))
        )
    )
    unbroken = lost <= delta * table.n_items + 1e-9
    assert unbroken or not found.holds
    # With a single class there is only one way in which the labels can turn out.
    assert found.holds or not unbroken or len(table.class_names) == 1
    assert found.holds == (found.worst_case_labels_left == 0) == (not found.rivals)


@settings(deadline=None, max_examples=60)
@given(data=st.data(), table=pools(max_models=4, max_items=5, max_classes=3), delta=deltas)
def test_the_labels_left_in_the_worst_case_always_suffice(
    data: st.DataObject, table: PredictionTable, delta: float
) -> None:
    labels = data.draw(labels_for(table))
    start = certificate(table, labels, delta=delta)
    if start.holds:
        return
    contested = contested_items(table, labels, start.leader)
    count = start.worst_case_labels_left
    assert count <= len(contested)
    for bought in itertools.combinations(contested, count):
        for answers in itertools.product(range(len(table.class_names)), repeat=count):
            after = list(labels)
            for item, answer in zip(bought, answers, strict=True):
                after[item] = answer
            assert certificate(table, after, delta=delta).holds


def contested_items(table: PredictionTable, labels: list[int], leader: str) -> list[int]:
    """The items to buy labels of: where the leader differs from one that could still pass it."""
    truth = np.array(labels)
    is_open = truth < 0
    top = table.predictions[table.model_names.index(leader)]
    points = ((table.predictions == truth) & ~is_open).sum(axis=1)
    lead = points[table.model_names.index(leader)] - points
    differs = is_open & (table.predictions != top)
    runs = (differs & (table.predictions >= 0)).sum(axis=1) > lead
    return [int(item) for item in np.flatnonzero(differs[runs].any(axis=0))]


@pytest.mark.parametrize("delta", [0.0, 0.2, 0.4])
@pytest.mark.parametrize("lead", [0, 1, 2])
def test_between_two_models_one_label_fewer_can_be_too_few(delta: float, lead: int) -> None:
    n_open = 5 - lead
    table, labels = pool([[0] * 5, [1] * 5], 3), [0] * lead + [-1] * n_open
    found = certificate(table, labels, delta=delta)
    assert not found.holds or n_open <= lead + 5 * delta
    if found.holds:
        return
    assert found.worst_case_labels_left == n_open - math.floor(5 * delta + 1e-9)
    one_fewer = found.worst_case_labels_left - 1
    assert any(
        not certificate(
            table, labels[:lead] + list(answers) + [-1] * (n_open - one_fewer), delta=delta
        ).holds
        for answers in itertools.product(range(3), repeat=one_fewer)
    )


def test_a_model_that_was_not_run_cannot_gain_there() -> None:
    table = pool([[0, 0, 0], [1, -1, -1]], 2)
    assert certificate(table, [0, -1, -1]).holds
    assert not certificate(table, [-1, -1, -1], leader="model 1").holds


def test_of_equal_leaders_the_one_nearest_to_its_certificate_is_spoken_of() -> None:
    # Both others could still pass model 0, which differs from them on every open item.
    table = pool([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 1]], 2)
    assert certificate(table, [0, -1, -1, -1]).leader == "model 1"
    assert certificate(table, [0, -1, -1, -1], leader="model 0").leader == "model 0"


def test_it_names_the_rivals_hardest_first_and_can_be_written_as_json() -> None:
    table = pool([[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1], [1, 0, 0, 0]], 2)
    found = certificate(table, [0, -1, -1, -1], leader="model 0")
    assert json.loads(json.dumps(found.as_dict())) == {
        "holds": False,
        "leader": "model 0",
        "worst_case_labels_left": 2,
        "delta": 0.0,
        "rivals": [
            {"model": "model 1", "lead": 0, "can_gain": 2},
            {"model": "model 2", "lead": 0, "can_gain": 1},
        ],
    }


def test_one_model_is_certain_to_be_the_best() -> None:
    assert certificate(pool([[0, 1]], 2), [-1, -1]).holds


@pytest.mark.parametrize("delta", [-0.1, 1.1, float("nan")])
def test_a_delta_that_is_no_share_is_refused(delta: float) -> None:
    with pytest.raises(ValueError, match="it must be between 0 and 1"):
        certificate(pool([[0]], 1), [0], delta=delta)


def test_an_unknown_leader_is_refused() -> None:
    with pytest.raises(ValueError, match="There is no model `nobody` among the candidates"):
        certificate(pool([[0]], 1), [0], leader="nobody")
