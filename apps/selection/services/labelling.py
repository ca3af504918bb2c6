"""Give an annotator an item, and take down what they say of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.catalog import queries as catalog
from apps.catalog.readers.problems import shown
from apps.catalog.tables import NOT_LABELLED, Mask
from apps.selection import queries
from apps.selection.agreement import second_opinion
from apps.selection.choosers import chooser_of
from apps.selection.models import LabelEvent, Reservation, SelectionSession
from apps.selection.queries import Basis, Labelling
from apps.selection.services.sessions import locked
from apps.selection.services.watching import watch
from apps.teams.models import Role, User
from apps.teams.services import audit, require

Kind = LabelEvent.Kind
State = SelectionSession.State

RESERVED_FOR = timedelta(minutes=10)
_TRIES = 5  # when others take the chosen item at the same moment
_AHEAD = 8  # suggestions asked for at once where the first is not free
_CLASSES_NAMED = 10
MOST_OPINIONS = 3  # on one item; beyond that an editor settles it


@dataclass(frozen=True)
class Turn:
    """What is in front of an annotator: an item, or the reason why there is none.

    `basis` is None where the version has no predictions any more.
    """

    basis: Basis | None
    reservation: Reservation | None = None
    reason: str = ""


@dataclass(frozen=True)
class Answer:
    """What an annotator says of an item: `kind` label (with `label`), skip or unsure."""

    item: int
    kind: str
    label: str = ""
    note: str = ""


@dataclass(frozen=True)
class _Draw:
    item: int
    probability: float | None
    audit: bool
    second: bool = False


def next_item(*, user: User, session: SelectionSession) -> Turn:
    """The item in front of `user`, or the next one, reserved for them.

    With probability `audit_share` it is drawn uniformly from the items without a label that nobody
    else has, else it is the method's choice among them; the probability of this item is recorded.
    Items that the user has skipped or was unsure of come last. Where ActiveLab finds that somebody
    else's label needs a second opinion more, that item is asked again instead, for at most the share
    of the labels that the session sets aside for it; nothing tells the user that it was.

    Raises:
        PermissionDenied: below annotator.
    """
    require(user=user, team=session.team, role=Role.ANNOTATOR)
    turn = Turn(None)
    for _ in range(_TRIES):
        try:
            basis = queries.basis_of(session)
        except ValueError as error:
            return Turn(None, reason=str(error))
        if reason := _nothing_to_ask(session, basis):
            return Turn(basis, reason=reason)
        now = timezone.now()
        own = Reservation.objects.filter(session=session, annotator=user).first()
        if own is not None and _still_asked(basis, own):
            if own.until < now + RESERVED_FOR / 2:
                Reservation.objects.filter(pk=own.pk).update(until=now + RESERVED_FOR)
            return Turn(basis, own)
        taken = queries.reserved_items(session, but=user, now=now)
        draw = _draw(session, basis, taken, user)
        if draw is None:
            turn = Turn(basis, reason="Every item left is in front of somebody else just now.")
            break
        if reservation := _reserve(session, user, draw, basis.labelling.count):
            return Turn(basis, reservation)
        turn = Turn(basis, reason="Others took the next items at the same moment. Try again.")
        session.refresh_from_db(fields=["state"])
    return turn


def _still_asked(basis: Basis, own: Reservation) -> bool:
    """Whether an answer to the reserved item would still be taken."""
    again = own.second and basis.stored[own.item] == NOT_LABELLED
    return bool(again or basis.open[own.item])


def _nothing_to_ask(session: SelectionSession, basis: Basis) -> str:
    """Why no label is asked for; empty where one is."""
    if session.state == State.PAUSED:
        return "This selection is paused; nothing is lost, and an editor can resume it."
    if session.state == State.CLOSED:
        return "This selection is closed; an editor can reopen it."
    if not basis.disputed.any():
        return "All models agree on every item: no label can tell them apart."
    if not basis.open.any():
        return (
            f"Every item {'of the slice ' if basis.counting.items is not None else ''}has a label."
        )
    if basis.counting.score.additive and not (basis.open & basis.disputed).any():
        return "The models agree on every item left: no further label can tell them apart."
    if session.budget is not None and basis.labelling.given >= session.budget:
        return f"The budget of {session.budget:,} labels is used up."
    return ""


def _draw(session: SelectionSession, basis: Basis, taken: set[int], user: User) -> _Draw | None:
    """The next item for `user`; the same as long as nothing has happened in the session."""
    free = basis.open.copy()
    free[list(taken)] = False
    passed = {
        item: number
        for item, number in basis.labelling.passed.get(user.pk, {}).items()
        if free[item]
    }
    free[list(passed)] = False
    if not free.any():
        # Asked again, the one set aside longest ago first.
        return _Draw(min(passed, key=lambda one: passed[one]), 1.0, False) if passed else None
    random = np.random.default_rng((session.seed, basis.labelling.count, user.pk))
    share = session.audit_share
    suggested = _suggested(session, basis, free)
    if suggested is not None:
        again = _asked_again(session, basis, taken, user, suggested[0])
        if again is not None:
            return _Draw(again, None, False, second=True)
    audit = suggested is None or bool(random.random() < share)
    uniform = 1 / int(free.sum())
    if audit:
        item = int(random.choice(np.flatnonzero(free)))
    else:
        assert suggested is not None  # noqa: S101 - or this is an audit
        item = suggested[0]
    if suggested is None:
        return _Draw(item, uniform, True)
    chosen = suggested[1] if item == suggested[0] else 0.0
    return _Draw(item, min(1.0, share * uniform + (1 - share) * chosen), audit)


def _asked_again(
    session: SelectionSession, basis: Basis, taken: set[int], user: User, new: int
) -> int | None:
    """An item labelled by others that needs the user's opinion more than `new` needs a first one."""
    labelling = basis.labelling
    seconds = labelling.given - len(labelling.opinions)
    if seconds + 1 > session.second_share * (labelling.given + 1):
        return None
    passed = labelling.passed.get(user.pk, {})
    again = [
        item
        for item, said in labelling.opinions.items()
        if user.pk not in said
        and len(said) < MOST_OPINIONS
        and item not in labelling.settled
        and item not in taken
        and item not in passed
        and basis.stored[item] == NOT_LABELLED
    ]
    if not again:
        return None
    return second_opinion(
        queries.named_opinions(labelling),
        basis.table,
        queries.vote_weights(basis),
        again=again,
        new=new,
    )


def _suggested(session: SelectionSession, basis: Basis, free: Mask) -> tuple[int, float] | None:
    """The method's first suggestion that is free, and the probability that it suggests it."""
    wanted = free & basis.disputed
    if not wanted.any():
        return None
    with chooser_of(session, basis.table, basis.labels) as chooser:
        k, most = 1, int((basis.labels == NOT_LABELLED).sum())
        while True:
            found = chooser.suggest(k)
            for item, probability in zip(found.items, found.probabilities, strict=True):
                if wanted[item]:
                    return int(item), float(probability)
            if k >= most:
                return None
            k = min(most, k * _AHEAD)


def _reserve(session: SelectionSession, user: User, draw: _Draw, seen: int) -> Reservation | None:
    """Put the item in front of `user`; None where somebody labelled or took it meanwhile."""
    now = timezone.now()
    later = LabelEvent.objects.filter(
        session=session, number__gt=seen, item=draw.item, kind=Kind.LABEL
    )
    try:
        with transaction.atomic():
            if locked(session).state != State.OPEN or later.exists():
                return None
            rows = Reservation.objects.filter(session=session)
            rows.filter(annotator=user).delete()
            rows.filter(item=draw.item, until__lte=now).delete()
            return Reservation.objects.create(
                session=session,
                annotator=user,
                item=draw.item,
                until=now + RESERVED_FOR,
                probability=draw.probability,
                audit=draw.audit,
                second=draw.second,
            )
    except IntegrityError:
        return None


def record(*, user: User, session: SelectionSession, answer: Answer) -> LabelEvent:
    """Add an answer to the log; whatever cannot be taken leaves everything as it was.

    Raises:
        PermissionDenied: below annotator. ValidationError: one sentence that says why not: the
        session is not open, no such item or class, or the item has a label already.
    """
    require(user=user, team=session.team, role=Role.ANNOTATOR)
    if answer.kind not in (Kind.LABEL, Kind.SKIP, Kind.UNSURE):
        raise ValidationError("Say what the item is: one of the classes, skip or unsure.")
    ids = catalog.item_ids_of(session.version)
    if not 0 <= answer.item < len(ids):
        raise ValidationError(f"{session.version} has no item with the number {answer.item}.")
    label = _checked_label(session, answer, ids[answer.item])
    stored, _ = catalog.stored_labels(session.version)
    with transaction.atomic():
        held = locked(session)
        labelling = queries.labelling_of(queries.events_of(held))
        reservation = Reservation.objects.filter(
            session=held, annotator=user, item=answer.item
        ).first()
        asked_again = reservation is not None and reservation.second
        _refuse(held, labelling, ids[answer.item], answer, stored, asked_again=asked_again)
        event = _append(
            held,
            item=answer.item,
            annotator=user,
            kind=answer.kind,
            label=label,
            note=" ".join(answer.note.replace("\0", "").split())[:1000],
            **_drawn(reservation),
        )
        rows = Reservation.objects.filter(session=held, item=answer.item)
        # Who passes on an item does not take it away from whoever else has it.
        (rows if answer.kind == Kind.LABEL else rows.filter(annotator=user)).delete()
        if answer.kind == Kind.LABEL:
            watch(session)
    return event


def _checked_label(session: SelectionSession, answer: Answer, item: str) -> str:
    """The class named; empty for an answer that is no label."""
    if answer.kind != Kind.LABEL:
        return ""
    label = answer.label.strip()
    try:
        classes = catalog.predictions_of(session.version).class_names
    except ValueError as error:
        raise ValidationError(str(error)) from error
    if label in classes:
        return label
    named = ", ".join(classes[:_CLASSES_NAMED])
    if len(classes) > _CLASSES_NAMED:
        named += f" and {len(classes) - _CLASSES_NAMED:,} more"
    if not label:
        raise ValidationError(f"Item `{shown(item)}`: name its class, one of {named}.")
    raise ValidationError(
        f"Item `{shown(item)}`: `{shown(label)}` is not one of the classes {named}."
    )


def _refuse(
    session: SelectionSession,
    labelling: Labelling,
    item: str,
    answer: Answer,
    stored: dict[str, str],
    *,
    asked_again: bool,
) -> None:
    """Raise ValidationError where the session, as it stands, cannot take the answer."""
    _refuse_unless_open(session)
    known = None if asked_again else labelling.labels.get(answer.item)
    label = stored.get(item) or (known.label if known is not None else "")
    if label:
        raise ValidationError(
            f"Item `{shown(item)}` has the label `{shown(label)}` already; nothing was changed."
        )
    full = session.budget is not None and labelling.given >= session.budget
    if full and answer.kind == Kind.LABEL:
        raise ValidationError(
            f"The budget of {session.budget:,} labels is used up; this one was not taken."
        )


def _refuse_unless_open(session: SelectionSession) -> None:
    if session.state == State.OPEN:
        return
    verb = "resumes" if session.state == State.PAUSED else "reopens"
    raise ValidationError(
        f"This selection is {session.get_state_display()}: it takes nothing until an editor "
        f"{verb} it."
    )


def _drawn(reservation: Reservation | None) -> dict[str, object]:
    """What the log keeps of how the item came to the annotator."""
    if reservation is None:
        return {}
    return {
        "seconds": round((timezone.now() - reservation.created_at).total_seconds(), 2),
        "probability": reservation.probability,
        "audit": reservation.audit,
        "revealed": reservation.revealed,
    }


def _append(session: SelectionSession, **fields: object) -> LabelEvent:
    session.event_count += 1
    event = LabelEvent.objects.create(session=session, number=session.event_count, **fields)
    session.save(update_fields=["event_count"])
    return event


def settle(*, user: User, session: SelectionSession, item: int, label: str) -> LabelEvent:
    """Say what an item is on which annotators differ; `undo` takes it back.

    Raises:
        PermissionDenied: below editor. ValidationError: no such item or class, nobody has labelled the
        item, the dataset has a label for it, or the session is closed.
    """
    require(user=user, team=session.team, role=Role.EDITOR)
    ids = catalog.item_ids_of(session.version)
    if not 0 <= item < len(ids):
        raise ValidationError(f"{session.version} has no item with the number {item}.")
    named = _checked_label(session, Answer(item, Kind.LABEL, label), ids[item])
    stored, _ = catalog.stored_labels(session.version)
    with transaction.atomic():
        held = locked(session)
        if held.state == State.CLOSED:
            _refuse_unless_open(held)
        if item not in queries.labelling_of(queries.events_of(held)).opinions:
            raise ValidationError(
                f"Nobody has labelled item `{shown(ids[item])}` here: there is nothing to settle."
            )
        if ids[item] in stored:
            raise ValidationError(
                f"Item `{shown(ids[item])}` has the label `{shown(stored[ids[item]])}` in the dataset; "
                "withdraw it there first."
            )
        event = _append(held, item=item, annotator=user, kind=Kind.SETTLE, label=named)
        Reservation.objects.filter(session=held, item=item).delete()
        audit(user=user, team=held.team, action="selection.settled", target=held, item=ids[item])
    return event


def undo(*, user: User, session: SelectionSession) -> LabelEvent:
    """Take back the user's newest answer that still counts, and put its item in front of them again.

    Raises:
        PermissionDenied: below annotator. ValidationError: there is none, the session is not open, or
        the dataset has taken the label over.
    """
    require(user=user, team=session.team, role=Role.ANNOTATOR)
    ids = catalog.item_ids_of(session.version)
    stored, _ = catalog.stored_labels(session.version)
    with transaction.atomic():
        held = locked(session)
        _refuse_unless_open(held)
        labelling = queries.labelling_of(queries.events_of(held))
        last = labelling.last.get(user.pk)
        if last is None:
            raise ValidationError("There is nothing of yours to take back.")
        if last.label and ids[last.item] in stored:
            raise ValidationError(
                f"The label of item `{shown(ids[last.item])}` is the dataset's now; "
                "withdraw it there."
            )
        event = _append(held, item=last.item, annotator=user, kind=Kind.UNDO, undoes_id=last.pk)
        if last.kind == Kind.SETTLE:
            return event
        others = labelling.opinions.get(last.item, {}).keys() - {user.pk}
        rows = Reservation.objects.filter(session=held)
        taken = rows.filter(item=last.item, until__gt=timezone.now()).exclude(annotator=user)
        if not taken.exists():
            rows.filter(item=last.item).delete()
            rows.filter(annotator=user).delete()
            Reservation.objects.create(
                session=held,
                annotator=user,
                item=last.item,
                until=timezone.now() + RESERVED_FOR,
                probability=last.probability,
                audit=last.audit,
                second=bool(others),
                revealed=LabelEvent.objects.get(pk=last.pk).revealed,
            )
    return event


def reveal(*, user: User, session: SelectionSession) -> None:
    """Note that the annotator has been shown what the candidates answered to the item before them."""
    require(user=user, team=session.team, role=Role.ANNOTATOR)
    Reservation.objects.filter(session=session, annotator=user).update(revealed=True)
