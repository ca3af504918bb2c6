"""Verbs on share links."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.sharing.kinds import KINDS
from apps.sharing.models import ShareLink
from apps.teams.models import Role, TeamOwned, User
from apps.teams.services import audit, new_secret, require

DEFAULT_DAYS = 30
MAX_DAYS = 365


@transaction.atomic
def create_link(
    *,
    user: User,
    note: str = "",
    days: int = DEFAULT_DAYS,
    frozen: bool = True,
    **shown: TeamOwned,
) -> tuple[ShareLink, str]:
    """A link to one object, and its token, which is not kept and cannot be shown again.

    Args:
        frozen: it shows the object as it is now for ever; else as it stands when it is opened.
        shown: the object by the name of its kind, as in `board=board`.

    Raises:
        PermissionDenied: below editor. ValidationError: a length of life outside 1 to 365 days, an
        object with nothing to show yet, or one that cannot be followed.
    """
    ((name, target),) = shown.items()
    kind = KINDS[name]
    require(user=user, team=target.team, role=Role.EDITOR)
    if not 1 <= days <= MAX_DAYS:
        raise ValidationError({"days": f"A link lives 1 to {MAX_DAYS} days, not {days}."})
    if not frozen and not kind.live:
        raise ValidationError({"frozen": f"A {kind.noun} never changes: share it as it is."})
    blob = kind.freeze(target)
    token, digest = new_secret()
    link = ShareLink(
        team=target.team,
        created_by=user,
        blob=blob if frozen else "",
        token_hash=digest,
        prefix=token[:6],
        note=note,
        expires_at=timezone.now() + timedelta(days=days),
        **shown,
    )
    link.full_clean()
    link.save()
    audit(
        user=user, team=link.team, action="link.created", target=target, link=link.prefix, days=days
    )
    return link, token


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
