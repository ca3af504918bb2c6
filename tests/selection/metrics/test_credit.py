"""Graded answers, and the certificate and the stop that go with them."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.catalog.tables import PredictionTable
from apps.selection.methods.certificate import certificate
from apps.selection.methods.rivals import StopMeter
from apps.selection.methods.stopping import is_certain, stopping
from apps.selection.metrics.credit import Credit, vote_shares
from tests.selection.methods.pools import labels_for, pool, pools

LEVELS = [0.0, 0.25, 0.5, 1.0]


@st.composite
def credits_for(draw: st.DrawFn, n_classes: int) -> Credit:
    if draw(st.booleans()):
        return Credit.of_class(n_classes, draw(st.integers(0, n_classes - 1)))
    row = st.lists(st.sampled_from(LEVELS), min_size=n_classes, max_size=n_classes)
    return Credit.of(draw(st.lists(row, min_size=n_classes, max_size=n_classes)))


def earned(table: PredictionTable, labels: list[int], credit: Credit) -> np.ndarray:
    """[n_models], by the definition: a sum over items, not run earns nothing."""
    return np.array(
        [
            sum(
                credit.earned[label, credit.kind[answer]] if answer >= 0 else 0.0
                for answer, label in zip(row, labels, strict=True)
                if label >= 0
            )
            for row in table.predictions
        ]
    )


def completions(labels: list[int], n_classes: int) -> list[list[int]]:
    options = [[label] if label >= 0 else list(range(n_classes)) for label in labels]
    return [list(choice) for choice in itertools.product(*options)]


@settings(deadline=None, max_examples=150)
@given(
    data=st.data(),
    table=pools(max_models=4, max_items=5, max_classes=3),
    delta=st.sampled_from([0.0, 0.1, 0.25, 0.5]),
)
def test_the_certificate_of_a_credit_holds_exactly_where_no_labels_can_break_it(
    data: st.DataObject, table: PredictionTable, delta: float
) -> None:
    n_classes = len(table.class_names)
    labels = data.draw(labels_for(table))
    credit = data.draw(credits_for(n_classes))
    found = certificate(table, labels, delta=delta, credit=credit)
    leader = table.model_names.index(found.leader)
    so_far = earned(table, labels, credit)
    assert so_far[leader] == pytest.approx(so_far.max())
    lost, lost_of_class = 0.0, 0.0
    for truth in completions(labels, n_classes):
        points = earned(table, truth, credit)
        counted = credit.counted[truth].sum()
        lost = max(lost, points.max() - points[leader])
        lost_of_class = max(lost_of_class, (points.max() - points[leader]) - delta * counted)
    allowed = delta * credit.base(np.array(labels, dtype=np.int32))
    assert found.holds == (lost <= allowed + 1e-9)
    if found.holds:
        assert lost_of_class <= 1e-9  # also where only the items of one class count
    assert found.holds == (found.worst_case_labels_left == 0) == (not found.rivals)


@settings(deadline=None, max_examples=60)
@given(
    data=st.data(),
    table=pools(max_models=3, max_items=4, max_classes=3),
    delta=st.sampled_from([0.0, 0.25]),
)
def test_the_labels_left_with_a_credit_always_suffice(
    data: st.DataObject, table: PredictionTable, delta: float
) -> None:
    labels = data.draw(labels_for(table))
    credit = data.draw(credits_for(len(table.class_names)))
    start = certificate(table, labels, delta=delta, credit=credit)
    if start.holds:
        return
    kinds = credit.kinds(table.predictions)
    top = table.model_names.index(start.leader)
    so_far = earned(table, labels, credit)
    is_open = np.array(labels) < 0
    gains = (credit.gain[kinds, kinds[top]] * is_open).sum(axis=1)
    runners = so_far[top] - so_far < gains - 1e-9
    contested = np.flatnonzero(((kinds != kinds[top]) & is_open)[runners].any(axis=0))
    count = start.worst_case_labels_left
    assert count <= len(contested)
    for bought in itertools.combinations(contested, count):
        for answers in itertools.product(range(len(table.class_names)), repeat=count):
            after = list(labels)
            for item, answer in zip(bought, answers, strict=True):
                after[int(item)] = answer
            assert certificate(table, after, delta=delta, credit=credit).holds


@settings(deadline=None, max_examples=60)
@given(data=st.data(), table=pools(max_models=4, max_items=8, max_classes=3, lowest=0))
def test_right_or_wrong_is_a_credit_like_any_other(
    data: st.DataObject, table: PredictionTable
) -> None:
    n_classes = len(table.class_names)
    if n_classes < 2:
        return
    labels = data.draw(labels_for(table))
    credit = Credit.of(np.eye(n_classes))
    plain, graded = certificate(table, labels), certificate(table, labels, credit=credit)
    assert plain == graded
    ours, theirs = StopMeter(table), StopMeter(table, credit)
    for item, label in enumerate(labels):
        if label >= 0:
            ours.observe(item, label)
            theirs.observe(item, label)
    assert vars(stopping(ours.rivals(0))) == pytest.approx(vars(stopping(theirs.rivals(0))))


@settings(deadline=None, max_examples=60)
@given(data=st.data(), table=pools(max_models=4, max_items=8, max_classes=3))
def test_the_meter_of_a_credit_is_the_same_label_by_label(
    data: st.DataObject, table: PredictionTable
) -> None:
    labels = data.draw(labels_for(table))
    credit = data.draw(credits_for(len(table.class_names)))
    meter = StopMeter(table, credit)
    meter.rivals(0)
    for item, label in enumerate(labels):
        if label >= 0:
            meter.observe(item, label)
    held, fresh = meter.rivals(0), meter.counted(0)
    for name in ("lead", "can_gain", "open", "differed", "decided"):
        assert getattr(held, name) == pytest.approx(getattr(fresh, name)), name
    assert held.base == fresh.base
    name = table.model_names[0]
    proof = certificate(table, labels, leader=name, credit=credit)
    assert is_certain(held) == proof.holds


def test_classes_that_earn_alike_are_one_kind_of_answer() -> None:
    credit = Credit.of([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    table = pool([[0, 0, 2], [1, 1, 2]], 3)
    kinds = credit.kinds(table.predictions)
    assert (kinds[0] == kinds[1]).all()
    assert certificate(table, [-1, -1, -1], credit=credit).holds


def test_costs_become_a_score_whose_best_is_the_cheapest() -> None:
    credit = Credit.of_costs([[0, 1], [10, 2]])
    assert credit.earned[0, credit.kind[0]] == 1
    assert credit.earned[1, credit.kind[0]] == 0
    assert credit.earned[1, credit.kind[1]] == pytest.approx(0.8)
    assert credit.earned[1, credit.kind[-1]] == 0  # not run: as dear as it gets


def test_shares_of_votes_leave_out_who_was_not_run() -> None:
    shares = vote_shares(np.array([[0, -1], [1, -1], [0, -1]], dtype=np.int32), 2)
    assert shares == pytest.approx(np.array([[2 / 3, 1 / 3], [0.5, 0.5]]))


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        ([[1, 0]], "a row and a column for each class, not 1 × 2"),
        ([[1, 2], [0, 1]], "between 0 and 1"),
        ([[1, math.nan], [0, 1]], "must be a number"),
        ([["a", 0], [0, 1]], "a number for each pair"),
        ([[1, 0], [1]], "a number for each pair"),
    ],
)
def test_a_matrix_that_does_not_fit_is_told(matrix: list[list[float]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Credit.of(matrix)


def test_costs_that_are_all_equal_choose_nothing() -> None:
    with pytest.raises(ValueError, match="All costs are equal"):
        Credit.of_costs([[1, 1], [1, 1]])
    with pytest.raises(ValueError, match="no class 2"):
        Credit.of_class(2, 2)
