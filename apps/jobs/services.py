"""Verbs on jobs."""

from typing import Any

from django.db import IntegrityError, transaction

from apps.jobs import leases, registry
from apps.jobs.models import Job, Outcome, Queue, State
from apps.jobs.wake import wake
from apps.teams.models import Role, Team, User
from apps.teams.services import audit, require


def enqueue(
    *,
    user: User | None,
    team: Team,
    kind: str,
    title: str,
    params: dict[str, Any],
    key: str = "",
    queue: Queue = Queue.DEFAULT,
    max_attempts: int = 3,
) -> Job:
    """Put a job into `queue` within the caller's transaction; a worker is woken on commit.

    While a job of the same team, kind and `key` waits or runs (and is not being cancelled), that one
    is returned: let `key` name everything that the result rests on. Raises LookupError for a kind
    that nobody handles.
    """
    registry.find(kind)
    same = Job.objects.filter(
        team=team,
        kind=kind,
        key=key,
        state__in=(State.QUEUED, State.RUNNING),
        cancel_requested=False,
    )
    while True:
        live: Job | None = same.first() if key else None
        if live is not None:
            return live
        try:
            with transaction.atomic():
                job: Job = Job.objects.create(
                    team=team,
                    created_by=user,
                    kind=kind,
                    title=leases.clean_text(title, 200),
                    params=params,
                    key=key,
                    queue=queue,
                    max_attempts=max_attempts,
                )
        except IntegrityError:
            if not key:
                raise
            continue  # somebody else put it in between: return that one
        transaction.on_commit(lambda: wake(leases.queue_to_wake(queue, kind)))
        return job


def cancel(*, user: User, job: Job) -> Job:
    """Cancel a job: at once where it waits, within a heartbeat where it runs.

    From then on it can no longer succeed. A job that has ended is returned as it is. Raises
    PermissionDenied below the role editor.
    """
    require(user=user, team=job.team, role=Role.EDITOR)
    with transaction.atomic():
        row: Job = Job.objects.select_for_update().get(pk=job.pk)
        if row.state == State.QUEUED:
            leases.move(row, State.CANCELLED, cancel_requested=True)
        elif row.state == State.RUNNING and not row.cancel_requested:
            leases.held(row).update(cancel_requested=True)
        else:
            return row
        audit(user=user, team=row.team, action="job.cancelled", target=row)
        row.refresh_from_db()
        return row


def retry(*, user: User, job: Job) -> Job:
    """Put a failed or cancelled job into the queue again, as a new job.

    The new one goes on from the last checkpoint, unless the old one ended in an error of its own:
    then it starts afresh. A job that waits, runs or succeeded is returned as it is, and so is the
    job that an earlier retry made and that has not ended. Raises PermissionDenied below editor.
    """
    require(user=user, team=job.team, role=Role.EDITOR)
    with transaction.atomic():
        row: Job = Job.objects.select_for_update().get(pk=job.pk)
        if row.state not in (State.FAILED, State.CANCELLED):
            return row
        live: Job | None = row.retries.filter(state__in=(State.QUEUED, State.RUNNING)).first()
        if live is not None:
            return live
        again = enqueue(
            user=user,
            team=row.team,
            kind=row.kind,
            title=row.title,
            params=row.params,
            key=row.key,
            queue=Queue(row.queue),
            max_attempts=row.max_attempts,
        )
        if again.fence == 0 and again.retry_of_id is None:
            last = row.log.last()
            if last is None or last.outcome != Outcome.FAILED:
                again.checkpoint, again.done, again.total = row.checkpoint, row.done, row.total
            again.retry_of = row
            again.save(update_fields=["retry_of", "checkpoint", "done", "total"])
        audit(user=user, team=row.team, action="job.retried", target=row, as_job=str(again.pk))
        return again
