"""Result cards of selections; those of replays are found with them."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.catalog import queries as catalog
from apps.core.cards import Claim, Progress, Recount, register
from apps.selection.exports import COLUMNS, events
from apps.selection.history.cards import Replays
from apps.selection.models import LabelEvent, SelectionSession
from apps.selection.standing import standing_of

__all__ = ["Replays", "Selections", "claim_of"]

_ASKED = (
    "method", "delta", "alpha", "audit_share", "second_share", "budget", "metric",
    "metric_options", "monthly_volume", "months", "input_tokens", "output_tokens",
)  # fmt: skip
_MONEY = ("label_price", "answer_value")
_PASSING = ("state",)  # says nothing of the numbers
_UNNAMED = ("annotator", "note")


def claim_of(session: SelectionSession) -> Claim:
    """What a card says of a session as it stands. Raises ValueError without predictions."""
    return Claim(
        kind="selection",
        id=str(session.pk),
        name=session.name,
        priced_on=timezone.localdate().isoformat(),
        inputs=_inputs(session),
        parameters=_parameters(session),
        seed=session.seed,
        result=_result(session),
    )


@register
class Selections(Recount):
    """Folds the log of answers and asks the method anew."""

    kind = "selection"

    def find(self, pk: UUID) -> SelectionSession | None:
        """See `Recount.find`."""
        rows = SelectionSession.objects.select_related("version__dataset", "version__team")
        return rows.filter(pk=pk).first()

    def inputs(self, target: SelectionSession, claim: Claim) -> dict[str, Any]:
        """See `Recount.inputs`."""
        return _inputs(target)

    def result(self, target: SelectionSession, claim: Claim, progress: Progress) -> dict[str, Any]:
        """See `Recount.result`."""
        return _result(target)


def _inputs(session: SelectionSession) -> dict[str, Any]:
    """The version's data, the settings, and a hash of the log without the people in it."""
    kept = [name for name in COLUMNS if name not in _UNNAMED]
    said = events(session)
    log = [[event[name] for name in kept] for event in said]
    return {
        "data": catalog.inputs_of(session.version),
        "answers": {"count": len(log), "sha256": _digest(log), **_meanwhile(session, said)},
        "question": {**_parameters(session), "seed": session.seed},
    }


def _meanwhile(session: SelectionSession, said: list[dict[str, Any]]) -> dict[str, Any]:
    """Which labels the dataset got after which answer: estimates weigh the draws by what was open.

    Nothing is said where it got none, or only those given here.
    """
    times = [event["at"] for event in said]
    undone = {event["undoes"] for event in said}
    given = {
        event["item_id"]
        for event in said
        if event["kind"] == LabelEvent.Kind.LABEL and event["number"] not in undone
    }
    came = catalog.label_times(session.version)
    places = [[item, bisect(times, came[item].isoformat())] for item in sorted(came.keys() - given)]
    later = [pair for pair in places if pair[1]]
    return {"labels_meanwhile": {"count": len(later), "sha256": _digest(later)}} if later else {}


def _digest(lines: list[list[Any]]) -> str:
    return hashlib.sha256(json.dumps(lines, separators=(",", ":")).encode()).hexdigest()


def _parameters(session: SelectionSession) -> dict[str, Any]:
    money = {name: getattr(session, name) for name in _MONEY}
    return {
        **{name: getattr(session, name) for name in _ASKED},
        **{name: None if value is None else f"{value:f}" for name, value in money.items()},
    }


def _result(session: SelectionSession) -> dict[str, Any]:
    found = standing_of(session)
    return {key: value for key, value in found.items() if key not in _PASSING}
