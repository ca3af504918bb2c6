"""Several people label: who is asked again, how their opinions come together, and what is settled."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.catalog import queries as catalog
from apps.catalog.tables import PredictionTable
from apps.selection import queries
from apps.selection.agreement import agreement_of, second_opinion
from apps.selection.models import LabelEvent, Reservation, SelectionSession
from apps.selection.queries import labelling_of
from apps.selection.services import (
    Answer,
    close_session,
    next_item,
    record,
    settle,
    undo,
)
from apps.teams.models import User
from tests.selection.conftest import CLASSES

Begin = Callable[..., SelectionSession]
ClientOf = Callable[[User], Client]


def label(user: User, session: SelectionSession, item: int, name: str) -> LabelEvent:
    return record(user=user, session=session, answer=Answer(item, "label", name))


def also(user: User, session: SelectionSession, item: int, name: str) -> LabelEvent:
    """A further opinion, as the user gives it when they are asked again."""
    Reservation.objects.update_or_create(
        session=session,
        annotator=user,
        defaults={
            "item": item,
            "second": True,
            "until": timezone.now() + timedelta(minutes=5),
        },
    )
    return label(user, session, item, name)


def labels_of(session: SelectionSession) -> dict[int, str]:
    found = labelling_of(queries.events_of(session))
    return {item: event.label for item, event in found.labels.items()}


def table_of(votes: list[list[int]]) -> PredictionTable:
    return PredictionTable.of(
        item_ids=[f"p{item}" for item in range(len(votes[0]))],
        model_names=[f"m{model}" for model in range(len(votes))],
        class_names=CLASSES,
        predictions=votes,
    )


def test_an_item_has_the_label_that_most_say(
    begin: Begin, alice: User, eddie: User, anna: User
) -> None:
    session = begin()
    label(anna, session, 3, "cat")
    also(eddie, session, 3, "dog")
    assert labels_of(session) == {3: "cat"}  # split: the first counts
    assert labelling_of(queries.events_of(session)).tied == [3]
    also(alice, session, 3, "dog")
    assert labels_of(session) == {3: "dog"}
    assert labelling_of(queries.events_of(session)).tied == []


def test_a_doubtful_label_is_asked_again_of_somebody_else(
    begin: Begin, anna: User, eddie: User, truth: list[int]
) -> None:
    session = begin(second_share=0.5, audit_share=0)
    doubtful = 7
    for item in (0, 1, 2, doubtful):
        wrong = item == doubtful
        label(anna, session, item, CLASSES[(truth[item] + wrong) % 3])
    asked = []
    for _ in range(4):
        turn = next_item(user=eddie, session=session)
        assert turn.reservation is not None
        asked.append(turn.reservation.item)
        record(
            user=eddie,
            session=session,
            answer=Answer(asked[-1], "label", CLASSES[truth[asked[-1]]]),
        )
    assert doubtful in asked
    assert len(set(asked)) == 4
    assert session.events.get(annotator=eddie, item=doubtful).probability is None
    turn = next_item(user=anna, session=session)
    assert turn.reservation is not None
    assert turn.reservation.item not in {0, 1, 2, doubtful}  # never the same person twice


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_second_opinions_stay_within_their_share(
    begin: Begin, anna: User, eddie: User, share: float
) -> None:
    session = begin(second_share=share)
    people = (anna, eddie)
    for turn in range(24):
        given = next_item(user=people[turn % 2], session=session)
        assert given.reservation is not None
        label(people[turn % 2], session, given.reservation.item, CLASSES[turn % 3])
        found = labelling_of(queries.events_of(session))
        assert found.given - len(found.opinions) <= share * found.given
    assert (found.given > len(found.opinions)) == (share > 0)


def test_nobody_answers_an_item_with_a_label_unasked(begin: Begin, anna: User, eddie: User) -> None:
    session = begin()
    label(anna, session, 3, "cat")
    with pytest.raises(ValidationError, match="has the label `cat` already; nothing was changed"):
        label(eddie, session, 3, "dog")
    assert labels_of(session) == {3: "cat"}


def test_a_second_opinion_can_be_taken_back_and_given_again(
    begin: Begin, anna: User, eddie: User
) -> None:
    session = begin()
    label(anna, session, 3, "cat")
    also(eddie, session, 3, "dog")
    undo(user=eddie, session=session)
    assert labels_of(session) == {3: "cat"}
    turn = next_item(user=eddie, session=session)
    assert turn.reservation is not None
    assert (turn.reservation.item, turn.reservation.second) == (3, True)
    label(eddie, session, 3, "cat")
    assert labelling_of(queries.events_of(session)).differing == []


def test_an_editor_settles_and_may_think_again(begin: Begin, anna: User, eddie: User) -> None:
    session = begin()
    label(anna, session, 3, "cat")
    also(eddie, session, 3, "dog")
    settle(user=eddie, session=session, item=3, label="bird")
    assert labels_of(session) == {3: "bird"}
    settle(user=eddie, session=session, item=3, label="dog")
    assert labels_of(session) == {3: "dog"}
    undo(user=eddie, session=session)
    assert labels_of(session) == {3: "bird"}


def test_a_settlement_ends_with_the_opinions_that_it_settled(
    begin: Begin, anna: User, eddie: User
) -> None:
    session = begin()
    label(anna, session, 3, "cat")
    settle(user=eddie, session=session, item=3, label="bird")
    undo(user=anna, session=session)
    label(anna, session, 3, "dog")
    assert labels_of(session) == {3: "dog"}


def test_what_cannot_be_settled_is_said(begin: Begin, anna: User, eddie: User) -> None:
    session = begin()
    with pytest.raises(ValidationError, match="Nobody has labelled item `p3` here"):
        settle(user=eddie, session=session, item=3, label="cat")
    label(anna, session, 3, "cat")
    with pytest.raises(ValidationError, match="`cow` is not one of the classes"):
        settle(user=eddie, session=session, item=3, label="cow")
    with pytest.raises(PermissionDenied):
        settle(user=anna, session=session, item=3, label="cat")
    close_session(user=eddie, session=session)
    with pytest.raises(ValidationError, match="closed"):
        settle(user=eddie, session=session, item=3, label="cat")
    assert session.events.count() == 1


def test_a_split_item_waits_for_an_editor_before_the_dataset_gets_it(
    begin: Begin, alice: User, anna: User, eddie: User
) -> None:
    session = begin()
    for item in (3, 4):
        label(anna, session, item, "cat")
        also(eddie, session, item, "dog")
    settle(user=alice, session=session, item=4, label="bird")
    label(anna, session, 5, "dog")
    close_session(user=eddie, session=session)
    stored, _ = catalog.stored_labels(session.version)
    assert stored == {"p4": "bird", "p5": "dog"}


def test_the_page_shows_who_differs_and_takes_the_editors_word(
    begin: Begin, anna: User, eddie: User, client_of: ClientOf
) -> None:
    session = begin()
    address = reverse("selection_agreement", args=[session.pk])
    assert "No item has two opinions yet" in client_of(anna).get(address).content.decode()
    for item, other in ((3, "dog"), (4, "cat"), (5, "cat")):
        label(anna, session, item, "cat")
        also(eddie, session, item, other)
    page = client_of(anna).get(address).content.decode()
    assert "Annotators agree on 2 of the 3 items with several opinions" in page
    assert "1 to settle" in page
    assert "It is dog" not in page
    assert client_of(anna).post(address, {"item": 3, "label": "dog"}).status_code == 403
    editor = client_of(eddie)
    assert "It is dog" in editor.get(address).content.decode()
    assert editor.post(address, {"item": 3}).status_code == 400
    assert editor.post(address, {"item": 3, "label": "dog"}).status_code == 302
    assert labels_of(session)[3] == "dog"
    assert "to settle" not in editor.get(address).context["agreement"].sentence


def test_agreement_is_what_the_textbook_says() -> None:
    # Two coders, ten items: po = .7, pe = .5, so kappa = .4 (worked by hand).
    first = ["cat"] * 5 + ["dog"] * 5
    second = ["cat"] * 3 + ["dog"] * 2 + ["dog"] * 4 + ["cat"]
    opinions = {
        item: {"a": one, "b": other}
        for item, (one, other) in enumerate(zip(first, second, strict=True))
    }
    found = agreement_of(opinions, table_of([[0] * 10, [1] * 10]), np.ones(2))
    pair = found.pairs[0]
    assert pair.items == 10
    assert pair.same == pytest.approx(0.7)
    assert pair.kappa == pytest.approx(0.4)
    # alpha = 1 - (n - 1) * off-diagonal / sum of n_c n_k: values cat 9, dog 11.
    assert found.alpha == pytest.approx(1 - 19 * 6 / (2 * 9 * 11))


def test_one_class_alone_says_nothing_of_agreement() -> None:
    opinions = {item: {"a": "cat", "b": "cat"} for item in range(4)}
    found = agreement_of(opinions, table_of([[0] * 4, [1] * 4]), np.ones(2))
    assert (found.alpha, found.pairs[0].kappa) == (None, None)


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.integers(0, 7),
        st.dictionaries(st.sampled_from("abc"), st.sampled_from([*CLASSES, "gone"]), min_size=1),
    )
)
def test_any_set_of_opinions_can_be_measured(opinions: dict[int, dict[str, str]]) -> None:
    table = table_of([[0, 1, 2, 0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 1, 2, 2, -1]])
    found = agreement_of(opinions, table, np.array([0.8, 0.6]))
    assert found.items == sum(len(said) > 1 for said in opinions.values())
    assert all(0 <= value <= 1 for value in found.quality.values())
    asked = second_opinion(opinions, table, np.ones(2), again=list(opinions), new=8)
    assert asked is None or asked in opinions


def test_a_label_against_a_sure_committee_is_asked_again_before_a_new_sure_item() -> None:
    votes = [[0, 0, 0, 0, 0, 0]] * 8
    opinions = {0: {"a": "cat"}, 1: {"a": "dog"}, 2: {"b": "cat"}, 3: {"b": "cat"}}
    table = table_of(votes)
    assert second_opinion(opinions, table, np.ones(8), again=[0, 1, 2, 3], new=5) == 1
    assert second_opinion(opinions, table, np.ones(8), again=[0, 2, 3], new=5) is None
