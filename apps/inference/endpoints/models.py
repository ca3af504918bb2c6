"""An endpoint: its address, its sealed key, how hard it may be asked, and who asks it now."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from apps.core.vault import unseal
from apps.teams.models import TeamOwned

MAX_CONCURRENCY = 256
MAX_TIMEOUT_SECONDS = 600


class Endpoint(TeamOwned):
    """A server that speaks the OpenAI protocol. Its key is written, never read, from outside."""

    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=60, unique=True)
    # Up to and without `/chat/completions`, as the guard let it through.
    base_url = models.CharField(max_length=500)
    # Sealed for `base_url`: with another address it cannot be opened.
    sealed_key = models.TextField(blank=True, editable=False)
    key_set_at = models.DateTimeField(null=True, blank=True, editable=False)
    concurrency = models.PositiveSmallIntegerField(default=8)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    timeout_seconds = models.PositiveSmallIntegerField(default=60)
    # No further request goes out before this moment, by the database's clock: see `sharing`.
    next_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("team", Lower("name"), name="endpoint_name_unique_in_team"),
            models.CheckConstraint(
                condition=Q(concurrency__gte=1, concurrency__lte=MAX_CONCURRENCY),
                name="endpoint_concurrency_in_range",
            ),
            models.CheckConstraint(
                condition=Q(requests_per_minute__isnull=True) | Q(requests_per_minute__gte=1),
                name="endpoint_rate_positive",
            ),
            models.CheckConstraint(
                condition=Q(timeout_seconds__gte=1, timeout_seconds__lte=MAX_TIMEOUT_SECONDS),
                name="endpoint_timeout_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_key(self) -> bool:
        """Whether a key is kept for the address."""
        return bool(self.sealed_key)

    def open_key(self) -> str:
        """The key in plain, empty where there is none: for the header of a call and nothing else.

        Raises `vault.Unreadable` where it was sealed with a key that this installation has lost.
        """
        return unseal(self.sealed_key, bound_to=self.base_url) if self.sealed_key else ""


class EndpointUse(models.Model):
    """Somebody who asks an endpoint now: how many questions may be out at once, and until when.

    Together those of an endpoint never hold more than its concurrency.
    """

    holder = models.UUIDField(primary_key=True, default=uuid4)
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="uses")
    slots = models.PositiveSmallIntegerField()
    wanted = models.PositiveSmallIntegerField()
    until = models.DateTimeField()
