"""Start, pause, close, reopen and delete a session; hand its labels over to the dataset."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.catalog import queries as catalog
from apps.catalog.models import DatasetVersion, LabelBatch
from apps.catalog.services import add_labels
from apps.selection import queries
from apps.selection.counting import Metric, checked_options
from apps.selection.methods.registry import METHODS
from apps.selection.models import SelectionSession
from apps.selection.services.suggestions import DEFAULT_METHOD
from apps.teams.models import Role, User
from apps.teams.services import audit, require
from apps.teams.services.base import one_line

State = SelectionSession.State

NO_LABELS = "A budget below 1 label buys none: give at least 1, or leave it empty."


@transaction.atomic
def start_session(
    *,
    user: User,
    version: DatasetVersion,
    name: str = "",
    method: str = DEFAULT_METHOD,
    budget: int | None = None,
    label_price: Decimal | None = None,
    metric: str = Metric.ACCURACY,
    metric_options: dict[str, Any] | None = None,
    **settings: Any,
) -> SelectionSession:
    """Open a session on a version with predictions; `settings`: delta, alpha, seed, audit_share,
    second_share, monthly_volume, months, answer_value, input_tokens, output_tokens.

    What `metric_options` a `metric` needs says `counting.checked_options`.

    Raises:
        PermissionDenied: below editor. ValidationError: a setting out of its range, or predictions
        among which no label could choose.
    """
    require(user=user, team=version.team, role=Role.EDITOR)
    if method not in METHODS:
        known = ", ".join(METHODS)
        raise ValidationError({"method": f"There is no method `{method}`; there are {known}."})
    if budget is not None and budget < 1:
        raise ValidationError({"budget": NO_LABELS})
    _refuse_without_choice(version)
    session = SelectionSession(
        team=version.team,
        created_by=user,
        version=version,
        name=one_line(name) or f"{version.dataset.name} v{version.number}"[:200],
        method=method,
        budget=budget,
        label_price=label_price,
        metric=metric,
        metric_options=checked_options(
            metric, metric_options or {}, version, catalog.predictions_of(version)
        ),
        **settings,
    )
    session.full_clean()
    session.save()
    audit(
        user=user,
        team=session.team,
        action="selection.started",
        target=session,
        method=method,
        metric=metric,
    )
    return session


def _refuse_without_choice(version: DatasetVersion) -> None:
    """Raise ValidationError where no label could tell the candidates apart."""
    try:
        table = catalog.predictions_of(version)
    except ValueError as error:
        raise ValidationError({"version": str(error)}) from error
    if table.n_models < 2:
        raise ValidationError(
            {"version": f"{version} has the predictions of one model only: nothing is to choose."}
        )
    if not queries.disputed_items(table).any():
        raise ValidationError(
            {
                "version": f"All {table.n_models:,} models of {version} agree on every item: "
                "no label can tell them apart."
            }
        )


def locked(session: SelectionSession) -> SelectionSession:
    """The session's row as it stands, held until the transaction ends."""
    rows = SelectionSession.objects.select_for_update(of=("self",))
    found: SelectionSession = rows.select_related("team", "version__dataset", "version__team").get(
        pk=session.pk
    )
    return found


def _move(user: User, session: SelectionSession, state: str, action: str) -> SelectionSession:
    require(user=user, team=session.team, role=Role.EDITOR)
    with transaction.atomic():
        held = locked(session)
        if held.state != state:
            held.state = state
            held.save(update_fields=["state"])
            if state != State.OPEN:
                held.reservations.all().delete()
            audit(user=user, team=held.team, action=action, target=held)
    session.state = state
    return held


def pause_session(*, user: User, session: SelectionSession) -> SelectionSession:
    """Ask nobody for labels until it is reopened; doing so twice changes nothing."""
    if session.state == State.CLOSED:
        raise ValidationError("This selection is closed; reopen it to go on.")
    return _move(user, session, State.PAUSED, "selection.paused")


def reopen_session(*, user: User, session: SelectionSession) -> SelectionSession:
    """Go on after a pause or after closing."""
    return _move(user, session, State.OPEN, "selection.reopened")


@transaction.atomic
def close_session(*, user: User, session: SelectionSession) -> SelectionSession:
    """Take no more labels, and hand those there are over to the dataset, so that boards follow."""
    hand_over(user=user, session=session)
    return _move(user, session, State.CLOSED, "selection.closed")


@transaction.atomic
def hand_over(*, user: User, session: SelectionSession) -> LabelBatch | None:
    """Add the session's labels to the dataset's; None where there is none to add.

    A label that disagrees with the dataset's stays in the session alone: `Basis.conflicts` names it.
    So does one on which annotators are split evenly until an editor settles it.
    """
    require(user=user, team=session.team, role=Role.EDITOR)
    held = locked(session)
    labelling = queries.labelling_of(queries.events_of(held))
    ids = catalog.item_ids_of(held.version)
    stored, _ = catalog.stored_labels(held.version)
    kept = {item for item in labelling.labels if ids[item] in stored} | set(labelling.tied)
    new = {item: event.label for item, event in labelling.labels.items() if item not in kept}
    batch = add_labels(
        user=user,
        version=held.version,
        labels={ids[item]: label for item, label in new.items()},
        annotators={ids[item]: name for item, name in _named(labelling, new).items()},
    )
    if batch is not None:
        audit(
            user=user,
            team=held.team,
            action="selection.labels_used",
            target=held,
            labels=batch.count,
            batch=str(batch.pk),
        )
    return batch


def _named(labelling: queries.Labelling, labels: dict[int, str]) -> dict[int, str]:
    """By item, who gave it this label: the first who said so, or the editor who settled it."""
    by = {}
    for item, label in labels.items():
        said = [*labelling.opinions[item].values()]
        said += [labelling.settled[item]] if item in labelling.settled else []
        by[item] = next(event.annotator_id for event in said if event.label == label)
    people = User.objects.in_bulk(set(by.values()) - {None})
    return {item: str(people[person]) for item, person in by.items() if person in people}


_MOVES: dict[str, Callable[..., object]] = {
    "pause": pause_session,
    "reopen": reopen_session,
    "close": close_session,
    "use": hand_over,
}


def move(*, user: User, session: SelectionSession, do: str) -> None:
    """One of pause, reopen, close and use, by its name.

    Raises:
        PermissionDenied: below editor. ValidationError: no such word, or not in this state.
    """
    if do not in _MOVES:
        raise ValidationError(f"Say what to do: {', '.join(_MOVES)}.")
    _MOVES[do](user=user, session=session)


@transaction.atomic
def delete_session(*, user: User, session: SelectionSession) -> None:
    """Delete a session with its log; labels that the dataset has taken over stay there."""
    require(user=user, team=session.team, role=Role.EDITOR)
    audit(
        user=user,
        team=session.team,
        action="selection.deleted",
        target=session,
        events=session.event_count,
    )
    session.delete()
