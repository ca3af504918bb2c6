"""Links that show one result to somebody without an account."""

from django.db import models
from django.db.models import Q

from apps.leaderboards.models import Board, Snapshot
from apps.teams.models import Secret, TeamOwned


class ShareLink(TeamOwned, Secret):
    """Read-only access to one board: as it was (frozen: `snapshot` set) or as it stands (live)."""

    board = models.ForeignKey(Board, models.CASCADE, related_name="share_links")
    snapshot = models.ForeignKey(
        Snapshot, models.CASCADE, null=True, blank=True, related_name="share_links"
    )
    prefix = models.CharField(max_length=12)
    note = models.CharField(max_length=200, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    views = models.PositiveIntegerField(default=0)
    last_viewed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__isnull=False), name="share_link_always_ends"
            )
        ]

    def __str__(self) -> str:
        return self.note or f"link {self.prefix}…"

    @property
    def ended(self) -> bool:
        """Revoked or expired."""
        return self.revoked_at is not None or self.expired()

    @property
    def frozen(self) -> bool:
        """It shows the board as it was when the link was made."""
        return self.snapshot_id is not None
