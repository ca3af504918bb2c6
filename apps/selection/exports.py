"""The log of a session as files: what was asked of whom, and what they said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.catalog import queries as catalog
from apps.core.spreadsheets import csv_text
from apps.selection.models import LabelEvent, SelectionSession

COLUMNS = (
    "number", "at", "annotator", "item_id", "kind", "label", "note", "seconds", "probability",
    "uniform_draw", "answers_seen", "undoes",
)  # fmt: skip


def events(session: SelectionSession) -> list[dict[str, Any]]:
    """Every event in its order, undone ones and undos too.

    `probability`: with which the item was drawn, given the labels before; None where it was not asked
    for. `undoes`: the number of the event taken back.
    """
    ids = catalog.item_ids_of(session.version)
    rows = LabelEvent.objects.filter(session=session).order_by("number")
    return [one(event, ids) for event in rows.select_related("annotator", "undoes")]


def one(event: LabelEvent, ids: Sequence[str]) -> dict[str, Any]:
    """One event; `ids` are the item ids of the version."""
    return {
        "number": event.number,
        "at": event.created_at.isoformat(),
        "annotator": str(event.annotator) if event.annotator else None,
        "item_id": ids[event.item],
        "kind": event.kind,
        "label": event.label or None,
        "note": event.note or None,
        "seconds": event.seconds,
        "probability": event.probability,
        "uniform_draw": event.audit,
        "answers_seen": event.revealed,
        "undoes": event.undoes.number if event.undoes else None,
    }


def events_csv(session: SelectionSession) -> str:
    """The log as CSV; an unknown value is an empty cell."""
    rows = ([_cell(event[name]) for name in COLUMNS] for event in events(session))
    return csv_text([COLUMNS, *rows])


def events_json(session: SelectionSession) -> dict[str, Any]:
    """The log with what the session asked."""
    return {
        "selection": str(session.pk),
        "name": session.name,
        "dataset": session.version.dataset.slug,
        "version": session.version.number,
        "method": session.method,
        "seed": session.seed,
        "delta": session.delta,
        "alpha": session.alpha,
        "audit_share": session.audit_share,
        "second_share": session.second_share,
        "budget": session.budget,
        "state": session.state,
        "events": events(session),
    }


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
