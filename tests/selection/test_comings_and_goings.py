"""Labels, people and classes that come and go while a selection runs, and input that nobody expects."""

import json
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from apps.catalog.models import DatasetVersion, ModelOutput
from apps.catalog.services import add_labels
from apps.selection import queries
from apps.selection.cards import claim_of
from apps.selection.methods.estimates import estimate_accuracies
from apps.selection.models import Reservation, SelectionSession
from apps.selection.pages import session_page
from apps.selection.services import (
    Answer,
    close_session,
    hand_over,
    next_item,
    record,
    start_session,
    undo,
)
from apps.teams.models import Team, User
from tests.selection.conftest import CLASSES, predicted
from tests.selection.test_agreement import also, label, labels_of

Begin = Callable[..., SelectionSession]
ApiOf = Callable[..., APIClient]
ClientOf = Callable[[User], Client]
ROOT = "/api/v1/selections/"


def test_closing_keeps_what_the_uniform_draws_say(
    begin: Begin, alice: User, truth: list[int]
) -> None:
    session = begin(audit_share=1)
    for _ in range(15):
        held = next_item(user=alice, session=session).reservation
        assert held is not None
        label(alice, session, held.item, CLASSES[truth[held.item]])
    before = session_page(session)
    close_session(user=alice, session=session)
    after = session_page(session)
    assert after.estimated == before.estimated
    assert after.rows == before.rows
    assert after.curve == before.curve


def test_a_second_opinion_gives_way_to_the_datasets_label(
    begin: Begin, alice: User, anna: User, eddie: User
) -> None:
    session = begin(audit_share=0)
    label(anna, session, 3, "cat")
    label(eddie, session, 4, "cat")
    undo(user=eddie, session=session)
    Reservation.objects.filter(session=session).update(item=3, second=True)
    add_labels(user=alice, version=session.version, labels={"p3": "dog"})
    held = next_item(user=eddie, session=session).reservation
    assert held is not None
    assert held.item != 3


def test_skipping_what_somebody_else_has_leaves_it_with_them(
    begin: Begin, anna: User, eddie: User
) -> None:
    session = begin()
    held = next_item(user=anna, session=session).reservation
    assert held is not None
    record(user=eddie, session=session, answer=Answer(held.item, "skip"))
    again = next_item(user=anna, session=session).reservation
    assert again == held


def test_people_who_left_keep_a_voice_each(
    begin: Begin, anna: User, eddie: User, alice: User
) -> None:
    session = begin(second_share=1)
    label(anna, session, 3, "cat")
    also(eddie, session, 3, "cat")
    also(alice, session, 3, "dog")
    for leaving in (anna, eddie):
        session.events.filter(annotator=leaving).update(annotator=None)
    labelling = queries.labelling_of(queries.events_of(session))
    assert labels_of(session) == {3: "cat"}
    assert labelling.given == 3
    assert labelling.labels[3].number == 1
    assert labelling.tied == []
    session_page(session)


def test_a_share_that_is_none_is_refused(
    version: DatasetVersion, alice: User, api_of: ApiOf
) -> None:
    api = api_of(alice)
    values: list[object] = ["nan", "inf", -1, [], {}, "٣e9"]
    for name in ("delta", "alpha", "audit_share", "second_share"):
        for value in values:
            sent = {"dataset": version.dataset.slug, name: value}
            response = api.post(ROOT, sent)
            assert response.status_code == 400, sent
            assert name in response.json()["errors"], sent
    assert not SelectionSession.objects.exists()


HUGE = 10**400


def test_options_that_make_no_sense_are_refused_by_field(
    version: DatasetVersion, alice: User, api_of: ApiOf
) -> None:
    api = api_of(alice)
    asked: list[tuple[str, object]] = [
        ("cost", {"matrix": [[HUGE, 1, 1], [1, 0, 1], [2, 1, 0]]}),
        ("credit", {"matrix": [[HUGE, 1, 1], [1, 0, 1], [2, 1, 0]]}),
        ("cost", {"matrix": [["nan", 1, 1], [1, 0, 1], [2, 1, 0]]}),
        ("cost", {"matrix": {"a": 1}}),
        ("cost", {"matrix": "abc"}),
        ("cost", {"matrix": ["abc", "abc", "abc"]}),
        ("cost", {"matrix": [[None, 1, 1], [1, 0, 1], [2, 1, 0]]}),
        ("cost", {"matrix": [[[1], [1], [1]], [1, 0, 1], [2, 1, 0]]}),
        ("cost", {"matrix": [[{}, 1, 1], [1, 0, 1], [2, 1, 0]]}),
        ("recall", {"class": "\ud800"}),
        ("recall", {"class": ["cat"]}),
        ("slice", {"column": {"a": 1}, "value": 1}),
    ]
    for metric, options in asked:
        sent = {"dataset": version.dataset.slug, "metric": metric, "metric_options": options}
        response = api.post(ROOT, json.dumps(sent), content_type="application/json")
        assert response.status_code == 400, options
        assert "metric_options" in response.json()["errors"], options
    assert not SelectionSession.objects.exists()


def test_a_matrix_of_numbers_in_quotes_is_taken_as_numbers(
    version: DatasetVersion, alice: User, api_of: ApiOf
) -> None:
    matrix = [["0", "1", "1"], ["1", "0", "1"], ["2", "1", "0"]]
    sent = {"dataset": version.dataset.slug, "metric": "cost", "metric_options": {"matrix": matrix}}
    response = api_of(alice).post(ROOT, sent)
    assert response.status_code == 201, response.content
    assert response.json()["metric_options"]["matrix"] == [[0, 1, 1], [1, 0, 1], [2, 1, 0]]


def test_a_class_that_vanishes_is_said_everywhere(
    alice: User, team: Team, client_of: ClientOf, api_of: ApiOf
) -> None:
    version = predicted(alice, team, [[0, 1, 2, 0, 1], [0, 2, 2, 1, 1]])
    session = start_session(
        user=alice, version=version, metric="recall", metric_options={"class": "bird"},
        monthly_volume=1000, answer_value=Decimal(1), label_price=Decimal(1),
    )  # fmt: skip
    label(alice, session, 0, "cat")
    SelectionSession.objects.filter(pk=session.pk).update(metric_options={"class": "gone"})
    session.refresh_from_db()
    web, api = client_of(alice), api_of(alice)
    for name in ("selection_detail", "selection_label", "selection_agreement"):
        assert web.get(reverse(name, args=[session.pk])).status_code == 200
    for path in ("standing", "agreement"):
        assert api.get(f"{ROOT}{session.pk}/{path}/").status_code == 404
    assert api.get(f"{ROOT}{session.pk}/events/").status_code == 200
    assert api.post(f"{ROOT}{session.pk}/next/").status_code == 200
    for name in ("selection_json", "selection_csv", "selection_svg", "selection_standing"):
        assert web.get(reverse(name, args=[session.pk])).status_code == 404
    assert web.get(reverse("selection_links", args=[session.pk])).status_code == 200
    made = web.post(reverse("selection_link_new", args=[session.pk]), {"days": 3, "shows": "live"})
    assert made.status_code == 400
    assert web.get("/").status_code == 200


def test_a_recall_of_which_no_item_is_known_yet(alice: User, team: Team) -> None:
    random = np.random.default_rng(0)
    rows = random.integers(0, 3, (3, 60)).tolist()
    version = predicted(alice, team, rows)
    session = start_session(
        user=alice, version=version, metric="recall", metric_options={"class": "bird"},
        monthly_volume=1000, answer_value=Decimal(1), label_price=Decimal(1),
    )  # fmt: skip
    for item in range(20):
        label(alice, session, item, "cat")
    with np.errstate(all="raise"):
        page = session_page(session)
    assert page.worth is not None
    assert page.worth.value is None
    assert "recall of bird" in page.worth.label
    label(alice, session, 20, "bird")
    later = session_page(session).worth
    assert later is not None
    assert later.value is not None
    assert np.isfinite(later.value.per_label)


def test_the_pages_hold_when_one_model_alone_is_left(
    alice: User, team: Team, client_of: ClientOf
) -> None:
    random = np.random.default_rng(0)
    version = predicted(alice, team, random.integers(0, 3, (3, 60)).tolist())
    session = start_session(user=alice, version=version, audit_share=1)
    for item in range(20):
        label(alice, session, item, "cat")
    for output in ModelOutput.objects.filter(version=version)[1:]:
        output.delete()
    web = client_of(alice)
    for name in ("detail", "label", "agreement", "json", "csv", "standing"):
        assert web.get(reverse(f"selection_{name}", args=[session.pk])).status_code == 200, name
    assert web.get(reverse("selection_svg", args=[session.pk])).status_code == 404


def test_a_replay_of_absurd_length_is_refused_in_the_form(
    alice: User, version: DatasetVersion, truth: list[int], client_of: ClientOf
) -> None:
    named = {f"p{item}": CLASSES[label] for item, label in enumerate(truth)}
    add_labels(user=alice, version=version, labels=named)
    sent = {
        "version": version.pk, "methods": "auto", "realisations": "9" * 400, "budget": 5, "seed": 0,
    }  # fmt: skip
    response = client_of(alice).post(reverse("replay_new"), sent)
    assert response.status_code == 400
    assert "less than or equal to" in response.content.decode()


def test_labels_that_the_dataset_gets_meanwhile_were_open_to_the_draws_before(
    begin: Begin, alice: User, truth: list[int]
) -> None:
    session = begin(audit_share=1)
    add_labels(user=alice, version=session.version, labels={"p0": CLASSES[truth[0]]})

    def draw(count: int) -> None:
        for _ in range(count):
            held = next_item(user=alice, session=session).reservation
            assert held is not None
            label(alice, session, held.item, CLASSES[truth[held.item]])

    draw(9)
    labelled = {event.item for event in queries.events_of(session)}
    brought = [item for item in range(1, 40) if item not in labelled][:12]
    named = {f"p{item}": CLASSES[truth[item]] for item in brought}
    add_labels(user=alice, version=session.version, labels=named)
    draw(2)

    items = [event.item for event in queries.events_of(session)]
    order = [*items[:9], *brought, *items[9:]]
    left = [39 - place for place in range(9)] + [39 - 21, 39 - 22]
    chances = [*(1 / n for n in left[:9]), *[np.nan] * 12, *(1 / n for n in left[9:])]
    basis = queries.basis_of(session)
    expected = estimate_accuracies(basis.table, basis.labels, order=order, probabilities=chances)
    page = session_page(session)
    assert [row.accuracy for row in sorted(page.rows, key=lambda row: row.model)] == pytest.approx(
        list(expected.accuracy)
    )


def test_a_card_says_which_labels_the_dataset_got_meanwhile(
    begin: Begin, alice: User, anna: User
) -> None:
    session = begin()
    add_labels(user=alice, version=session.version, labels={"p0": "cat"})
    label(anna, session, 3, "cat")
    hand_over(user=alice, session=session)
    assert "labels_meanwhile" not in claim_of(session).inputs["answers"]
    add_labels(user=alice, version=session.version, labels={"p1": "cat", "p2": "dog"})
    assert claim_of(session).inputs["answers"]["labels_meanwhile"]["count"] == 2
