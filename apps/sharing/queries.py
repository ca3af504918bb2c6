"""Reads of share links: those that a member may see, and the one that a token opens."""

from __future__ import annotations

from django.db.models import F, QuerySet
from django.utils import timezone

from apps.leaderboards.models import Snapshot
from apps.sharing.models import ShareLink
from apps.teams.models import User
from apps.teams.services import hash_secret


def links(user: User) -> QuerySet[ShareLink]:
    """The links that `user` may see, newest first."""
    return ShareLink.objects.visible_to(user).select_related("team", "board", "created_by")


def link_of(token: str) -> ShareLink | None:
    """The link that a token belongs to, ended or not; None where there is none."""
    return (
        ShareLink.objects.filter(token_hash=hash_secret(token))
        .select_related("team", "board__version__dataset", "board__current", "snapshot")
        .first()
    )


def snapshot_of(link: ShareLink) -> Snapshot | None:
    """What a link shows: its own snapshot, or the board's current one."""
    return link.snapshot if link.snapshot_id else link.board.current


def count_view(link: ShareLink) -> None:
    """One more opening of a link."""
    ShareLink.objects.filter(pk=link.pk).update(views=F("views") + 1, last_viewed_at=timezone.now())
