"""What the first page shows of selections."""

from django.http import HttpRequest
from django.urls import reverse

from apps.core.home import Entry, Section, register
from apps.selection import queries
from apps.selection.models import SelectionSession
from apps.teams.access import may
from apps.teams.models import Role


@register(order=20)
def open_selections(request: HttpRequest) -> Section | None:
    """Selections of the current team that wait for labels."""
    team = getattr(request, "team", None)
    if team is None or not request.user.is_authenticated:
        return None
    rows = queries.sessions(request.user).filter(team=team, state=SelectionSession.State.OPEN)
    labels = may(request.user, team, Role.ANNOTATOR)
    return Section(
        "Selections that wait for labels",
        [_entry(session, labels) for session in rows[:5]],
        more_url=reverse("selection_list"),
    )


def _entry(session: SelectionSession, labels: bool) -> Entry:
    return Entry(
        session.name,
        reverse("selection_detail", args=[session.pk]),
        at=session.created_at,
        todo="Label its next item" if labels else "",
        todo_url=reverse("selection_label", args=[session.pk]),
    )
