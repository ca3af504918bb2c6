"""Selections by another score than accuracy: how they are started, what they ask and name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from apps.catalog.models import DatasetVersion
from apps.catalog.services import create_dataset
from apps.catalog.services.records import record_predictions, stored_predictions
from apps.catalog.store import Items
from apps.selection.models import SelectionSession
from apps.selection.pages import session_page
from apps.selection.services import Answer, next_item, record, start_session
from apps.teams.models import Team, User
from tests.selection.conftest import CLASSES, predicted

Begin = Callable[..., SelectionSession]
ClientOf = Callable[[User], Client]
ApiOf = Callable[..., APIClient]
COSTS = [[0, 1, 1], [1, 0, 1], [20, 1, 0]]


@pytest.fixture
def sliced(alice: User, team: Team, truth: list[int]) -> DatasetVersion:
    """Forty pets, every second of them young; m1 knows the young ones best, m0 the others."""
    items = Items(
        ids=[f"p{index}" for index in range(40)],
        texts=["" for _ in range(40)],
        slices={"age": ["young" if index % 2 else "old" for index in range(40)]},
    )
    version = create_dataset(user=alice, team=team, name="Sliced", items=items)
    wrong = [(label + 1) % 3 for label in truth]
    young = np.arange(40) % 2 == 1
    rows = np.array([np.where(young, wrong, truth), np.where(young, truth, wrong)])
    stored = stored_predictions(
        model_names=["m0", "m1"], class_names=CLASSES, predictions=rows, probabilities=None
    )
    record_predictions(user=alice, version=version, stored=stored)
    return version


def label_all(user: User, session: SelectionSession, truth: list[int], most: int = 40) -> list[int]:
    """Answer what is asked, up to `most` items; the items in order."""
    asked = []
    for _ in range(most):
        held = next_item(user=user, session=session).reservation
        if held is None:
            break
        asked.append(held.item)
        answer = Answer(held.item, "label", CLASSES[truth[held.item]])
        record(user=user, session=session, answer=answer)
    return asked


def test_a_slice_is_asked_for_alone_and_has_a_winner_of_its_own(
    sliced: DatasetVersion, alice: User, truth: list[int]
) -> None:
    options = {"column": "age", "value": "young"}
    session = start_session(
        user=alice, version=sliced, metric="slice", metric_options=options, audit_share=0.5
    )
    asked = label_all(alice, session, truth)
    assert all(item % 2 for item in asked)
    page = session_page(session)
    assert page.meter.leader == "m1"
    assert page.meter.stop.certain
    assert "by accuracy where age is young" in page.sentence
    assert [row.correct for row in page.rows] == [len(asked), 0]
    everything = start_session(user=alice, version=sliced)
    for item in range(40):
        answer = Answer(item, "label", CLASSES[truth[item]])
        record(user=alice, session=everything, answer=answer)
    assert {row.correct for row in session_page(everything).rows} == {20}


def test_the_cheapest_by_a_cost_matrix_is_named_and_not_the_most_accurate(
    alice: User, team: Team
) -> None:
    # Classes as the dataset has them: bird, cat, dog. m0 is wrong once, at 20; m1 thrice, at 1 each.
    truth = [0, 1, 2, 0, 1, 2]
    names = ["bird", "cat", "dog"]
    rows = [[0, 1, 0, 0, 1, 2], [1, 0, 2, 1, 1, 2]]
    version = predicted(alice, team, rows, classes=names)
    plain = start_session(user=alice, version=version, audit_share=0)
    costly = start_session(
        user=alice, version=version, metric="cost", metric_options={"matrix": COSTS}, audit_share=0
    )
    for session in (plain, costly):
        for item in range(6):
            answer = Answer(item, "label", names[truth[item]])
            record(user=alice, session=session, answer=answer)
    assert session_page(plain).meter.leader == "m0"
    page = session_page(costly)
    assert page.meter.leader == "m1"
    assert page.meter.stop.certain
    assert {row.model: row.text for row in page.rows} == {
        "m1": "0.5, 0.5 to 0.5",
        "m0": "3.33, 3.33 to 3.33",
    }


@pytest.mark.parametrize(
    ("metric", "options", "words"),
    [
        ("recall", {"class": "dog"}, "recall of dog"),
        ("credit", {"matrix": [[1, 0.5, 0], [0, 1, 0], [0, 0, 1]]}, "graded score"),
        ("macro_f1", {}, "macro-F1"),
        ("worst_class", {}, "recall of its worst class"),
    ],
)
def test_every_score_leads_its_page_from_the_first_label_to_the_last(
    begin: Begin,
    alice: User,
    truth: list[int],
    client_of: ClientOf,
    metric: str,
    options: dict[str, Any],
    words: str,
) -> None:
    session = begin(metric=metric, metric_options=options, audit_share=0.5, delta=0.0)
    client = client_of(alice)
    address = reverse("selection_detail", args=[session.pk])
    assert words in client.get(address).content.decode()
    label_all(alice, session, truth, most=12)
    told = client.get(address).content.decode()
    assert words in told
    assert client.get(reverse("selection_label", args=[session.pk])).status_code == 200
    for item in range(40):
        if not session.events.filter(item=item, kind="label").exists():
            answer = Answer(item, "label", CLASSES[truth[item]])
            record(user=alice, session=session, answer=answer)
    page = session_page(session)
    assert page.meter.stop.certain
    assert page.meter.leader == "m0"
    assert page.rows[0].accuracy == max(row.accuracy or 0 for row in page.rows)


def test_a_score_without_a_rule_never_says_stop_before_the_end(
    begin: Begin, alice: User, truth: list[int]
) -> None:
    session = begin(metric="macro_f1", audit_share=0)
    label_all(alice, session, truth, most=30)
    meter = session_page(session).meter
    assert not meter.stop.stop
    assert meter.worst == 40 - meter.labels
    assert "No rule for stopping by macro-F1 is known" in meter.sentence


def test_only_a_method_that_the_rule_was_calibrated_with_stops_by_it(
    alice: User, team: Team
) -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 300)
    best = np.where(random.random(300) < 0.95, truth, (truth + 1) % 3)
    worse = np.where(random.random(300) < 0.4, truth, (truth + 1) % 3)
    version = predicted(alice, team, [best.tolist(), worse.tolist()], classes=["0", "1", "2"])
    stops = {}
    for method in ("auto", "margin"):
        session = start_session(user=alice, version=version, method=method, audit_share=0)
        for _ in range(30):
            held = next_item(user=alice, session=session).reservation
            assert held is not None
            answer = Answer(held.item, "label", str(truth[held.item]))
            record(user=alice, session=session, answer=answer)
        stops[method] = session_page(session).meter.stop
    assert stops["auto"].stop
    assert not stops["margin"].stop
    assert not stops["margin"].certain


@pytest.mark.parametrize(
    ("metric", "options", "words"),
    [
        ("hunch", {}, "There is no score `hunch`"),
        ("recall", {}, "needs class"),
        ("recall", {"class": "fish"}, "There is no class `fish`; there are bird, cat, dog"),
        ("slice", {"column": "age"}, "needs value"),
        ("slice", {"column": "age", "value": "young"}, "no slice column `age`; it has none"),
        ("cost", {}, "needs matrix"),
        ("cost", {"matrix": [[0, 1], [1, 0]]}, "must have 3 rows of 3 numbers"),
        ("cost", {"matrix": 7}, "must be rows of numbers"),
        ("cost", {"matrix": [[1, 1, 1]] * 3}, "All costs are equal"),
        ("cost", {"matrix": [["a", 1, 1]] * 3}, "a number for each pair"),
        ("credit", {"matrix": [[2, 0, 0]] * 3}, "between 0 and 1"),
        ("credit", {"matrix": [[float("nan"), 0, 0]] * 3}, "must be a number"),
        ("credit", {"matrix": [[1, 1, 1], [0, 0, 0], [0, 0, 0]]}, "no label can tell them apart"),
    ],
)
def test_a_score_that_does_not_fit_is_told_and_nothing_started(
    begin: Begin, metric: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        begin(metric=metric, metric_options=options)
    assert words in " ".join(caught.value.messages)
    assert not SelectionSession.objects.exists()


def test_a_slice_value_that_no_item_has_is_told(sliced: DatasetVersion, alice: User) -> None:
    options = {"column": "age", "value": "ancient"}
    with pytest.raises(ValidationError, match="No item has `ancient` as its age; there are old"):
        start_session(user=alice, version=sliced, metric="slice", metric_options=options)


def test_the_form_takes_a_matrix_a_slice_and_an_alpha(
    begin: Begin, sliced: DatasetVersion, alice: User, client_of: ClientOf
) -> None:
    client = client_of(alice)
    sent = {
        "version": str(sliced.pk), "points": "1", "audit": "10", "second": "10", "alpha": "10",
        "method": "auto",
    }  # fmt: skip
    lines = "0 1 1\n1, 0, 1\r\n20;1\t0\n"
    for more in (
        {"name": "costs", "metric": "cost", "matrix": lines},
        {"name": "young", "metric": "slice", "slice": " age = young "},
        {"name": "recall", "metric": "recall", "metric_class": "dog"},
    ):
        response = client.post(reverse("selection_new"), sent | more)
        assert response.status_code == 302, response.context["form"].errors
    costs = SelectionSession.objects.get(name="costs")
    assert costs.metric_options["matrix"] == [[0, 1, 1], [1, 0, 1], [20, 1, 0]]
    assert costs.alpha == 0.1
    young = SelectionSession.objects.get(name="young")
    assert young.metric_options == {"column": "age", "value": "young"}
    for more, words in (
        ({"metric": "cost", "matrix": "0 one"}, "`one` is not a number"),
        ({"metric": "cost", "matrix": ""}, "needs matrix"),
        ({"metric": "slice", "slice": "age"}, "needs value"),
        ({"alpha": "0"}, "greater than or equal to 0.1"),
        ({"metric": "magic"}, "not one of the available choices"),
    ):
        response = client.post(reverse("selection_new"), sent | more)
        assert response.status_code == 400
        assert words in response.content.decode()
    assert SelectionSession.objects.count() == 3


def test_a_script_chooses_what_counts_and_reads_it_back(
    version: DatasetVersion, alice: User, api_of: ApiOf
) -> None:
    api = api_of(alice)
    asked = {
        "dataset": version.dataset.slug,
        "metric": "recall",
        "metric_options": {"class": "cat"},
    }
    made = api.post("/api/v1/selections/", asked, format="json")
    assert made.status_code == 201, made.json()
    assert made.json()["metric_options"] == {"class": "cat"}
    place = f"/api/v1/selections/{made.json()['id']}/"
    api.post(f"{place}labels/", {"item": "p1", "label": "dog"})
    standing = api.get(f"{place}standing/").json()
    assert standing["score"]["name"] == "recall of cat"
    wrong = api.post(
        "/api/v1/selections/", asked | {"metric_options": {"class": "fish"}}, format="json"
    )
    assert wrong.status_code == 400
    assert "There is no class `fish`" in wrong.json()["errors"]["metric_options"][0]


def test_labels_saved_against_random_ones_are_told(
    alice: User, team: Team, client_of: ClientOf
) -> None:
    random = np.random.default_rng(1)
    truth = random.integers(0, 3, 400)
    rows = [np.where(random.random(400) < skill, truth, (truth + 1) % 3) for skill in (0.97, 0.95)]
    version = predicted(alice, team, np.array(rows).tolist(), classes=["0", "1", "2"])
    session = start_session(user=alice, version=version, audit_share=0)
    for _ in range(12):
        held = next_item(user=alice, session=session).reservation
        assert held is not None
        answer = Answer(held.item, "label", str(truth[held.item]))
        record(user=alice, session=session, answer=answer)
    differ = int((rows[0] != rows[1]).sum())
    saved = session_page(session).meter.saved
    assert saved == round(12 * 401 / (differ + 1)) - 12
    address = reverse("selection_detail", args=[session.pk])
    assert "saved against random" in client_of(alice).get(address).content.decode()
