"""Reads of share links: those that a member may see, and the one that a token opens."""

from __future__ import annotations

from django.db.models import F, QuerySet
from django.utils import timezone

from apps.sharing.kinds import KINDS
from apps.sharing.models import ShareLink
from apps.teams.models import User
from apps.teams.services import hash_secret


def links(user: User) -> QuerySet[ShareLink]:
    """The links that `user` may see, newest first."""
    rows: QuerySet[ShareLink] = ShareLink.objects.visible_to(user).select_related(
        "team", "created_by", *KINDS
    )
    return rows


def link_of(token: str) -> ShareLink | None:
    """The link that a token belongs to, ended or not; None where there is none."""
    needed = [f"{name}__{path}" for name, kind in KINDS.items() for path in kind.related]
    return (
        ShareLink.objects.filter(token_hash=hash_secret(token))
        .select_related("team", *KINDS, *needed)
        .first()
    )


def count_view(link: ShareLink) -> None:
    """One more opening of a link."""
    ShareLink.objects.filter(pk=link.pk).update(views=F("views") + 1, last_viewed_at=timezone.now())
