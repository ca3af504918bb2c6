"""Sessions are started, paused, closed and deleted; their labels become the dataset's."""

from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from apps.catalog import queries as catalog
from apps.catalog.models import DatasetVersion, LabelBatch
from apps.catalog.services import add_labels, delete_dataset
from apps.selection import queries
from apps.selection.models import LabelEvent, SelectionSession
from apps.selection.services import (
    Answer,
    close_session,
    delete_session,
    hand_over,
    move,
    next_item,
    pause_session,
    record,
    reopen_session,
    start_session,
)
from apps.teams.models import AuditEntry, Team, User
from tests.selection.conftest import predicted

Begin = Callable[..., SelectionSession]


def test_it_is_named_after_its_dataset_and_leaves_a_trace(begin: Begin) -> None:
    session = begin()
    assert session.name == "Pets v1"
    assert AuditEntry.objects.filter(action="selection.started", object_id=str(session.pk)).exists()


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        ({"budget": 0}, "budget", "A budget below 1 label buys none"),
        ({"method": "hunch"}, "method", "There is no method `hunch`"),
        ({"delta": 1.5}, "delta", "less than or equal to 1"),
        ({"audit_share": -0.1}, "audit_share", "greater than or equal to 0"),
        ({"label_price": -1}, "label_price", "greater than or equal to 0"),
    ],
)
def test_a_setting_out_of_range_is_told_and_nothing_started(
    begin: Begin, asked: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        begin(**asked)
    assert words in caught.value.message_dict[field][0]
    assert not SelectionSession.objects.exists()


def test_models_that_agree_everywhere_are_refused(alice: User, team: Team) -> None:
    version = predicted(alice, team, [[0, 1, 2, -1], [0, 1, 2, 0], [-1, 1, 2, 0]])
    with pytest.raises(ValidationError, match="agree on every item: no label can tell them apart"):
        start_session(user=alice, version=version)


def test_one_model_alone_and_none_are_refused(alice: User, team: Team) -> None:
    one = predicted(alice, team, [[0, 1]])
    with pytest.raises(ValidationError, match="one model only"):
        start_session(user=alice, version=one)
    one.prediction_batches.all().delete()
    with pytest.raises(ValidationError, match="no predictions yet"):
        start_session(user=alice, version=one)


def test_annotators_label_but_do_not_start_close_or_delete(begin: Begin, anna: User) -> None:
    session = begin()
    for act in (
        lambda: start_session(user=anna, version=session.version),
        lambda: pause_session(user=anna, session=session),
        lambda: close_session(user=anna, session=session),
        lambda: hand_over(user=anna, session=session),
        lambda: delete_session(user=anna, session=session),
    ):
        with pytest.raises(PermissionDenied):
            act()


def test_closing_hands_the_labels_to_the_dataset_as_chosen_ones(
    begin: Begin, alice: User, anna: User
) -> None:
    session = begin()
    record(user=anna, session=session, answer=Answer(3, "label", "dog"))
    record(user=anna, session=session, answer=Answer(4, "skip"))
    close_session(user=alice, session=session)
    batch = LabelBatch.objects.get()
    assert batch.chosen
    assert catalog.stored_labels(session.version)[0] == {"p3": "dog"}
    close_session(user=alice, session=session)
    assert LabelBatch.objects.count() == 1


def test_labels_used_before_the_end_are_not_added_twice(begin: Begin, alice: User) -> None:
    session = begin()
    record(user=alice, session=session, answer=Answer(3, "label", "dog"))
    assert hand_over(user=alice, session=session) is not None
    assert hand_over(user=alice, session=session) is None
    record(user=alice, session=session, answer=Answer(5, "label", "cat"))
    batch = hand_over(user=alice, session=session)
    assert batch is not None
    assert batch.count == 1


def test_a_label_that_disagrees_with_the_datasets_is_reported_and_stays_behind(
    begin: Begin, alice: User
) -> None:
    session = begin()
    record(user=alice, session=session, answer=Answer(3, "label", "dog"))
    record(user=alice, session=session, answer=Answer(4, "label", "cat"))
    add_labels(user=alice, version=session.version, labels={"p3": "bird"})
    assert queries.basis_of(session).conflicts == [3]
    hand_over(user=alice, session=session)
    assert catalog.stored_labels(session.version)[0] == {"p3": "bird", "p4": "cat"}


def test_the_catalog_takes_no_label_that_disagrees_or_is_of_no_item(
    version: DatasetVersion, alice: User
) -> None:
    add_labels(user=alice, version=version, labels={"p3": "bird"})
    with pytest.raises(ValidationError, match="`bird` is stored"):
        add_labels(user=alice, version=version, labels={"p4": "cat", "p3": "dog"})
    with pytest.raises(ValidationError, match="no item `q`"):
        add_labels(user=alice, version=version, labels={"p4": "cat", "q": "dog"})
    assert catalog.stored_labels(version)[0] == {"p3": "bird"}


def test_a_paused_session_asks_nothing_and_goes_on_where_it_was(begin: Begin, alice: User) -> None:
    session = begin()
    first = next_item(user=alice, session=session).reservation
    assert first is not None
    pause_session(user=alice, session=session)
    assert "paused" in next_item(user=alice, session=session).reason
    reopen_session(user=alice, session=session)
    again = next_item(user=alice, session=session).reservation
    assert again is not None
    assert again.item == first.item


def test_a_closed_session_is_not_paused_and_no_other_word_is_taken(
    begin: Begin, alice: User
) -> None:
    session = begin()
    close_session(user=alice, session=session)
    with pytest.raises(ValidationError, match="closed; reopen it"):
        move(user=alice, session=session, do="pause")
    with pytest.raises(ValidationError, match="Say what to do"):
        move(user=alice, session=session, do="explode")


def test_a_dataset_that_a_selection_uses_is_kept(begin: Begin, alice: User) -> None:
    session = begin()
    with pytest.raises(ValidationError, match="used by the selection “Pets v1”"):
        delete_dataset(user=alice, dataset=session.version.dataset)
    delete_session(user=alice, session=session)
    delete_dataset(user=alice, dataset=session.version.dataset)


def test_an_event_is_never_altered(begin: Begin, alice: User) -> None:
    event = record(user=alice, session=begin(), answer=Answer(3, "label", "dog"))
    event.label = "cat"
    with pytest.raises(TypeError, match="never altered"):
        event.save()
    assert LabelEvent.objects.get().label == "dog"
