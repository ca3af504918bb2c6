"""Reads of share links: those that a member may see, and the one that a token opens."""

from __future__ import annotations

from django.db.models import F, Q, QuerySet
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


def narrowed(
    rows: QuerySet[ShareLink], *, q: str = "", kind: str = "", state: str = ""
) -> QuerySet[ShareLink]:
    """The links whose note holds `q`, that show one kind, and that are `open` or `ended`."""
    if q:
        rows = rows.filter(note__icontains=q)
    if kind in KINDS:
        rows = rows.filter(**{f"{kind}__isnull": False})
    is_open = Q(revoked_at__isnull=True, expires_at__gt=timezone.now())
    if state == "open":
        rows = rows.filter(is_open)
    elif state == "ended":
        rows = rows.exclude(is_open)
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
    """One more opening of a link. Nothing is kept of who opened it."""
    ShareLink.objects.filter(pk=link.pk).update(views=F("views") + 1, last_viewed_at=timezone.now())
