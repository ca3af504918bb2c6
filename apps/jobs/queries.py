"""Reads of this room: what each job is waiting for, in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from apps.core.templatetags.assay import ago, in_words
from apps.jobs import presence
from apps.jobs.models import FINAL, Attempt, Job, Outcome, Queue, State, Worker
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


@dataclass(frozen=True)
class Place:
    """Where a job stands in its queue: how many jobs run, and how many start before it."""

    running: int
    before: int

    def __str__(self) -> str:
        if not self.before and not self.running:
            return "It is next: a worker takes it in a moment."
        run = (
            f"{self.running} job{'s run' if self.running > 1 else ' runs'}" if self.running else ""
        )
        if not self.before:
            return f"It is next: {run} in this queue, and it starts when a worker is free."
        start = f"{self.before} start{'' if self.before > 1 else 's'} before it"
        return f"{' and '.join(filter(None, (run, start)))}: teams take turns."


def place_in_queue(job: Job) -> Place:
    """Where a waiting job stands when no job ends meanwhile and nothing new comes.

    The next job is always one of the team with the fewest running (`leases.lease`), so before this one,
    the k-th of a team of which r run, each other team gets as many as lift it above r + k - 1.
    """
    queue = Job.objects.filter(queue=job.queue)
    ready = queue.filter(
        Q(run_after__isnull=True) | Q(run_after__lte=Now()), state=State.QUEUED
    ).exclude(pk=job.pk)
    running = _by_team(queue.filter(state=State.RUNNING))
    own = ready.filter(team=job.team_id, created_at__lt=job.created_at).count()
    level = running.get(job.team_id, 0) + own
    waiting = _by_team(ready.exclude(team=job.team_id))
    # Between teams with equally many running, the older job goes first.
    older = _by_team(ready.exclude(team=job.team_id).filter(created_at__lt=job.created_at))
    before = own
    for team, count in waiting.items():
        lift = level - running.get(team, 0)
        if lift >= 0:
            before += min(count, lift + (older.get(team, 0) > lift))
    return Place(sum(running.values()), before)


def _by_team(jobs: QuerySet[Job]) -> dict[object, int]:
    return dict(jobs.order_by().values_list("team").annotate(count=Count("pk")))


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
    attempt = _last_attempt(job)
    note = f" {attempt.note}" if attempt is not None and attempt.note else ""
    return f"Worker {name} works on it ({tries}last sign of life {beat}).{note}"


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
    return f"{again}{place_in_queue(job)}{_stand_in(job)}"


def _stand_in(job: Job) -> str:
    """A sentence where a worker of another queue is to take the job, else nothing."""
    if job.queue == Queue.GPU and not _able(job, Queue.GPU):
        return " No GPU worker has been seen lately: a worker of the queue default takes it."
    return ""


def _able(job: Job, queue: str) -> bool:
    """Whether a worker of `queue` lives that would take the job."""
    return any(
        queue in worker.queues and job.kind in worker.kinds and not worker.holds_back
        for worker in presence.alive()
    )


def _no_worker(job: Job) -> str:
    """A sentence where no living worker could take the job, else nothing."""
    if _able(job, job.queue):
        return ""
    if job.queue == Queue.GPU and _able(job, Queue.DEFAULT):
        return _wait_for_gpu(job)
    able = [worker for worker in presence.alive() if job.queue in worker.queues]
    if holding := [worker for worker in able if worker.holds_back]:
        return f" Worker {holding[0].name} takes no jobs. {holding[0].holds_back}"
    if able:
        return f" No worker here knows jobs of the kind {job.kind}: update and restart the workers."
    which = "" if job.queue == "default" else f" for the queue {job.queue}"
    seen = Worker.objects.all() if job.queue == "default" else None
    last = seen.aggregate(last=Max("seen_at"))["last"] if seen is not None else None
    since = f" since {_clock(last)}" if last else ""
    return f" No worker{which} has been seen{since}: {START_A_WORKER}."


def _wait_for_gpu(job: Job) -> str:
    """A sentence while GPU workers that are gone may come back, else nothing."""
    gone = [worker for worker in presence.gpu_workers_of_late() if job.kind in worker.kinds]
    if not gone:
        return ""
    if gone[0].holds_back and presence.is_alive(gone[0]):
        return f" Worker {gone[0].name} takes no jobs. {gone[0].holds_back}"
    until = gone[0].seen_at + timedelta(seconds=settings.JOB_GPU_WAIT_SECONDS)
    return (
        f" The last GPU worker was seen at {_clock(gone[0].seen_at)}. If none comes back before "
        f"{_clock(until)}, a worker of the queue default takes the job."
    )


def _last_attempt(job: Job) -> Attempt | None:
    return job.log.last()


def _clock(at: datetime | None) -> str:
    if at is None:
        return "its start"
    style = "%H:%M" if at.date() == timezone.now().date() else "%-d %B, %H:%M"
    return f"{at.strftime(style)} UTC"
