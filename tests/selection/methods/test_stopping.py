"""When to stop: the rules against their formulas, and the labels still to come."""

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.catalog.tables import PredictionTable
from apps.selection.methods.certificate import certificate
from apps.selection.methods.committee import Committee
from apps.selection.methods.rivals import Part, Rivals, StopMeter
from apps.selection.methods.stopping import (
    is_certain,
    limit,
    risk,
    should_stop,
    stopping,
    zero_drift_risk,
)

from .pools import labels_for, pool, pools

deltas = st.sampled_from([0.0, 0.01, 0.3])


def met(table: PredictionTable, labels: list[int]) -> StopMeter:
    meter = StopMeter(table)
    for item, label in enumerate(labels):
        if label >= 0:
            meter.observe(item, label)
    return meter


def committee_of(table: PredictionTable, labels: list[int]) -> Committee:
    committee = Committee(table.predictions)
    for item, label in enumerate(labels):
        if label >= 0:
            committee.observe(item, label)
    return committee


def votes(table: PredictionTable, model: int, item: int) -> int:
    answers = table.predictions[:, item]
    return int((answers == answers[model]).sum()) if answers[model] >= 0 else 0


def upper(z: float) -> float:
    return 0.5 * math.erfc(z / math.sqrt(2))


@given(data=st.data(), table=pools(), delta=deltas)
def test_it_is_certain_where_the_certificate_holds(
    data: st.DataObject, table: PredictionTable, delta: float
) -> None:
    labels = data.draw(labels_for(table))
    leader = data.draw(st.integers(0, table.n_models - 1))
    rivals = met(table, labels).rivals(leader)
    name = table.model_names[leader]
    assert is_certain(rivals, delta=delta) == (
        certificate(table, labels, delta=delta, leader=name).holds
    )


@given(data=st.data(), table=pools())
def test_counting_label_by_label_is_counting_afresh(
    data: st.DataObject, table: PredictionTable
) -> None:
    labels = data.draw(labels_for(table))
    leader = data.draw(st.integers(0, table.n_models - 1))
    meter = StopMeter(table)
    for item, label in enumerate(labels):
        meter.rivals(leader)
        if label >= 0:
            meter.observe(item, label)
            meter.observe(item, label)
    one, other = meter.rivals(leader), met(table, labels).rivals(leader)
    for field in fields(Rivals):
        if field.name not in ("whole", "backed"):
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))
    for part, again in ((one.whole, other.whole), (one.backed, other.backed)):
        for field in fields(Part):
            np.testing.assert_array_equal(getattr(part, field.name), getattr(again, field.name))


@given(data=st.data(), table=pools(max_models=4), delta=deltas)
def test_the_rules_are_their_formulas(
    data: st.DataObject, table: PredictionTable, delta: float
) -> None:
    labels = data.draw(labels_for(table))
    check_formulas(table, labels, data.draw(st.integers(0, table.n_models - 1)), delta)


@given(seed=st.integers(0, 10**6), known=st.integers(5, 60), delta=deltas)
def test_the_rules_are_their_formulas_where_a_drift_is_seen(
    seed: int, known: int, delta: float
) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, 90)
    right = random.random((4, 90)) < np.array([0.95, 0.6, 0.4, 0.2])[:, None]
    table = pool(np.where(right, truth, (truth + random.integers(1, 3, (4, 90))) % 3), 3)
    check_formulas(table, [*truth[:known].tolist(), *[-1] * (90 - known)], 0, delta)


def check_formulas(table: PredictionTable, labels: list[int], leader: int, delta: float) -> None:
    answers = table.predictions
    right = [[v == y for v, y in zip(row, labels, strict=True)] for row in answers]
    known = [i for i, y in enumerate(labels) if y >= 0]
    rivals = met(table, labels).rivals(leader)
    assert rivals.wary == committee_of(table, labels).misleads
    passes: list[float] = []
    plain = 0.0
    for m in range(table.n_models):
        one, other = answers[m], answers[leader]
        lead = sum(int(right[leader][i]) - int(right[m][i]) for i in known)
        open_items = [i for i in range(table.n_items) if i not in known]
        gain = sum(one[i] != other[i] and one[i] >= 0 for i in open_items)
        differed = sum(one[i] != other[i] for i in known)
        decided = sum(right[m][i] != right[leader][i] for i in known)
        gap = lead + delta * table.n_items
        if m == leader or gap >= gain - 1e-9:
            continue
        if gain == 0:
            plain, passes = plain + 1, [*passes, 1.0]
            continue
        plain += upper((gap + 0.5) / math.sqrt(gain))
        share = min(1, (decided + 4) / (differed + 4))
        drift = max(0, lead - 1.64 * math.sqrt(decided + 1)) / (differed + 1)
        seen = 0.0
        for backed in (True, False):
            part = [
                i
                for i in range(table.n_items)
                if one[i] != other[i] and backed == (votes(table, leader, i) > votes(table, m, i))
            ]
            won = [int(right[leader][i]) - int(right[m][i]) for i in part if i in known]
            lowered = 2 * math.sqrt(sum(w != 0 for w in won) + 1) if rivals.wary else 0
            still = sum(i not in known and one[i] >= 0 for i in part)
            seen += max(-1, (sum(won) - lowered) / (len(won) + 1)) * still
        grown = min(drift * gain / 2, seen)
        passes.append(upper((gap + 0.5 + grown) / math.sqrt(share * gain)))
    expected = math.sqrt(max(passes) * sum(passes)) if passes else 0.0
    assert risk(rivals, delta=delta) == pytest.approx(expected, abs=1e-12)
    assert zero_drift_risk(rivals, delta=delta) == pytest.approx(plain, abs=1e-12)
    early = len(known) < 10
    bound = 0.1 if delta == 0 else 0.03
    assert should_stop(rivals, delta=delta) == (not passes or (not early and expected <= bound))


def lopsided(n_labels: int) -> StopMeter:
    """Model 0 is right on every label, model 1 on none; they differ on all 300 items."""
    table = pool([[0] * 300, [1] * 300], 2)
    return met(table, [0] * n_labels + [-1] * (300 - n_labels))


def test_what_is_left_shrinks_and_ends_where_the_rule_stops() -> None:
    left = []
    for n_labels in range(0, 60, 2):
        found = stopping(lopsided(n_labels).rivals(0))
        assert found.labels_left_low <= found.labels_left <= found.labels_left_high
        assert found.stop == (found.labels_left == 0)
        left.append(found.labels_left)
    assert left[0] > 10
    assert left[-1] == 0
    stopped = left.index(0) * 2
    after_twelve = stopping(lopsided(12).rivals(0))
    assert abs(after_twelve.labels_left - (stopped - 12)) <= 4


def test_no_rule_but_the_certificate_stops_before_ten_labels() -> None:
    table = pool([[0] * 9 + [0] * 3, [1] * 9 + [1] + [0] * 2], 2)
    rivals = met(table, [0] * 9 + [-1] * 3).rivals(0)
    assert is_certain(rivals)
    assert should_stop(rivals)
    close = pool([[0] * 40, [1] * 40], 2)
    assert not should_stop(met(close, [0] * 9 + [-1] * 31).rivals(0), delta=0.5)


def test_within_delta_stops_no_later_than_certain_within_delta() -> None:
    for n_labels in range(10, 120, 10):
        rivals = lopsided(n_labels).rivals(0)
        found = stopping(rivals, delta=0.2)
        assert found.stop or not found.certain


@pytest.mark.parametrize("alpha", [0.0, 1.0, float("nan")])
def test_an_alpha_that_is_no_error_rate_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match=r"Alpha is .*; it must be above 0 and below 1"):
        limit(alpha=alpha)


def test_a_delta_that_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="Delta is 2; it must be between 0 and 1"):
        stopping(lopsided(10).rivals(0), delta=2)
