"""What of this room goes into a person's own data: the labels that they gave."""

from collections.abc import Iterable
from typing import Any

from apps.selection.models import LabelEvent
from apps.teams.models import User
from apps.teams.services.departure import register


@register("labels")
def labels(user: User) -> Iterable[dict[str, Any]]:
    """Each answer with its note and time. Names of selections in teams that were left are not told."""
    rows = LabelEvent.objects.filter(annotator=user).select_related("session")
    for row in rows.order_by("created_at").iterator(chunk_size=1000):
        here = row.session.team_id in user.roles
        yield {
            "selection": row.session.name if here else None,
            "item": row.item,
            "kind": row.kind,
            "label": row.label,
            "note": row.note,
            "seconds": row.seconds,
            "at": row.created_at,
        }
