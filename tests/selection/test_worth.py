"""What the page says of money: labels that pay, models that are cheap enough."""

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.catalog.models import CandidateModel, DatasetVersion, Price
from apps.catalog.queries import predictions_of
from apps.selection.models import SelectionSession
from apps.selection.pages import session_page, summary
from apps.selection.services import Answer, record, start_session
from apps.selection.worth import Worth
from apps.teams.models import Team, User
from tests.selection.conftest import predicted

ClientOf = Callable[[User], Client]


@pytest.fixture
def pool(alice: User, team: Team) -> tuple[DatasetVersion, list[int]]:
    """Four hundred items: m0 and m1 are good and nearly the same, m2 is poor."""
    random = np.random.default_rng(3)
    truth = random.integers(0, 3, 400)
    good = np.where(random.random(400) < 0.9, truth, (truth + 1) % 3)
    near = good.copy()
    near[:4] = (truth[:4] + 1) % 3
    poor = np.where(random.random(400) < 0.4, truth, (truth + 1) % 3)
    rows = np.array([good, near, poor]).tolist()
    return predicted(alice, team, rows, classes=["0", "1", "2"]), truth.tolist()


def priced(**per_call: str) -> None:
    for name, price in per_call.items():
        Price.objects.create(
            model=CandidateModel.objects.get(name=name),
            valid_from=timezone.localdate(),
            per_call=Decimal(price),
        )


def labelled(user: User, session: SelectionSession, truth: list[int], until: int) -> Worth | None:
    """Label until so many have a label: items on which m0 and m2 differ."""
    votes = predictions_of(session.version).predictions
    items = np.flatnonzero(votes[0] != votes[2])[session.event_count : until]
    for item in items.tolist():
        record(user=user, session=session, answer=Answer(item, "label", str(truth[item])))
    session.refresh_from_db()
    return session_page(session).worth


def test_nothing_is_said_of_money_where_nothing_is_known_of_it(
    pool: tuple[DatasetVersion, list[int]], alice: User
) -> None:
    session = start_session(user=alice, version=pool[0], audit_share=0)
    assert labelled(alice, session, pool[1], 12) is None
    assert summary(session_page(session))["money"] is None


@pytest.mark.parametrize(("price", "pays"), [("0.0001", True), ("10000", False)])
def test_a_label_is_bought_while_it_is_worth_its_price(
    pool: tuple[DatasetVersion, list[int]], alice: User, price: str, pays: bool
) -> None:
    session = start_session(
        user=alice,
        version=pool[0],
        audit_share=0,
        label_price=Decimal(price),
        monthly_volume=100_000,
        answer_value=Decimal("0.01"),
    )
    few = labelled(alice, session, pool[1], 5)
    assert few is not None
    assert few.pays is None
    assert "forecast from 10 labels on" in few.label
    worth = labelled(alice, session, pool[1], 12)
    assert worth is not None
    assert worth.pays is pays
    assert ("labelling on is worth it" in worth.label) == pays
    assert ("stop, further labels cost more than they bring" in worth.label) != pays
    told = summary(session_page(session))["money"]
    assert told["labelling_pays"] is pays
    assert 0 < told["label_worth_at_most"] <= told["all_labels_worth_at_most"]


def test_the_cheapest_within_delta_is_named_with_its_price_and_its_probability(
    pool: tuple[DatasetVersion, list[int]], alice: User, client_of: ClientOf
) -> None:
    priced(m0="0.01", m1="0.002", m2="0.001")
    session = start_session(user=alice, version=pool[0], audit_share=0, delta=0.02)
    worth = labelled(alice, session, pool[1], 60)
    assert worth is not None
    assert worth.cheap == "m1"
    assert worth.chance is not None
    assert worth.chance >= 0.95
    address = reverse("selection_detail", args=[session.pk])
    told = client_of(alice).get(address).content.decode()
    assert "<code>m1</code> is the cheapest that can be called within 2 points of the best" in told
    assert "$2.00 per 1,000 calls" in told
    assert worth.label == ""


def test_a_model_without_a_price_is_left_out_and_counted(
    pool: tuple[DatasetVersion, list[int]], alice: User
) -> None:
    priced(m0="0.01")
    session = start_session(user=alice, version=pool[0], audit_share=0, delta=0.02)
    worth = labelled(alice, session, pool[1], 60)
    assert worth is not None
    assert worth.cheap == "m0"
    assert "2 without a price are left out" in worth.cheapest


def test_a_price_can_make_another_model_worth_more(
    pool: tuple[DatasetVersion, list[int]], alice: User
) -> None:
    priced(m0="0.01", m1="0.01", m2="0")
    session = start_session(
        user=alice,
        version=pool[0],
        audit_share=0,
        monthly_volume=1000,
        answer_value=Decimal("0.005"),
    )
    worth = labelled(alice, session, pool[1], 40)
    assert worth is not None
    assert worth.best == "m2"
    assert "<code>m2</code> is worth more than" in worth.choice


def test_of_a_score_that_is_no_sum_nothing_is_forecast(
    pool: tuple[DatasetVersion, list[int]], alice: User
) -> None:
    session = start_session(
        user=alice,
        version=pool[0],
        metric="macro_f1",
        monthly_volume=1000,
        answer_value=Decimal("0.5"),
    )
    worth = labelled(alice, session, pool[1], 12)
    assert worth is not None
    assert "cannot be forecast for macro-F1" in worth.label
    assert worth.pays is None


def test_labels_of_another_method_are_not_forecast_with(
    pool: tuple[DatasetVersion, list[int]], alice: User
) -> None:
    priced(m0="0.01", m1="0.002", m2="0.001")
    session = start_session(
        user=alice,
        version=pool[0],
        method="margin",
        audit_share=0,
        delta=0.02,
        monthly_volume=1000,
        answer_value=Decimal("0.5"),
    )
    worth = labelled(alice, session, pool[1], 60)
    assert worth is not None
    assert "Assay's own method only" in worth.label
    assert worth.cheap is None
