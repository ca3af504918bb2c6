"""Runs one leased job in this process, with a heartbeat beside it."""

import threading
from collections.abc import Sequence

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from apps.core.files import StoreUnavailable
from apps.jobs import leases, registry, schema, stopping
from apps.jobs.context import Cancelled, JobContext, JobFailed, LeaseLost, Stopping, TryLater
from apps.jobs.models import Job, Worker
from apps.jobs.presence import this_worker
from apps.jobs.wake import wake

log = structlog.get_logger(__name__)

# The job that this process works on, if any: an idle worker may be asked to take one.
current: Job | None = None
# How often this process was asked to take a job.
turns = 0


def run_next(*, queues: Sequence[str] = ("default",), worker: Worker | None = None) -> Job | None:
    """Lease the next job of `queues` and run it here; the job as it is afterwards, or None."""
    global turns
    turns += 1
    if schema.difference():  # housekeeping says so
        return None
    job = leases.lease(worker or this_worker(queues), queues, registry.kinds())
    if job is None:
        return None
    run(job)
    job.refresh_from_db()
    return job


def run(job: Job) -> None:
    """Run a leased job to its end, whatever its handler does; never raises an Exception."""
    global current
    current = job
    names = {"job": str(job.pk), "kind": job.kind, "team": str(job.team_id)}
    with structlog.contextvars.bound_contextvars(**names):
        _run(job)


def _run(job: Job) -> None:
    global current
    context = JobContext(job)
    heartbeat = Heartbeat(context)
    heartbeat.start()
    try:
        _handle(context)
    except (DatabaseError, InterfaceError):
        # Nothing could be written down: the lease ends by itself, and the job is tried again.
        log.exception("job.unrecorded")
    finally:
        heartbeat.stop()
        current = None


def _handle(context: JobContext) -> None:
    job = context.job
    try:
        registry.find(job.kind)(context)
        if not context.succeeded:
            _returned(context)
    except LeaseLost:
        log.warning("job.lease_lost", fence=job.fence)
    except Cancelled:
        leases.cancel(job)
    except Stopping:
        _give_back(job)
    except JobFailed as failure:
        leases.fail(job, str(failure))
    except TryLater as reason:
        leases.fail_attempt(job, str(reason))
    except Exception as error:
        log.exception("job.error", attempt=job.attempts)
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        told = isinstance(error, StoreUnavailable)  # in words for its owner
        leases.fail_attempt(job, str(error) if told else f"{type(error).__name__}: {error}")
    except BaseException:  # the process is told to end in the middle of the work
        _give_back(job)
        raise


def _give_back(job: Job) -> None:
    """Return the job, and have another worker go on with it at once."""
    if leases.give_back(job, stopping.held_back() or leases.STOPPED):
        wake(leases.queue_to_wake(job.queue, job.kind))


def _returned(context: JobContext) -> None:
    """The handler came back without `finishing()`: it was told to stop, or it has nothing to say."""
    if context.told_to_stop:
        context.raise_if_stopped()
    with context.finishing({}):
        pass


class Heartbeat(threading.Thread):
    """Prolongs the lease while the handler works, and notices when it is lost or cancelled."""

    def __init__(self, context: JobContext) -> None:
        super().__init__(name=f"heartbeat-{context.job.pk}", daemon=True)
        self._context = context
        self._ended = threading.Event()

    def run(self) -> None:
        try:
            while not self._ended.wait(settings.JOB_HEARTBEAT_SECONDS):
                self._beat()
                if self._context.lost:
                    return
        finally:
            connection.close()

    def _beat(self) -> None:
        try:
            if not leases.renew(self._context.job):
                self._context.lost = not self._ended.is_set()
            elif leases.held(self._context.job).filter(cancel_requested=True).exists():
                self._context.cancelled = True
        except (DatabaseError, InterfaceError) as error:  # the next beat may get through
            log.warning("job.heartbeat_failed", job=str(self._context.job.pk), error=str(error))
            connection.close()

    def stop(self) -> None:
        self._ended.set()
        if self.is_alive():
            self.join(timeout=settings.JOB_HEARTBEAT_SECONDS + 1)
