"""What the pages of this room share."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.teams.models import Role, Team, User
from apps.teams.services import require


def team_of(request: HttpRequest) -> Team:
    """The team that new things are made in; PermissionDenied for someone without one."""
    team: Team | None = getattr(request, "team", None)
    if team is None:
        raise PermissionDenied("Make a team first, or have yourself invited to one.")
    return team


def person(request: HttpRequest) -> User:
    """Who is signed in; only behind `login_required`."""
    assert isinstance(request.user, User)  # noqa: S101 - for the type checker
    return request.user


def editor_of(request: HttpRequest) -> Team:
    """The current team, in which the person may edit."""
    team = team_of(request)
    require(user=person(request), team=team, role=Role.EDITOR)
    return team


def page_of(request: HttpRequest, rows: "QuerySet[Any]", size: int = 50) -> Page[Any]:
    """The page that the address asks for; the nearest one where there is no such page."""
    return Paginator(rows, size).get_page(request.GET.get("page"))


def clean(request: HttpRequest, name: str) -> str:
    """A search text from the address, without what no name can hold."""
    return request.GET.get(name, "").replace("\0", "").strip()[:200]


def posted(request: HttpRequest) -> tuple[Any, Any]:
    """What a form is bound to: data and files, or None and None while it is only shown."""
    return (request.POST, request.FILES) if request.method == "POST" else (None, None)
