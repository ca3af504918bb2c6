"""The wake-up, and the kind of job that tests the workers themselves."""

from celery import shared_task

from apps.jobs import leases, registry, stopping, worker
from apps.jobs.runner import run_next
from apps.jobs.selftest import selftest
from apps.jobs.wake import wake

registry.handler("jobs.selftest")(selftest)


@shared_task(name="jobs.work", ignore_result=True)
def work(queue: str) -> None:
    """Do one job of `queue`, if any waits; what the message itself says does not matter."""
    if stopping.requested():
        return
    job = run_next(queues=(queue,), worker=worker.parent(queue))
    if job is None or stopping.requested():
        return
    if leases.ready([queue], registry.kinds()).exists():
        wake(queue)
