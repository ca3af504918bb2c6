"""The pages of selections: what they say at each stage, and how they take what is sent."""

import csv
import io
import json
from collections.abc import Callable

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from apps.catalog.services import add_labels
from apps.selection import queries
from apps.selection.methods.estimates import estimate_accuracies
from apps.selection.models import LabelEvent, Reservation, SelectionSession
from apps.selection.services import Answer, close_session, pause_session, record, start_session
from apps.selection.views import keys_of
from apps.teams.models import Team, User
from tests.selection.conftest import CLASSES, predicted

Begin = Callable[..., SelectionSession]
ClientOf = Callable[[User], Client]
HTMX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "task"}


def label_url(session: SelectionSession) -> str:
    return reverse("selection_label", args=[session.pk])


def detail_url(session: SelectionSession) -> str:
    return reverse("selection_detail", args=[session.pk])


def shown_item(client: Client, session: SelectionSession) -> int:
    item: int = client.get(label_url(session)).context["item"].index
    return item


def test_a_selection_is_started_from_its_form(
    begin: Begin, alice: User, client_of: ClientOf
) -> None:
    version = begin().version
    client = client_of(alice)
    sent = {
        "version": version.pk, "name": "Which one", "points": "2", "audit": "25", "second": "20",
        "budget": "50", "label_price": "0.08", "method": "model_selector",
    }  # fmt: skip
    response = client.post(reverse("selection_new"), sent)
    session = SelectionSession.objects.get(name="Which one")
    assert response["Location"] == detail_url(session)
    assert (session.delta, session.audit_share, session.budget) == (0.02, 0.25, 50)


def test_the_form_says_what_is_wrong_and_starts_nothing(
    begin: Begin, alice: User, team: Team, client_of: ClientOf
) -> None:
    begin()
    alike = predicted(alice, team, [[0, 1], [0, 1]], name="Alike")
    client, before = client_of(alice), SelectionSession.objects.count()
    good = {
        "version": alike.pk,
        "points": "1",
        "audit": "10",
        "second": "0",
        "method": "model_selector",
    }
    for change, words in [
        ({}, "no label can tell them apart"),
        ({"budget": "0"}, "A budget below 1 label buys none"),
        ({"points": "nan"}, "Enter a number"),
        ({"audit": "101"}, "less than or equal to 100"),
        ({"version": ""}, "required"),
    ]:
        response = client.post(reverse("selection_new"), good | change)
        assert response.status_code == 400
        assert words in response.content.decode()
    assert SelectionSession.objects.count() == before


def test_labelling_without_scripts_leads_from_item_to_item(
    begin: Begin, anna: User, client_of: ClientOf
) -> None:
    session, client = begin(), client_of(anna)
    item = shown_item(client, session)
    response = client.post(label_url(session), {"item": item, "label": "dog"})
    assert response.status_code == 302
    assert shown_item(client, session) != item
    client.post(label_url(session), {"kind": "undo"})
    assert shown_item(client, session) == item


def test_htmx_gets_the_next_item_alone(begin: Begin, anna: User, client_of: ClientOf) -> None:
    session, client = begin(), client_of(anna)
    item = shown_item(client, session)
    sent = {"item": item, "label": "dog"}
    response = client.post(label_url(session), sent, **HTMX)  # type: ignore[arg-type]
    text = response.content.decode()
    assert text.lstrip().startswith("<section")
    assert response.context["item"].index != item
    again = client.post(label_url(session), sent, **HTMX)  # type: ignore[arg-type]
    assert again.status_code == 200
    assert "has the label `dog` already" in again.content.decode()
    assert LabelEvent.objects.count() == 1


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"item": "x", "label": "dog"},
        {"item": "1", "label": "fish"},
        {"item": "1"},
        {"item": "99999", "label": "dog"},
        {"item": "1", "kind": "eat"},
        {"item": "1", "label": "d\0g"},
    ],
)
def test_nonsense_is_answered_in_a_sentence_with_the_item_still_there(
    begin: Begin, anna: User, client_of: ClientOf, sent: dict[str, str]
) -> None:
    session, client = begin(), client_of(anna)
    item = shown_item(client, session)
    response = client.post(label_url(session), sent)
    assert response.status_code == 400
    assert response.context["problem"].endswith(".")
    assert response.context["item"].index == item
    assert not LabelEvent.objects.exists()


def test_answers_are_hidden_until_asked_for(begin: Begin, anna: User, client_of: ClientOf) -> None:
    session, client = begin(), client_of(anna)
    item = shown_item(client, session)
    page = client.get(label_url(session)).content.decode()
    assert "What the models answer" not in page
    client.post(label_url(session), {"item": item, "kind": "reveal"})
    assert "What the models answer" in client.get(label_url(session)).content.decode()
    client.post(label_url(session), {"item": item, "label": "dog"})
    assert "What the models answer" not in client.get(label_url(session)).content.decode()
    assert LabelEvent.objects.get().revealed


def test_many_classes_are_typed(alice: User, team: Team, client_of: ClientOf) -> None:
    names = [f"class {number}" for number in range(60)]
    version = predicted(alice, team, [[0, 59], [1, 3]], name="Many", classes=names)
    session = start_session(user=alice, version=version)
    client = client_of(alice)
    item = shown_item(client, session)
    assert "<datalist" in client.get(label_url(session)).content.decode()
    sent = {"item": item, "kind": "label", "label": " class 59 "}
    client.post(label_url(session), sent)
    assert LabelEvent.objects.get().label == "class 59"


def test_digits_have_themselves_as_keys_and_other_classes_their_place() -> None:
    assert keys_of(["0", "1", "7"]) == [("0", "0"), ("1", "1"), ("7", "7")]
    named = keys_of([f"c{place}" for place in range(11)])
    assert [key for _, key in named] == [*"123456789", "", ""]
    ratings = keys_of([str(rating) for rating in range(11)])
    assert ratings == [*((digit, digit) for digit in "0123456789"), ("10", "")]
    assert keys_of(["007", "1", "7", "other"]) == [
        ("007", "2"), ("1", "1"), ("7", "7"), ("other", "3"),
    ]  # fmt: skip


def test_a_leader_that_was_not_run_on_all_labelled_items_is_said_to_be_right_on_its_own(
    alice: User, team: Team, client_of: ClientOf
) -> None:
    rows = [[0, 0, -1, 0] * 10, [0, 1, 0, 1] * 10, [1, 0, 1, 2] * 10]
    version = predicted(alice, team, rows, name="Gaps")
    session = start_session(user=alice, version=version, audit_share=0)
    for item in range(8):
        record(user=alice, session=session, answer=Answer(item, "label", "cat"))
    page = client_of(alice).get(detail_url(session)).context["page"]
    assert "right on 6 of the 6 labelled items that it was run on;" in page.sentence


def test_the_bound_on_labels_left_says_of_which_items(
    begin: Begin, alice: User, client_of: ClientOf
) -> None:
    # Uniform draws may fall on items on which all agree: those labels come on top of the bound.
    session = begin(audit_share=1)
    body = client_of(alice).get(label_url(session)).content.decode()
    worst = client_of(alice).get(detail_url(session)).context["page"].meter.worst
    assert f"At most {worst} more labels where rivals differ" in body


@pytest.mark.parametrize("asked", ["?version=nonsense", "?version=", "?version=%00"])
def test_an_address_that_names_no_version_shows_the_form(
    begin: Begin, alice: User, client_of: ClientOf, asked: str
) -> None:
    begin()
    assert client_of(alice).get(reverse("selection_new") + asked).status_code == 200


def test_the_page_speaks_for_each_stage(
    begin: Begin, alice: User, truth: list[int], client_of: ClientOf
) -> None:
    session, client = begin(delta=0.0), client_of(alice)

    def verdict() -> str:
        return str(client.get(detail_url(session)).context["page"].sentence)

    assert "No labels yet" in verdict()
    record(user=alice, session=session, answer=Answer(0, "label", CLASSES[truth[0]]))
    assert "lead" in verdict()
    for item in range(1, 40):
        record(user=alice, session=session, answer=Answer(item, "label", CLASSES[truth[item]]))
    assert verdict().startswith("Use <code>m0</code>")
    assert "none can change the choice" in client.get(detail_url(session)).content.decode()
    assert "Every item has a label." in client.get(label_url(session)).content.decode()


def test_accuracies_on_all_items_rest_on_the_uniform_draws(
    begin: Begin, alice: User, truth: list[int], client_of: ClientOf
) -> None:
    session, client = begin(audit_share=0.5), client_of(alice)
    while (page := client.get(detail_url(session)).context["page"]).audit_labels < 10:
        assert {row.accuracy for row in page.rows} == {None}
        item = shown_item(client, session)
        client.post(label_url(session), {"item": item, "label": CLASSES[truth[item]]})
    assert page.meter.given > 10
    basis = queries.basis_of(session)
    drawn = basis.labelling.labels
    expected = estimate_accuracies(
        basis.table,
        basis.labels,
        order=list(drawn),
        probabilities=[
            1 / (40 - place) if event.audit else np.nan
            for place, event in enumerate(drawn.values())
        ],
    )
    assert expected.n_drawn == page.audit_labels < len(drawn)
    for row in page.rows:
        place = basis.table.model_names.index(row.model)
        assert row.accuracy == pytest.approx(expected.accuracy[place])
        assert (row.low, row.high) == pytest.approx((expected.low[place], expected.high[place]))
        assert row.low <= row.accuracy <= row.high


def test_a_leader_far_ahead_may_be_chosen_before_it_is_certain(
    alice: User, team: Team, client_of: ClientOf
) -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 600)
    best = np.where(random.random(600) < 0.95, truth, (truth + 1) % 3)
    worse = np.where(random.random(600) < 0.4, truth, (truth + 1) % 3)
    version = predicted(alice, team, [best.tolist(), worse.tolist()], classes=["0", "1", "2"])
    session, client = start_session(user=alice, version=version), client_of(alice)
    assert "At most" in client.get(label_url(session)).content.decode()
    for _ in range(40):
        item = shown_item(client, session)
        client.post(label_url(session), {"item": item, "label": str(truth[item])})
    page = client.get(detail_url(session)).context["page"]
    assert page.meter.stop.stop
    assert not page.meter.stop.certain
    assert str(page.sentence).startswith(
        "Use <code>m0</code>: within 1 point of the best, by a rule"
    )
    assert "You may stop" in client.get(label_url(session)).content.decode()
    assert "See which model to use" in client.get(label_url(session)).content.decode()
    detail = client.get(detail_url(session)).content.decode()
    assert "See which model to use" not in detail, "there it is already"
    assert '<div class="meter">' in detail


def test_it_says_why_the_rule_waits_where_most_models_are_wrong_together(
    alice: User, team: Team, client_of: ClientOf, api_of: Callable[..., APIClient]
) -> None:
    # m0 alone is right on the labels; on most other items it sides with one of the two.
    answers = [[1] * 40 + [0] * 200, [0] * 240, [0] * 40 + [1] * 200]
    version = predicted(alice, team, answers, classes=["0", "1"])
    add_labels(user=alice, version=version, labels={f"p{item}": "1" for item in range(12)})
    session = start_session(user=alice, version=version)
    why = (
        "The rule waits: on 12 of the 12 labels the most frequent answer is wrong or tied, and "
        "wrong models mostly agree, so what most say proves little."
    )
    for address in (detail_url(session), label_url(session)):
        assert why in client_of(alice).get(address).content.decode()
    told = api_of(alice).get(f"/api/v1/selections/{session.pk}/standing/").json()
    assert (told["stop"], told["stop_waits"]) == (False, why)


def test_names_with_markup_stay_text(alice: User, team: Team, client_of: ClientOf) -> None:
    markup = "<script>alert(1)</script>"
    version = predicted(alice, team, [[0, 1], [1, 0]], name=markup, classes=[markup, "b"])
    session = start_session(user=alice, version=version, name=markup)
    client = client_of(alice)
    record(user=alice, session=session, answer=Answer(0, "label", markup, markup))
    for url in (detail_url(session), label_url(session), reverse("selection_list"), "/"):
        text = client.get(url).content.decode()
        assert markup not in text
        assert "&lt;script&gt;" in text


def test_it_tells_where_the_dataset_says_otherwise(
    begin: Begin, alice: User, client_of: ClientOf
) -> None:
    session = begin()
    record(user=alice, session=session, answer=Answer(3, "label", "dog"))
    add_labels(user=alice, version=session.version, labels={"p3": "bird"})
    text = client_of(alice).get(detail_url(session)).content.decode()
    assert "differ from the dataset" in text
    assert "p3" in text


def test_money_and_people_are_counted(
    begin: Begin, alice: User, anna: User, client_of: ClientOf
) -> None:
    session = begin(label_price="0.5", budget=10)
    for item in range(3):
        record(user=anna, session=session, answer=Answer(item, "label", "dog"))
    record(user=alice, session=session, answer=Answer(5, "unsure"))
    page = client_of(alice).get(detail_url(session)).context["page"]
    assert page.spent == "1.50"
    assert [(one.name, one.labels, one.unsure) for one in page.annotators] == [
        ("anna", 3, 0),
        ("alice", 0, 1),
    ]


@pytest.mark.parametrize(
    ("do", "state"), [("pause", "paused"), ("close", "closed"), ("reopen", "open"), ("x", "open")]
)
def test_the_buttons_of_an_editor(
    begin: Begin, alice: User, client_of: ClientOf, do: str, state: str
) -> None:
    session = begin()
    if do == "reopen":
        pause_session(user=alice, session=session)
    client = client_of(alice)
    response = client.post(reverse("selection_state", args=[session.pk]), {"do": do})
    assert response["Location"] == detail_url(session)
    session.refresh_from_db()
    assert session.state == state


def test_closing_takes_the_item_away_from_who_had_it(
    begin: Begin, alice: User, anna: User, client_of: ClientOf
) -> None:
    session, client = begin(), client_of(anna)
    item = shown_item(client, session)
    close_session(user=alice, session=session)
    assert not Reservation.objects.exists()
    response = client.post(label_url(session), {"item": item, "label": "dog"})
    assert "takes nothing until an editor reopens it" in response.context["problem"]


def test_the_log_leaves_as_csv_and_json(
    begin: Begin, alice: User, vic: User, client_of: ClientOf
) -> None:
    session = begin()
    record(user=alice, session=session, answer=Answer(3, "label", "dog", "=cmd()"))
    client = client_of(vic)
    answer = client.get(reverse("selection_events_csv", args=[session.pk]))
    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["item_id"], row["label"], row["annotator"]) == ("p3", "dog", "alice")
    assert row["note"] == "'=cmd()"
    told = json.loads(client.get(reverse("selection_events_json", args=[session.pk])).content)
    assert told["events"][0]["note"] == "=cmd()"
    assert told["seed"] == session.seed


def test_the_first_page_asks_annotators_and_only_tells_viewers(
    begin: Begin, anna: User, vic: User, client_of: ClientOf
) -> None:
    session = begin()
    assert label_url(session) in client_of(anna).get("/").content.decode()
    assert label_url(session) not in client_of(vic).get("/").content.decode()
    assert detail_url(session) in client_of(vic).get("/").content.decode()


def test_a_selection_without_predictions_says_so(
    begin: Begin, alice: User, client_of: ClientOf
) -> None:
    session, client = begin(), client_of(alice)
    session.version.prediction_batches.all().delete()
    for url in (detail_url(session), label_url(session)):
        response = client.get(url)
        assert response.status_code == 200
        assert "no predictions" in response.content.decode()
