"""Leases: who may work on a job, until when, and every change of a job's state.

Each change is one UPDATE on (id, state, fence): whoever comes second changes nothing. All times are
the database's, so that clocks which differ between machines do not matter.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Min, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from apps.jobs import presence
from apps.jobs.models import FINAL, TRANSITIONS, Attempt, Job, Outcome, Queue, State, Worker
from apps.jobs.signals import job_ended

_REASON_LENGTH = 2000
LONGEST_PAUSE_SECONDS = 600.0
STOPPED = "The worker was stopped and gave the job back."
WITHOUT_GPU = "No GPU worker was there: a worker of the queue default took it."


def _lease_end() -> Any:
    return Now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)


def clean_text(text: str, length: int = _REASON_LENGTH) -> str:
    """`text` as a database can store it: without NUL and lone surrogates, and not too long."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:length]


def held(job: Job) -> QuerySet[Job]:
    """The job's row, if the lease under which `job` was read still holds; else nothing."""
    return Job.objects.filter(pk=job.pk, fence=job.fence, state=State.RUNNING)


def move(job: Job, to: State, **fields: Any) -> bool:
    """Change the state of `job` as it was read (state and fence); False where it has moved on."""
    if to not in TRANSITIONS[State(job.state)]:
        raise ValueError(f"A job that is {job.state} does not become {to.value}.")
    if to in FINAL:
        fields["finished_at"] = Now()
    if to != State.RUNNING:
        fields |= {"leased_until": None, "worker": None}
    row = Job.objects.filter(pk=job.pk, state=job.state, fence=job.fence)
    with transaction.atomic():
        moved = row.update(state=to, **fields) == 1
        if moved and to in FINAL:
            ended = Job.objects.select_related("team", "created_by").get(pk=job.pk)
            job_ended.send(sender=Job, job=ended)
    return moved


def ready(queues: Sequence[str], kinds: Sequence[str]) -> QuerySet[Job]:
    """Jobs that a worker of `queues` could lease now.

    A worker of the queue default stands in for GPU workers where none is left that knows the kind.
    """
    mine = Q(queue__in=queues)
    if Queue.DEFAULT in queues and Queue.GPU not in queues:
        mine |= Q(queue=Queue.GPU) & ~Q(kind__in=presence.kinds_for_gpu())
    return Job.objects.filter(
        mine,
        Q(run_after__isnull=True) | Q(run_after__lte=Now()),
        state=State.QUEUED,
        kind__in=kinds,
    )


def queue_to_wake(queue: str, kind: str) -> str:
    """Whose workers take a job of `kind` that was put into `queue` now."""
    stand_in = queue == Queue.GPU and kind not in presence.kinds_for_gpu()
    return str(Queue.DEFAULT if stand_in else queue)


def lease(worker: Worker, queues: Sequence[str], kinds: Sequence[str]) -> Job | None:
    """Take the next job: of the team with the fewest running jobs of these queues, its oldest; None
    where none waits."""
    waiting = ready(queues, kinds)
    if not waiting.exists():  # spares an idle worker the write lock of SQLite
        return None
    with transaction.atomic():
        running = dict(
            Job.objects.filter(state=State.RUNNING, queue__in=queues)
            .order_by()
            .values_list("team")
            .annotate(count=Count("pk"))
        )
        oldest = waiting.order_by().values_list("team").annotate(oldest=Min("created_at"))
        for team, _ in sorted(oldest, key=lambda row: (running.get(row[0], 0), row[1])):
            job = (
                waiting.filter(team=team)
                .select_for_update(skip_locked=True)
                .order_by("created_at", "pk")
                .first()
            )
            if job is not None and _take(job, worker, stands_in=job.queue not in queues):
                taken: Job = Job.objects.select_related("team", "worker").get(pk=job.pk)
                return taken
    return None


def _take(job: Job, worker: Worker, *, stands_in: bool) -> bool:
    taken = move(
        job,
        State.RUNNING,
        fence=F("fence") + 1,
        attempts=F("attempts") + 1,
        worker=worker,
        leased_until=_lease_end(),
        heartbeat_at=Now(),
        started_at=Coalesce("started_at", Now()),
        run_after=None,
    )
    if taken:
        Attempt.objects.create(
            job=job,
            number=job.fence + 1,
            worker_name=worker.name,
            note=WITHOUT_GPU if stands_in else "",
            done_before=job.done,
        )
    return taken


def renew(job: Job) -> bool:
    """Prolong the lease; False where it is lost."""
    return held(job).update(leased_until=_lease_end(), heartbeat_at=Now()) == 1


def write(job: Job, **fields: Any) -> bool:
    """Write progress or a checkpoint, and prolong the lease; False where it is lost."""
    return held(job).update(leased_until=_lease_end(), heartbeat_at=Now(), **fields) == 1


def succeed(job: Job, result: dict[str, Any]) -> bool:
    """End the job well; False where the lease is lost or a cancel was asked for before."""
    with transaction.atomic():
        row = _locked(job)
        if row is None or row.cancel_requested:
            return False
        return _end(row, State.SUCCEEDED, Outcome.SUCCEEDED, result=result, error="", message="")


def fail(job: Job, reason: str) -> bool:
    """End the job as failed at once, with a sentence for its owner."""
    reason = clean_text(reason)
    with transaction.atomic():
        row = _locked(job)
        if row is None:
            return False
        if row.cancel_requested:
            return _end(row, State.CANCELLED, Outcome.CANCELLED, reason)
        return _end(row, State.FAILED, Outcome.FAILED, reason, error=reason)


def cancel(job: Job) -> bool:
    """End the job as cancelled, by its worker."""
    with transaction.atomic():
        row = _locked(job)
        return row is not None and _end(row, State.CANCELLED, Outcome.CANCELLED)


def fail_attempt(job: Job, reason: str) -> bool:
    """End this attempt with an unforeseen error: the job is tried again later, or it fails."""
    reason = clean_text(reason)
    with transaction.atomic():
        row = _locked(job)
        if row is None:
            return False
        pause = _pause_after(row.attempts)
        return _try_again(row, Outcome.FAILED, reason, run_after=Now() + pause if pause else None)


def _pause_after(attempts: int) -> timedelta:
    """Between a failed attempt and the next: doubled each time, up to LONGEST_PAUSE_SECONDS."""
    seconds = settings.JOB_RETRY_SECONDS * 2 ** min(max(attempts, 1) - 1, 20)
    return timedelta(seconds=min(seconds, LONGEST_PAUSE_SECONDS))


def give_back(job: Job, reason: str = STOPPED) -> bool:
    """Return the job to the queue, because this worker stops; the attempt does not count."""
    with transaction.atomic():
        row = _locked(job)
        if row is None:
            return False
        if row.cancel_requested:
            return _end(row, State.CANCELLED, Outcome.CANCELLED)
        return _end(
            row,
            State.QUEUED,
            Outcome.RETURNED,
            reason,
            attempts=F("attempts") - 1,
        )


def reap() -> int:
    """Take jobs from workers that fell silent; returns how many.

    A lease that ends later than any can have been given means that the database's clock was set
    back: it is shortened, and a worker that lives prolongs it. So is a pause between attempts.
    """
    far = Now() + timedelta(seconds=2 * settings.JOB_LEASE_SECONDS)
    Job.objects.filter(state=State.RUNNING, leased_until__gt=far).update(leased_until=_lease_end())
    longest = timedelta(seconds=LONGEST_PAUSE_SECONDS)
    paused = Job.objects.filter(state=State.QUEUED, run_after__gt=Now() + longest)
    paused.update(run_after=Now() + longest)
    silent = Job.objects.filter(state=State.RUNNING, leased_until__lt=Now())
    reaped = 0
    for pk in list(silent.values_list("pk", flat=True)):
        with transaction.atomic():
            job = silent.filter(pk=pk).select_for_update(skip_locked=True).first()
            if job is not None:
                holder = job.log.filter(number=job.fence).values_list("worker_name", flat=True)
                reason = f"Worker {holder.first() or 'unknown'} fell silent."
                reaped += _try_again(job, Outcome.LOST, reason)
    return reaped


def _locked(job: Job) -> Job | None:
    """The row as it is now, locked until the transaction ends; None where the lease is lost."""
    return held(job).select_for_update().first()


def _try_again(row: Job, outcome: Outcome, reason: str, **fields: Any) -> bool:
    if row.cancel_requested:
        return _end(row, State.CANCELLED, outcome, reason)
    if row.attempts < row.max_attempts:
        return _end(row, State.QUEUED, outcome, reason, **fields)
    error = f"Given up after {row.attempts} attempt{'' if row.attempts == 1 else 's'}: {reason}"
    return _end(row, State.FAILED, outcome, reason, error=error)


def _end(row: Job, to: State, outcome: Outcome, reason: str = "", **fields: Any) -> bool:
    if not move(row, to, **fields):
        return False
    row.log.filter(number=row.fence, outcome="").update(
        ended_at=Now(), outcome=outcome, reason=reason
    )
    return True
