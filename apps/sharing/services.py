"""Verbs on share links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.sharing.kinds import KINDS
from apps.sharing.models import Scope, ShareLink
from apps.teams.models import Role, TeamOwned, User
from apps.teams.services import audit, new_secret, require

DEFAULT_DAYS = 30
MAX_DAYS = 365
MIN_PASSWORD, MAX_PASSWORD = 8, 128
MOST_ORIGINS = 10
GUESSES = 5
"""Wrong passwords after which a link is closed for a minute, then two, four, and at most an hour."""

_MOST_CLOSED = timedelta(hours=1)
# As it goes into a header: a scheme, a name or an address, a port, and nothing that could end it.
_ORIGIN = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)(?::[0-9]{1,5})?"
)


@transaction.atomic
def create_link(
    *,
    user: User,
    note: str = "",
    days: int = DEFAULT_DAYS,
    frozen: bool = True,
    scope: str = Scope.CHARTS,
    password: str = "",
    embed_origins: Sequence[str] = (),
    **shown: TeamOwned,
) -> tuple[ShareLink, str]:
    """A link to one object, and its token, which is not kept and cannot be shown again.

    Args:
        frozen: it shows the object as it is now for ever; else as it stands when it is opened.
        scope: how much of it.
        password: asked for before anything is shown; empty for none.
        embed_origins: of the sites that may show it in a frame, as in `https://wiki.example.org`.
        shown: the object by the name of its kind, as in `board=board`.

    Raises:
        PermissionDenied: below editor. ValidationError: a length of life outside 1 to 365 days, an
        object with nothing to show yet, one that cannot be followed, a scope that its kind does not
        have, a password that is too short, an origin that is none, or both of the last two.
    """
    ((name, target),) = shown.items()
    kind = KINDS[name]
    require(user=user, team=target.team, role=Role.EDITOR)
    if not 1 <= days <= MAX_DAYS:
        raise ValidationError({"days": f"A link lives 1 to {MAX_DAYS} days, not {days}."})
    if not frozen and not kind.live:
        raise ValidationError({"frozen": f"A {kind.noun} never changes: share it as it is."})
    if scope == Scope.ITEMS and not kind.items:
        raise ValidationError({"scope": f"The page of a {kind.noun} names no prompts."})
    if password and not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise ValidationError(
            {"password": f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters."}
        )
    origins = checked_origins(embed_origins)
    if password and origins:
        raise ValidationError(
            {"password": "A link with a password cannot be shown on other sites: choose one."}
        )
    blob = kind.freeze(target)
    token, digest = new_secret()
    link = ShareLink(
        team=target.team,
        created_by=user,
        blob=blob if frozen else "",
        title=str(target)[:200] if frozen else "",
        scope=scope,
        password=make_password(password) if password else "",
        embed_origins=origins,
        token_hash=digest,
        prefix=token[:6],
        note=note,
        expires_at=timezone.now() + timedelta(days=days),
        **shown,
    )
    link.full_clean()
    link.save()
    details = {"days": days, "scope": str(scope), "password": bool(password), "embedded": origins}
    audit(
        user=user,
        team=link.team,
        action="link.created",
        target=target,
        link=link.prefix,
        **details,
    )
    return link, token


def checked_origins(origins: Iterable[str]) -> list[str]:
    """Origins in one form, each once. Raises ValidationError for what is none."""
    found = dict.fromkeys(origin.strip().lower().rstrip("/") for origin in origins)
    for origin in found:
        if not _ORIGIN.fullmatch(origin):
            raise ValidationError(
                {
                    "embed_origins": f"{origin[:100]!r} is no origin: give scheme and server alone, as in "
                    "https://wiki.example.org."
                }
            )
    if len(found) > MOST_ORIGINS:
        raise ValidationError(
            {"embed_origins": f"A link is shown on at most {MOST_ORIGINS} sites."}
        )
    return list(found)


@transaction.atomic
def revoke_link(*, user: User, link: ShareLink) -> ShareLink:
    """End a link now; one that has ended already stays as it is. Raises PermissionDenied."""
    require(user=user, team=link.team, role=Role.EDITOR)
    if link.revoked_at is None:
        link.revoked_at = timezone.now()
        link.save(update_fields=["revoked_at"])
        audit(
            user=user, team=link.team, action="link.revoked", target=link.target, link=link.prefix
        )
    return link


@transaction.atomic
def revoke_links(*, user: User, links: Iterable[ShareLink]) -> int:
    """End several links now, all or none; how many of them had not ended. Raises PermissionDenied."""
    open_ones = [link for link in links if not link.ended]
    for link in open_ones:
        revoke_link(user=user, link=link)
    return len(open_ones)


class Closed(Exception):
    """Too many wrong passwords: none is heard for a while."""


def unlock(*, link: ShareLink, password: str) -> bool:
    """Whether this is the link's password. Raises Closed.

    A guess is counted before it is looked at, so that many at once are no more than one by one.
    """
    _count_guess(link.pk)
    if not check_password(password[: MAX_PASSWORD + 1], link.password):
        return False
    ShareLink.objects.filter(pk=link.pk).update(wrong_guesses=0, closed_until=None)
    return True


@transaction.atomic
def _count_guess(pk: UUID) -> None:
    link = ShareLink.objects.select_for_update().select_related(None).get(pk=pk)
    now = timezone.now()
    if link.closed_until is not None and link.closed_until > now:
        raise Closed
    link.wrong_guesses += 1
    if link.wrong_guesses % GUESSES == 0:
        rounds = min(link.wrong_guesses // GUESSES - 1, 6)
        link.closed_until = now + min(timedelta(minutes=2**rounds), _MOST_CLOSED)
    link.save(update_fields=["wrong_guesses", "closed_until"])


def key_of(link: ShareLink) -> str:
    """What the browser of whoever knew the password keeps, signed: another password makes another."""
    return salted_hmac("apps.sharing.key", f"{link.pk}:{link.password}").hexdigest()
