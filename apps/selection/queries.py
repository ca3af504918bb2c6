"""Reads of sessions: which ones a person sees, what the events of one come to, what it rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from django.db.models import QuerySet

from apps.catalog import queries as catalog
from apps.catalog.models import DatasetVersion
from apps.catalog.queries import LabelState
from apps.catalog.tables import NOT_LABELLED, NOT_RUN, Classes, Floats, Mask, PredictionTable
from apps.selection.counting import Counting, counting_of
from apps.selection.models import LabelEvent, Reservation, SelectionSession

Kind = LabelEvent.Kind


def sessions(user: Any) -> QuerySet[SelectionSession]:
    """The sessions that `user` may see, with what a page needs of each in the same query."""
    rows: QuerySet[SelectionSession] = SelectionSession.objects.visible_to(user).select_related(
        "team", "version__dataset", "version__team", "created_by"
    )
    return rows


class Event(NamedTuple):
    """A line of the log."""

    pk: UUID
    number: int
    item: int
    annotator_id: int | None
    kind: str
    label: str
    seconds: float | None
    probability: float | None
    audit: bool
    undoes_id: UUID | None
    created_at: datetime


def events_of(session: SelectionSession) -> list[Event]:
    """The log of a session, in its order."""
    rows = LabelEvent.objects.filter(session=session).order_by("number")
    return [Event(*row) for row in rows.values_list(*Event._fields)]


@dataclass
class Labelling:
    """What the events of a session come to: those that were undone count no more.

    Attributes:
        labels: by item, the event of its first opinion, with the label that the item has: what an
            editor settled, else what most annotators say, else the first opinion. In the order in
            which the first opinions were given.
        opinions: by item and annotator, the event of theirs that labels it. Whoever left is None, or
            where several of those who labelled an item left, a negative number of its own for each.
        settled: by item, the event by which an editor settled its label.
        passed: by annotator and item, the number of the event by which they skipped it or were unsure.
        last: by annotator, the newest event of theirs that an undo would take back.
        count: number of events, undone ones and undos too.
    """

    labels: dict[int, Event] = field(default_factory=dict)
    opinions: dict[int, dict[int | None, Event]] = field(default_factory=dict)
    settled: dict[int, Event] = field(default_factory=dict)
    passed: dict[int | None, dict[int, int]] = field(default_factory=dict)
    last: dict[int | None, Event] = field(default_factory=dict)
    count: int = 0

    @property
    def given(self) -> int:
        """Labels that annotators gave: every opinion on every item."""
        return sum(map(len, self.opinions.values()))

    @property
    def differing(self) -> list[int]:
        """Items that annotators called differently, settled ones too."""
        return [
            item
            for item, said in self.opinions.items()
            if len({event.label for event in said.values()}) > 1
        ]

    @property
    def tied(self) -> list[int]:
        """Items on which no label has most opinions and that nobody has settled."""
        return [
            item
            for item, said in self.opinions.items()
            if item not in self.settled and _most(said) is None
        ]


def labelling_of(events: Sequence[Event]) -> Labelling:
    """Fold a log."""
    undone = {event.undoes_id for event in events if event.kind == Kind.UNDO}
    found = Labelling(count=len(events))
    for event in events:
        if event.kind == Kind.UNDO or event.pk in undone:
            continue
        found.last[event.annotator_id] = event
        if event.kind == Kind.LABEL:
            said = found.opinions.setdefault(event.item, {})
            person = event.annotator_id
            said[-event.number if person is None and None in said else person] = event
        elif event.kind == Kind.SETTLE:
            found.settled[event.item] = event
        else:
            found.passed.setdefault(event.annotator_id, {})[event.item] = event.number
    for item, said in found.opinions.items():
        first = next(iter(said.values()))
        settled = found.settled.get(item)
        if settled and all(event.number > settled.number for event in said.values()):
            # Every opinion that it settled was taken back.
            settled = None
            del found.settled[item]
        label = settled.label if settled else _most(said) or first.label
        found.labels[item] = first._replace(label=label)
    return found


def _most(said: dict[int | None, Event]) -> str | None:
    """The label with the most opinions; None where several have as many."""
    counts = Counter(event.label for event in said.values()).most_common(2)
    return None if len(counts) > 1 and counts[0][1] == counts[1][1] else counts[0][0]


@dataclass(frozen=True, eq=False)
class Basis:
    """What the next item follows from.

    Attributes:
        table: the candidates' predictions.
        stored: int32 [n_items], the dataset's labels, -1 where there is none.
        since: [n_items], when the dataset's label came; see `LabelState`.
        labels: int32 [n_items], the dataset's and the session's; where they differ, the dataset's.
        labelling: what the session's events come to.
        open: bool [n_items], neither the dataset nor the session has a label for the item, and it
            counts.
        disputed: bool [n_items], the models that were run on the item do not all agree, as far as
            that counts.
        counting: what makes a model good.
    """

    table: PredictionTable
    stored: Classes
    since: Floats
    labels: Classes
    labelling: Labelling
    open: Mask
    disputed: Mask
    counting: Counting

    @property
    def part(self) -> tuple[PredictionTable, Classes, Classes]:
        """Of the items that count: the predictions, the labels, and the dataset's labels."""
        items = self.counting.items
        if items is None:
            return self.table, self.labels, self.stored
        return self.counting.part(self.table), self.labels[items], self.stored[items]

    @property
    def conflicts(self) -> list[int]:
        """Items that the session labels otherwise than the dataset does."""
        names = self.table.class_names
        return [
            item
            for item, event in self.labelling.labels.items()
            if self.stored[item] != NOT_LABELLED and names[self.stored[item]] != event.label
        ]


def basis_of(session: SelectionSession) -> Basis:
    """The predictions and labels that a session stands on now.

    Raises:
        ValueError: the version has no predictions (any more).
    """
    table = catalog.predictions_of(session.version)
    stored = catalog.labels_of(session.version, table.class_names)
    counting = counting_of(session, table)
    return basis(table, stored, labelling_of(events_of(session)), counting)


def basis(
    table: PredictionTable, stored: LabelState, labelling: Labelling, counting: Counting
) -> Basis:
    """Put a session's labels beside the dataset's."""
    labels = stored.labels.copy()
    is_open = (labels == NOT_LABELLED) & counting.inside(table.n_items)
    code = {name: index for index, name in enumerate(table.class_names)}
    for item, event in labelling.labels.items():
        is_open[item] = False
        if labels[item] == NOT_LABELLED:
            # A class that left with its predictions says nothing of the candidates that are there.
            labels[item] = code.get(event.label, NOT_LABELLED)
    disputed = counting.disputed(table)
    return Basis(table, stored.labels, stored.since, labels, labelling, is_open, disputed, counting)


def named_opinions(labelling: Labelling) -> dict[int, dict[str, str]]:
    """By item and annotator, a number that stands for the person, what they called it."""
    return {
        item: {str(person): event.label for person, event in said.items()}
        for item, said in labelling.opinions.items()
    }


def vote_weights(basis: Basis) -> Floats:
    """[n_models], how far a candidate's vote counts beside annotators: its share right so far."""
    known = basis.labels != NOT_LABELLED
    answers = basis.table.predictions[:, known]
    right = (answers == basis.labels[known]).sum(axis=1)
    return np.asarray((right + 1) / ((answers != NOT_RUN).sum(axis=1) + 2))


def disputed_items(table: PredictionTable) -> Mask:
    """bool [n_items], where two models that were run gave different answers."""
    votes = table.predictions
    highest = votes.max(axis=0)
    lowest = np.where(votes == NOT_RUN, np.iinfo(np.int32).max, votes).min(axis=0)
    return np.asarray((highest > lowest) & (highest != NOT_RUN))


def reserved_items(session: SelectionSession, *, but: Any, now: Any) -> set[int]:
    """Items that are in front of somebody else than `but` at this moment."""
    rows = Reservation.objects.filter(session=session, until__gt=now).exclude(annotator=but)
    return set(rows.values_list("item", flat=True))


def predicted_versions(user: Any, team: Any) -> QuerySet[DatasetVersion]:
    """Versions of a team that have predictions: what a session can be about."""
    rows: QuerySet[DatasetVersion] = (
        DatasetVersion.objects.visible_to(user)
        .filter(team=team, outputs__isnull=False)
        .select_related("dataset", "team")
        .distinct()
        .order_by("-created_at")
    )
    return rows


@dataclass(frozen=True)
class Annotator:
    """What one person has done in a session; `seconds`: the median a label, None where unknown."""

    name: str
    labels: int
    skipped: int
    unsure: int
    seconds: float | None


def annotators_of(events: Iterable[LabelEvent], undone: set[UUID | None]) -> list[Annotator]:
    """Who answered how much, the busiest first. `events` come with their annotators."""
    by_person: dict[int | None, list[LabelEvent]] = {}
    for event in events:
        if event.kind != Kind.UNDO and event.pk not in undone:
            by_person.setdefault(event.annotator_id, []).append(event)
    found = []
    for own in by_person.values():
        kinds = [event.kind for event in own]
        seconds = [
            event.seconds for event in own if event.kind == Kind.LABEL and event.seconds is not None
        ]
        found.append(
            Annotator(
                name=str(own[0].annotator or "somebody who left"),
                labels=kinds.count(Kind.LABEL),
                skipped=kinds.count(Kind.SKIP),
                unsure=kinds.count(Kind.UNSURE),
                seconds=float(np.median(seconds)) if seconds else None,
            )
        )
    return sorted(found, key=lambda one: (-one.labels, one.name))
