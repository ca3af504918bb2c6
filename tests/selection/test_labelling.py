"""Items are given out, answers taken down, and what cannot be taken changes nothing."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.catalog.models import DatasetVersion
from apps.catalog.services import add_labels
from apps.selection import choosers, queries
from apps.selection.methods.registry import METHODS
from apps.selection.models import LabelEvent, Reservation, SelectionSession
from apps.selection.queries import Event, labelling_of
from apps.selection.services import (
    Answer,
    Turn,
    close_session,
    next_item,
    pause_session,
    record,
    reveal,
    start_session,
    undo,
)
from apps.teams.models import Team, User
from tests.selection.conftest import CLASSES, predicted

Begin = Callable[..., SelectionSession]


def item_of(turn: Turn) -> int:
    assert turn.reservation is not None, turn.reason
    return turn.reservation.item


def label(user: User, session: SelectionSession, item: int, name: str = "dog") -> LabelEvent:
    return record(user=user, session=session, answer=Answer(item, "label", name))


def test_the_methods_own_choice_comes_without_an_audit(begin: Begin, anna: User) -> None:
    session = begin(audit_share=0, seed=3, method="model_selector")
    basis = queries.basis_of(session)
    for _ in range(6):
        chooser = METHODS["model_selector"](basis.table, seed=3)
        for item in np.flatnonzero(basis.labels >= 0):
            chooser.observe(int(item), int(basis.labels[item]))
        found = chooser.suggest(1)
        turn = next_item(user=anna, session=session)
        assert item_of(turn) == found.items[0]
        assert turn.reservation is not None
        assert turn.reservation.probability == pytest.approx(found.probabilities[0])
        label(anna, session, item_of(turn))
        basis = queries.basis_of(session)


def test_a_whole_audit_draws_uniformly_and_says_so(begin: Begin, anna: User) -> None:
    session = begin(audit_share=1)
    for left in range(40, 30, -1):
        turn = next_item(user=anna, session=session)
        assert turn.reservation is not None
        assert turn.reservation.audit
        assert turn.reservation.probability == pytest.approx(1 / left)
        label(anna, session, turn.reservation.item)


def test_recorded_probabilities_are_those_of_the_mixture(begin: Begin, anna: User) -> None:
    session = begin(audit_share=0.5, method="model_selector")
    seen = set()
    for _ in range(20):
        basis = queries.basis_of(session)
        chooser = METHODS["model_selector"](basis.table, seed=session.seed)
        for item in np.flatnonzero(basis.labels >= 0):
            chooser.observe(int(item), int(basis.labels[item]))
        first = chooser.suggest(1)
        held = next_item(user=anna, session=session).reservation
        assert held is not None
        chosen = float(first.probabilities[0]) if held.item == first.items[0] else 0
        assert held.probability == pytest.approx(0.5 / basis.open.sum() + 0.5 * chosen)
        seen.add(held.audit)
        label(anna, session, held.item)
    assert seen == {True, False}


def test_the_same_item_is_shown_until_it_is_answered(begin: Begin, anna: User) -> None:
    session = begin()
    first = item_of(next_item(user=anna, session=session))
    assert item_of(next_item(user=anna, session=session)) == first
    assert Reservation.objects.count() == 1


def test_two_annotators_never_have_the_same_item(begin: Begin, anna: User, eddie: User) -> None:
    session = begin(audit_share=0.3, second_share=0)
    for _ in range(15):
        one = item_of(next_item(user=anna, session=session))
        other = item_of(next_item(user=eddie, session=session))
        assert one != other
        label(anna, session, one)
        label(eddie, session, other, "cat")
    assert len(queries.basis_of(session).labelling.labels) == 30


def test_an_item_left_lying_goes_to_somebody_else(begin: Begin, anna: User, eddie: User) -> None:
    session = begin(audit_share=0)
    left = item_of(next_item(user=anna, session=session))
    Reservation.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert item_of(next_item(user=eddie, session=session)) == left
    assert item_of(next_item(user=anna, session=session)) != left
    # Anna answers late, from a page she still had open: nothing is lost.
    label(anna, session, left)
    with pytest.raises(ValidationError, match="has the label `dog` already"):
        label(eddie, session, left, "cat")


def test_a_process_without_the_session_goes_on_as_if_nothing_had_stopped(
    begin: Begin, anna: User
) -> None:
    asked = []
    for forget in (False, True):
        session = begin(seed=11, audit_share=0.2)
        items = []
        for _ in range(12):
            if forget:
                choosers._held.clear()
            items.append(item_of(next_item(user=anna, session=session)))
            label(anna, session, items[-1])
        asked.append(items)
    assert asked[0] == asked[1]


def test_skipped_items_come_last_and_only_for_who_skipped_them(
    alice: User, team: Team, anna: User, eddie: User
) -> None:
    version = predicted(alice, team, [[0, 1, 2], [1, 2, 0]])
    session = start_session(user=alice, version=version, audit_share=0)
    first = item_of(next_item(user=anna, session=session))
    record(user=anna, session=session, answer=Answer(first, "skip"))
    rest = []
    for _ in range(2):
        rest.append(item_of(next_item(user=anna, session=session)))
        record(user=anna, session=session, answer=Answer(rest[-1], "unsure"))
    assert {first, *rest} == {0, 1, 2}
    assert item_of(next_item(user=anna, session=session)) == first
    Reservation.objects.all().delete()
    assert item_of(next_item(user=eddie, session=session)) in {0, 1, 2}


def test_undo_brings_the_item_back_and_may_be_repeated(begin: Begin, anna: User) -> None:
    session = begin()
    items = []
    for _ in range(3):
        items.append(item_of(next_item(user=anna, session=session)))
        label(anna, session, items[-1])
    for item in reversed(items):
        undo(user=anna, session=session)
        turn = next_item(user=anna, session=session)
        assert item_of(turn) == item
        assert turn.reservation is not None
        assert turn.reservation.probability is not None
    with pytest.raises(ValidationError, match="nothing of yours"):
        undo(user=anna, session=session)
    assert not queries.basis_of(session).labelling.labels
    assert LabelEvent.objects.count() == 6


def test_undo_takes_back_ones_own_answers_only(begin: Begin, anna: User, eddie: User) -> None:
    session = begin()
    label(anna, session, 1)
    label(eddie, session, 2)
    undo(user=anna, session=session)
    assert set(queries.basis_of(session).labelling.labels) == {2}
    with pytest.raises(ValidationError, match="nothing of yours"):
        undo(user=anna, session=session)


def test_a_label_that_the_dataset_took_over_is_not_undone(begin: Begin, alice: User) -> None:
    session = begin()
    label(alice, session, 1)
    close_session(user=alice, session=session)
    with pytest.raises(ValidationError, match="is closed"):
        undo(user=alice, session=session)
    SelectionSession.objects.update(state="open")
    with pytest.raises(ValidationError, match="is the dataset's now; withdraw it there"):
        undo(user=alice, session=session)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(1, "label", "fish"), "`fish` is not one of the classes bird, cat, dog"),
        (Answer(1, "label", ""), "name its class, one of"),
        (Answer(1, "label", "Dog"), "`Dog` is not one of the classes"),
        (Answer(40, "label", "dog"), "has no item with the number 40"),
        (Answer(-1, "label", "dog"), "has no item with the number -1"),
        (Answer(1, "guess", "dog"), "Say what the item is"),
        (Answer(1, "undo"), "Say what the item is"),
    ],
)
def test_an_answer_that_is_none_is_refused_in_a_sentence(
    begin: Begin, anna: User, answer: Answer, words: str
) -> None:
    session = begin()
    held = item_of(next_item(user=anna, session=session))
    with pytest.raises(ValidationError) as caught:
        record(user=anna, session=session, answer=answer)
    assert words in caught.value.messages[0]
    assert not LabelEvent.objects.exists()
    assert item_of(next_item(user=anna, session=session)) == held


def test_a_second_label_is_refused_whoever_gives_it(
    begin: Begin, anna: User, eddie: User, alice: User
) -> None:
    session = begin()
    label(anna, session, 1)
    add_labels(user=alice, version=session.version, labels={"p2": "cat"})
    for user in (anna, eddie):
        for item in (1, 2):
            with pytest.raises(ValidationError, match="already; nothing was changed"):
                label(user, session, item, "bird")
    assert LabelEvent.objects.count() == 1


def test_a_session_that_is_not_open_takes_nothing(begin: Begin, alice: User) -> None:
    session = begin()
    pause_session(user=alice, session=session)
    with pytest.raises(
        ValidationError, match="is paused: it takes nothing until an editor resumes"
    ):
        label(alice, session, 1)
    close_session(user=alice, session=session)
    with pytest.raises(
        ValidationError, match="is closed: it takes nothing until an editor reopens"
    ):
        label(alice, session, 1)


def test_a_budget_ends_the_asking_and_the_taking(begin: Begin, anna: User) -> None:
    session = begin(budget=2)
    for _ in range(2):
        label(anna, session, item_of(next_item(user=anna, session=session)))
    assert next_item(user=anna, session=session).reason == "The budget of 2 labels is used up."
    with pytest.raises(ValidationError, match="this one was not taken"):
        label(anna, session, int(np.flatnonzero(queries.basis_of(session).open)[0]))
    undo(user=anna, session=session)
    assert next_item(user=anna, session=session).reservation is not None


def test_labels_of_the_dataset_count_as_seen(begin: Begin, alice: User, anna: User) -> None:
    session = begin()
    add_labels(
        user=alice,
        version=session.version,
        labels={f"p{n}": CLASSES[n % 3] for n in range(39)},
    )
    turn = next_item(user=anna, session=session)
    assert turn.reservation is None or turn.reservation.item == 39
    assert turn.basis is not None
    assert (turn.basis.labels >= 0).sum() == 39


def test_it_stops_asking_when_the_models_agree_on_what_is_left(
    alice: User, team: Team, anna: User
) -> None:
    version = predicted(alice, team, [[0, 1, 2, 2], [0, 1, 2, 0]])
    session = start_session(user=alice, version=version, audit_share=0)
    assert item_of(next_item(user=anna, session=session)) == 3
    label(anna, session, 3)
    assert "agree on every item left" in next_item(user=anna, session=session).reason


def test_the_log_keeps_how_an_answer_came_about(begin: Begin, anna: User) -> None:
    session = begin(audit_share=0.5)
    turn = next_item(user=anna, session=session)
    reveal(user=anna, session=session)
    answer = Answer(item_of(turn), "label", "cat", "  half\0 hidden  ")
    event = record(user=anna, session=session, answer=answer)
    assert turn.reservation is not None
    assert event.revealed
    assert event.probability == turn.reservation.probability
    assert event.seconds is not None
    assert event.note == "half hidden"
    unasked = label(anna, session, int(np.flatnonzero(queries.basis_of(session).open)[-1]))
    assert unasked.probability is None


def test_a_viewer_and_a_stranger_label_nothing(begin: Begin, vic: User, charlie: User) -> None:
    session = begin()
    for user in (vic, charlie):
        for act in (
            lambda user=user: next_item(user=user, session=session),
            lambda user=user: label(user, session, 1),
            lambda user=user: undo(user=user, session=session),
            lambda user=user: reveal(user=user, session=session),
        ):
            with pytest.raises(PermissionDenied):
                act()


def test_predictions_that_went_away_are_told(
    begin: Begin, anna: User, version: DatasetVersion
) -> None:
    session = begin()
    version.prediction_batches.all().delete()
    turn = next_item(user=anna, session=session)
    assert turn.basis is None
    assert "no predictions" in turn.reason


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(["label", "skip", "undo"]),
        st.integers(0, 4),
        st.sampled_from(CLASSES),
    ),
    max_size=25,
)


@given(ACTIONS)
def test_the_fold_of_a_log_is_what_a_notebook_would_hold(
    actions: list[tuple[str, str, int, str]],
) -> None:
    people = {"ann": 1, "bob": 2}
    events: list[Event] = []
    notebook: list[Event] = []  # what counts, in order
    for who, kind, item, name in actions:
        annotator, number = people[who], len(events) + 1
        undoes = None
        if kind == "undo":
            own = [event for event in notebook if event.annotator_id == annotator]
            if not own:
                continue
            undoes = own[-1].pk
            notebook.remove(own[-1])
        elif kind == "label" and any(e.item == item and e.kind == "label" for e in notebook):
            continue
        event = Event(
            UUID(int=number), number, item, annotator, kind,
            name if kind == "label" else "", None, None, False, undoes, timezone.now(),
        )  # fmt: skip
        events.append(event)
        if kind != "undo":
            notebook.append(event)
    found = labelling_of(events)
    assert list(found.labels.values()) == [e for e in notebook if e.kind == "label"]
    assert found.passed == {
        person: {
            e.item: e.number for e in notebook if e.kind == "skip" and e.annotator_id == person
        }
        for person in {e.annotator_id for e in notebook if e.kind == "skip"}
    }
    assert found.last == {e.annotator_id: e for e in notebook}
