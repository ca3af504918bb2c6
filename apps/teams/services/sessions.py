"""The browsers in which a person is signed in, and signing them out."""

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from apps.teams.models import BrowserSession, User


@receiver(user_logged_in)
def _remember(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    """Keep which browser it was, in its own words; where it came from is not kept."""
    if not request.session.session_key:
        request.session.create()
    agent = request.META.get("HTTP_USER_AGENT", "")
    BrowserSession.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={"user": user, "agent": agent[:300], "created_at": timezone.now()},
    )


def open_sessions(user: User) -> list[BrowserSession]:
    """The sessions of `user` that still open something, the newest first."""
    rows = list(user.browser_sessions.all())
    alive = set(
        Session.objects.filter(
            session_key__in=[row.session_key for row in rows], expire_date__gt=timezone.now()
        ).values_list("session_key", flat=True)
    )
    return [row for row in rows if row.session_key in alive]


@transaction.atomic
def end_sessions(*, user: User, but: str = "", only: BrowserSession | None = None) -> int:
    """Sign `user` out everywhere (or in `only` that browser), except in the session with the key `but`.

    Returns how many sessions ended.
    """
    rows = user.browser_sessions.exclude(session_key=but)
    if only is not None:
        rows = rows.filter(pk=only.pk)
    keys = list(rows.values_list("session_key", flat=True))
    ended, _ = Session.objects.filter(session_key__in=keys).delete()
    rows.delete()
    return ended
