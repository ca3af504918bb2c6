"""Addresses of other programs that are told what happens here, and everything they were told."""

from django.db import models
from django.db.models import Q

from apps.core.models import Base
from apps.jobs.models import Job
from apps.teams.models import TeamOwned, User


class Event(models.TextChoices):
    JOB_FINISHED = "job.finished", "a job finished"
    JOB_FAILED = "job.failed", "a job failed"
    RECOMMENDATION = "board.recommendation_changed", "a board recommends another model"
    MAY_STOP = "selection.may_stop", "a selection needs no more labels"
    VERDICT = "evaluation.verdict_changed", "an evaluation changed its verdict"


PING = "ping"
"""What a test sends; no webhook needs to ask for it."""


class Webhook(TeamOwned):
    """An address that is called with each event it asks for, signed with a secret of its own.

    The address never changes: another one is another webhook, with another secret.
    """

    name = models.CharField(max_length=100)
    url = models.CharField(max_length=500)
    events = models.JSONField()
    # Sealed for this row and address: see `core.vault`.
    sealed_secret = models.TextField()
    active = models.BooleanField(default=True)
    # Deliveries in a row that came to nothing.
    failures = models.PositiveIntegerField(default=0)
    # Why it was turned off by itself; empty where a person did, or it is on.
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def purpose(self) -> str:
        """What its secret is sealed for."""
        return f"webhook {self.pk} {self.url}"


class Delivery(TeamOwned):
    """One message to one webhook: what was sent, how often it was tried, what was answered."""

    class State(models.TextChoices):
        WAITING = "waiting", "under way"
        DELIVERED = "delivered", "delivered"
        FAILED = "failed", "failed"

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=60)
    # As it is sent; its `id` stays the same when it is sent again.
    payload = models.JSONField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-created_at", "id"]
        indexes = [models.Index(fields=["webhook", "-created_at"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="delivered", delivered_at__isnull=False)
                | (~Q(state="delivered") & Q(delivered_at__isnull=True)),
                name="delivery_has_a_time_if_delivered",
            )
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook}"


class MailWish(Base):
    """Somebody wants a mail when a job of theirs ends; no row, no mail."""

    user = models.OneToOneField(User, models.CASCADE, related_name="mail_wish")

    def __str__(self) -> str:
        return str(self.user)
