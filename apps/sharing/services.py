"""Verbs on share links."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.leaderboards.models import Board
from apps.sharing.models import ShareLink
from apps.teams.models import Role, User
from apps.teams.services import audit, new_secret, require

DEFAULT_DAYS = 30
MAX_DAYS = 365


@transaction.atomic
def create_link(
    *, user: User, board: Board, note: str = "", days: int = DEFAULT_DAYS, frozen: bool = True
) -> tuple[ShareLink, str]:
    """A link to one board, and its token, which is not kept and cannot be shown again.

    `frozen`: it shows the board as it is now for ever; else as it stands when it is opened. Raises
    PermissionDenied below editor; ValidationError for a length of life outside 1 to 365 days, or a
    board without numbers.
    """
    require(user=user, team=board.team, role=Role.EDITOR)
    if not 1 <= days <= MAX_DAYS:
        raise ValidationError({"days": f"A link lives 1 to {MAX_DAYS} days, not {days}."})
    if board.current is None:
        raise ValidationError("This board has no numbers yet: there is nothing to share.")
    token, digest = new_secret()
    link = ShareLink(
        team=board.team,
        created_by=user,
        board=board,
        snapshot=board.current if frozen else None,
        token_hash=digest,
        prefix=token[:6],
        note=note,
        expires_at=timezone.now() + timedelta(days=days),
    )
    link.full_clean()
    link.save()
    audit(
        user=user, team=board.team, action="link.created", target=board, link=link.prefix, days=days
    )
    return link, token


@transaction.atomic
def revoke_link(*, user: User, link: ShareLink) -> ShareLink:
    """End a link now; one that has ended already stays as it is. Raises PermissionDenied."""
    require(user=user, team=link.team, role=Role.EDITOR)
    if link.revoked_at is None:
        link.revoked_at = timezone.now()
        link.save(update_fields=["revoked_at"])
        audit(user=user, team=link.team, action="link.revoked", target=link.board, link=link.prefix)
    return link
