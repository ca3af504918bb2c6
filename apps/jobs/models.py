"""The truth about background work. A broker only wakes workers; what is to be done stands here."""

from django.db import models
from django.db.models import Q

from apps.core.models import Base
from apps.teams.models import TeamOwned


class State(models.TextChoices):
    QUEUED = "queued", "queued"
    RUNNING = "running", "running"
    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


FINAL = (State.SUCCEEDED, State.FAILED, State.CANCELLED)

# Every change of state that may happen; anything else is a defect.
TRANSITIONS: dict[State, tuple[State, ...]] = {
    State.QUEUED: (State.RUNNING, State.CANCELLED),
    State.RUNNING: (State.QUEUED, State.SUCCEEDED, State.FAILED, State.CANCELLED),
    State.SUCCEEDED: (),
    State.FAILED: (),
    State.CANCELLED: (),
}


class Queue(models.TextChoices):
    DEFAULT = "default", "default"
    GPU = "gpu", "gpu"


class Worker(Base):
    """A process that takes jobs; it says every few seconds that it lives."""

    name = models.CharField(max_length=200, unique=True)
    queues = models.JSONField(default=list)
    # A worker takes only the kinds that it knows: an old one leaves a new kind to a new one.
    kinds = models.JSONField(default=list)
    version = models.CharField(max_length=40, blank=True)
    # Why it takes no jobs although it lives.
    holds_back = models.CharField(max_length=300, blank=True)
    seen_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True, blank=True)


class Job(TeamOwned):
    """One piece of background work, leased to at most one worker at a time.

    `fence` grows with every lease; a write that carries an older fence is refused, so that a worker
    which lost its lease (and does not know it) can change nothing.
    """

    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    queue = models.CharField(max_length=20, choices=Queue.choices, default=Queue.DEFAULT)
    params = models.JSONField(default=dict)
    # Two requests for the same thing share one job while it is not finished.
    key = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    cancel_requested = models.BooleanField(default=False)

    fence = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    # After an error the next attempt waits until then.
    run_after = models.DateTimeField(null=True, blank=True)
    retry_of = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="retries"
    )
    worker = models.ForeignKey(Worker, models.SET_NULL, null=True, blank=True, related_name="jobs")
    leased_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    message = models.CharField(max_length=300, blank=True)
    checkpoint = models.JSONField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["state", "queue", "created_at"]),
            models.Index(fields=["team", "-created_at"]),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="job_known_state"),
            models.CheckConstraint(
                condition=~Q(state=State.RUNNING) | Q(leased_until__isnull=False),
                name="job_running_has_lease",
            ),
            models.CheckConstraint(
                condition=Q(state__in=FINAL, finished_at__isnull=False)
                | (~Q(state__in=FINAL) & Q(finished_at__isnull=True)),
                name="job_final_has_end",
            ),
            models.UniqueConstraint(
                fields=["team", "kind", "key"],
                condition=~Q(key="")
                & Q(state__in=(State.QUEUED, State.RUNNING), cancel_requested=False),
                name="job_one_live_per_key",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def finished(self) -> bool:
        return self.state in FINAL


class Outcome(models.TextChoices):
    """How a lease ended."""

    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"
    LOST = "lost", "worker fell silent"
    RETURNED = "returned", "given back"


class Attempt(Base):
    """One lease of a job: who held it and how it ended."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="log")
    number = models.PositiveIntegerField()
    worker_name = models.CharField(max_length=200)
    # What is particular about this lease, as a sentence.
    note = models.CharField(max_length=200, blank=True)
    # What earlier leases had done already, so that the pace of this one can be told.
    done_before = models.PositiveBigIntegerField(default=0)
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, choices=Outcome.choices, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="attempt_once_a_fence")
        ]
