"""Reads of this room: what each job is waiting for, in words."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from apps.core.templatetags.assay import ago, in_words
from apps.jobs import presence
from apps.jobs.models import FINAL, Attempt, Job, Outcome, State, Worker
from apps.teams.access import may
from apps.teams.models import Role, User

START_A_WORKER = "start one with `make run` or `celery -A project worker`"
# Below these a pace says nothing yet.
_PACE_SECONDS, _PACE_SHARE = 2.0, 0.02


@dataclass(frozen=True)
class Estimate:
    """How long a running job will still take, in seconds; `low` to `high` narrow as it goes on."""

    seconds: float
    low: float
    high: float

    def __str__(self) -> str:
        if round(self.high) <= 1:
            return "about a second left"
        low, high = in_words(max(1.0, round(self.low))), in_words(round(self.high))
        between = f" ({low} to {high})" if low != high else ""
        return f"about {in_words(max(1.0, round(self.seconds)))} left{between}"


@dataclass(frozen=True)
class Status:
    """What a page shows about a job."""

    job: Job
    reason: str
    estimate: Estimate | None
    may_write: bool
    retry: Job | None

    @property
    def may_cancel(self) -> bool:
        return self.may_write and not self.job.finished and not self.job.cancel_requested

    @property
    def may_retry(self) -> bool:
        return (
            self.may_write
            and self.job.state in (State.FAILED, State.CANCELLED)
            and (self.retry is None or self.retry.finished)
        )


def jobs(user: User) -> QuerySet[Job]:
    """The jobs that `user` may see, latest first, with what a list of them shows."""
    return Job.objects.visible_to(user).select_related("created_by", "worker")


def workers() -> QuerySet[Worker]:
    """Every worker known, the one seen last first."""
    return Worker.objects.order_by("-seen_at", "pk")


def status_of(job: Job, user: User) -> Status:
    """What `user` is shown about `job`."""
    return Status(
        job=job,
        reason=waiting_reason(job),
        estimate=estimate(job),
        may_write=may(user, job.team, Role.EDITOR),
        retry=job.retries.first() if job.finished else None,
    )


def jobs_ahead(job: Job) -> int:
    """How many jobs of the same queue run or were queued before this one."""
    return (
        Job.objects.filter(queue=job.queue)
        .filter(
            Q(state=State.RUNNING)
            | Q(state=State.QUEUED, created_at__lt=job.created_at)
            & (Q(run_after__isnull=True) | Q(run_after__lte=Now()))
        )
        .exclude(pk=job.pk)
        .count()
    )


def estimate(job: Job) -> Estimate | None:
    """The time left at the pace of the present lease; None while too little is done to tell.

    The range assumes that the rest may go up to twice as fast or slow as what is done; it shrinks in
    proportion to what is left.
    """
    if job.state != State.RUNNING or not 0 < job.done < job.total:
        return None
    attempt = _last_attempt(job)
    if attempt is None or job.heartbeat_at is None:
        return None
    elapsed = (job.heartbeat_at - attempt.created_at).total_seconds()
    done = job.done - attempt.done_before
    if elapsed < _PACE_SECONDS or done < _PACE_SHARE * job.total:
        return None
    left = job.total - job.done
    seconds = elapsed / done * left
    share = left / job.total
    return Estimate(seconds, seconds * (1 - share / 2), seconds * (1 + share))


def waiting_reason(job: Job) -> str:
    """One sentence about what the job is waiting for or doing; how it ended, when it has ended."""
    if job.state in FINAL:
        return _ending(job)
    if job.state == State.RUNNING:
        return _running(job)
    return _queued(job)


def _ending(job: Job) -> str:
    if job.state == State.FAILED:
        return job.error or "It failed."
    if job.state == State.CANCELLED:
        return "It was cancelled before its end."
    return "Done."


def _running(job: Job) -> str:
    name = job.worker.name if job.worker else "a worker"
    beat = ago(job.heartbeat_at)
    if job.leased_until is not None and job.leased_until < timezone.now():
        return (
            f"Worker {name} has said nothing since {_clock(job.heartbeat_at)}; "
            + ("the job ends" if job.cancel_requested else "the job is given to another one")
            + " as soon as a worker notices."
            + _no_worker(job)
        )
    if job.cancel_requested:
        return (
            f"Cancelling: worker {name} ends what it is in the middle of; last sign of life {beat}."
        )
    tries = f"attempt {job.attempts} of {job.max_attempts}, " if job.attempts > 1 else ""
    return f"Worker {name} works on it ({tries}last sign of life {beat})."


def _queued(job: Job) -> str:
    again = ""
    last = _last_attempt(job)
    if last is not None and last.outcome in (Outcome.LOST, Outcome.FAILED):
        again = (
            f"Attempt {job.attempts + 1} of {job.max_attempts} is next, "
            f"because attempt {job.attempts} ended: {last.reason} "
        )
    if missing := _no_worker(job):
        return again + missing.strip()
    if job.run_after is not None and job.run_after > timezone.now():
        return f"{again}It starts after {_clock(job.run_after)}."
    ahead = jobs_ahead(job)
    if ahead:
        return f"{again}{ahead} job{'s' if ahead > 1 else ''} of this queue before it."
    return f"{again}It is next: a worker takes it in a moment."


def _no_worker(job: Job) -> str:
    """A sentence where no living worker could take the job, else nothing."""
    able = [worker for worker in presence.alive() if job.queue in worker.queues]
    if any(job.kind in worker.kinds for worker in able):
        return ""
    if able:
        return f" No worker here knows jobs of the kind {job.kind}: update and restart the workers."
    which = "" if job.queue == "default" else f" for the queue {job.queue}"
    seen = Worker.objects.all() if job.queue == "default" else None
    last = seen.aggregate(last=Max("seen_at"))["last"] if seen is not None else None
    since = f" since {_clock(last)}" if last else ""
    return f" No worker{which} has been seen{since}: {START_A_WORKER}."


def _last_attempt(job: Job) -> Attempt | None:
    return job.log.last()


def _clock(at: datetime | None) -> str:
    if at is None:
        return "its start"
    style = "%H:%M" if at.date() == timezone.now().date() else "%-d %B, %H:%M"
    return f"{at.strftime(style)} UTC"
