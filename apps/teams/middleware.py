"""Which team the signed-in person is looking at, and that others sign in before anything is kept."""

from collections.abc import Callable
from uuid import UUID

import structlog
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse

from apps.teams.models import Team


class CurrentTeamMiddleware:
    """Sets `request.team`: the one chosen last, else the first one joined, else None.

    It decides only where new things are made and what lists show first; what may be read is decided
    by `visible_to(user)` alone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.team = None  # type: ignore[attr-defined]
        user = request.user
        if user.is_authenticated and user.roles:
            chosen = request.session.get("team")
            team_id = (
                UUID(chosen) if chosen and UUID(chosen) in user.roles else next(iter(user.roles))
            )
            request.team = Team.objects.get(id=team_id)  # type: ignore[attr-defined]
            structlog.contextvars.bind_contextvars(team=str(team_id), user=user.pk)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Send whoever is signed out to the sign-in, and keep nothing of what they sent.

        allauth would put the whole request into a new session, to go on with it afterwards: a row
        in the database for each POST of anybody, and an error where it cannot be written.
        """
        if isinstance(exception, ReauthenticationRequired) and not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return None
