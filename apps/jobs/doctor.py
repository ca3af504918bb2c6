"""What the doctor looks at in background work."""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Max
from django.utils import timezone

from apps.core.doctor import Complaint, register
from apps.jobs import presence
from apps.jobs.models import Job, Queue, State

LONG_SECONDS = 3600


@register("workers")
def workers() -> Iterable[Complaint]:
    """Somebody serves each queue in which jobs wait, and always the first one."""
    served = {queue for worker in presence.alive() for queue in worker.queues}
    waiting = set(Job.objects.filter(state=State.QUEUED).values_list("queue", flat=True).distinct())
    if Queue.DEFAULT not in served:
        yield Complaint(
            "no worker has been seen lately",
            "Start one: `make run` does, on servers `celery -A project worker` (see docs/how-to/deploy.md).",
        )
    for queue in sorted(waiting - served - {Queue.DEFAULT}):
        yield Complaint(
            f"jobs wait in the queue {queue}, which no worker serves",
            f"Start a worker with `--queues {queue}`, or cancel these jobs.",
        )


@register("leases")
def leases() -> Iterable[Complaint]:
    """A lease outlives a few heartbeats, and a broker's time-out the longest job."""
    if settings.JOB_LEASE_SECONDS < 3 * settings.JOB_HEARTBEAT_SECONDS:
        yield Complaint(
            f"JOB_LEASE_SECONDS ({settings.JOB_LEASE_SECONDS:g}) is less than three heartbeats of "
            f"{settings.JOB_HEARTBEAT_SECONDS:g} s, so that a busy worker loses its job",
            "Raise it to 30, or lower JOB_HEARTBEAT_SECONDS.",
        )
    options = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {})
    limit = options.get("visibility_timeout")
    if limit is None:
        return
    lately = Job.objects.filter(finished_at__gte=timezone.now() - timedelta(days=30))
    longest = lately.aggregate(longest=Max(F("finished_at") - F("started_at")))["longest"]
    longest_seconds = max(LONG_SECONDS, longest.total_seconds() if longest else 0)
    if limit <= longest_seconds:
        yield Complaint(
            f"Redis hands a message out again after {limit:g} s, and a job took {longest_seconds:g} s",
            "Raise visibility_timeout in CELERY_BROKER_TRANSPORT_OPTIONS above the longest job.",
        )
