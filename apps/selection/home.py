"""What the first page shows of selections."""

from collections.abc import Iterable

from django.db.models import QuerySet
from django.urls import reverse

from apps.core.home import Entry, Section, needs, register
from apps.selection import queries
from apps.selection.models import SelectionSession
from apps.teams.access import MemberRequest, asker_may
from apps.teams.models import Role


@needs(order=20)
def selections_to_label(request: MemberRequest) -> Iterable[Entry]:
    """Open selections of the current team, for whoever may label."""
    if not asker_may(request, Role.ANNOTATOR):
        return
    for session in _open(request)[:5]:
        yield Entry(
            session.name,
            reverse("selection_detail", args=[session.pk]),
            note=f"{session.event_count:,} answers" if session.event_count else "no answer yet",
            at=session.created_at,
            kind="Selection",
            todo="Label its next item",
            todo_url=reverse("selection_label", args=[session.pk]),
        )


@register(order=20)
def open_selections(request: MemberRequest) -> Section | None:
    """The same for who may only look."""
    if asker_may(request, Role.ANNOTATOR):
        return None
    return Section(
        "Selections that wait for labels",
        [
            Entry(
                session.name,
                reverse("selection_detail", args=[session.pk]),
                at=session.created_at,
            )
            for session in _open(request)[:5]
        ],
        more_url=reverse("selection_list"),
    )


def _open(request: MemberRequest) -> QuerySet[SelectionSession]:
    return queries.sessions(request.user).filter(
        team=request.team,
        state=SelectionSession.State.OPEN,
    )
