"""Links that show one result to somebody without an account."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from django.db import models
from django.db.models import Q

from apps.leaderboards.models import Board
from apps.routing.models import Evaluation
from apps.selection.models import Replay, SelectionSession
from apps.teams.models import Secret, TeamOwned

_SHOWS = ("board", "selection", "replay", "evaluation")


class Scope(models.TextChoices):
    """How much of its object a link shows; each more than the one before."""

    TABLE = "table", "the verdict and the tables"
    CHARTS = "charts", "charts and files as well"
    ITEMS = "items", "the prompts that are named as well"


class ShareLink(TeamOwned, Secret):
    """Read-only access to one object: as it was (frozen: `blob` set) or as it stands (live).

    Exactly one of the foreign keys in `SHOWS` is set; each has a kind in `apps.sharing.kinds`.
    """

    SHOWS = _SHOWS

    board = models.ForeignKey(
        Board, models.CASCADE, null=True, blank=True, related_name="share_links"
    )
    selection = models.ForeignKey(
        SelectionSession, models.CASCADE, null=True, blank=True, related_name="share_links"
    )
    replay = models.ForeignKey(
        Replay, models.CASCADE, null=True, blank=True, related_name="share_links"
    )
    evaluation = models.ForeignKey(
        Evaluation, models.CASCADE, null=True, blank=True, related_name="share_links"
    )
    # Content hash of what a frozen link shows; empty for a live one.
    blob = models.CharField(max_length=64, blank=True)
    # What a frozen link's object was called then; empty for a live one.
    title = models.CharField(max_length=200, blank=True)
    prefix = models.CharField(max_length=12)
    note = models.CharField(max_length=200, blank=True)
    scope = models.CharField(max_length=6, choices=Scope.choices, default=Scope.CHARTS)
    # Hashed as passwords of people are; empty where none is asked for.
    password = models.CharField(max_length=200, blank=True)
    # Guesses since the last right one; no further one is heard before `closed_until`.
    wrong_guesses = models.PositiveIntegerField(default=0)
    closed_until = models.DateTimeField(null=True, blank=True)
    # Origins whose pages may show it in a frame.
    embed_origins = models.JSONField(default=list, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    views = models.PositiveIntegerField(default=0)
    last_viewed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__isnull=False), name="share_link_always_ends"
            ),
            models.CheckConstraint(
                condition=Q(scope__in=Scope.values), name="share_link_known_scope"
            ),
            # A frame on another site brings no cookie along, so it could never be unlocked there.
            models.CheckConstraint(
                condition=Q(password="") | Q(embed_origins=[]),
                name="share_link_password_or_embedded",
            ),
            models.CheckConstraint(
                condition=reduce(
                    or_,
                    (
                        Q(**{f"{other}__isnull": other != name for other in _SHOWS})
                        for name in _SHOWS
                    ),
                ),
                name="share_link_shows_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return self.note or f"link {self.prefix}…"

    @property
    def ended(self) -> bool:
        """Revoked or expired."""
        return self.revoked_at is not None or self.expired()

    @property
    def frozen(self) -> bool:
        """It shows the object as it was when the link was made."""
        return bool(self.blob)

    @property
    def has_password(self) -> bool:
        """Whoever opens it is asked for a password."""
        return bool(self.password)

    @property
    def shows(self) -> str:
        """Which kind of object it shows, by its name."""
        return next(name for name in self.SHOWS if getattr(self, f"{name}_id") is not None)

    @property
    def target(self) -> Any:
        """The object that it shows."""
        return getattr(self, self.shows)

    @property
    def heading(self) -> str:
        """What its page is called."""
        return self.title or str(self.target)
