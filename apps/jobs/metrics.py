"""What /metrics tells of background work: how many jobs, how long the oldest waits, how old leases are."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily

from apps.core.metrics import register
from apps.jobs import presence
from apps.jobs.models import Job, Queue, State


@register
def jobs() -> Iterable[GaugeMetricFamily]:
    """By queue and state, each a number even where it is 0: an absent series alarms nobody."""
    now = timezone.now()
    counted = {
        (row["queue"], row["state"]): row["count"]
        for row in Job.objects.values("queue", "state").annotate(count=Count("pk"))
    }
    by_state = GaugeMetricFamily(
        "assay_jobs", "Jobs in the database, by queue and state.", labels=["queue", "state"]
    )
    waiting = GaugeMetricFamily(
        "assay_queue_age_seconds",
        "How long the job that waits longest has waited, and could have been taken.",
        labels=["queue"],
    )
    lease = GaugeMetricFamily(
        "assay_lease_age_seconds",
        "How long ago the running job that is silent longest gave its last sign of life.",
        labels=["queue"],
    )
    ready = Q(state=State.QUEUED) & (Q(run_after__isnull=True) | Q(run_after__lte=now))
    oldest = {
        row["queue"]: row
        for row in Job.objects.values("queue").annotate(
            created=Min("created_at", filter=ready),
            silent=Min("heartbeat_at", filter=Q(state=State.RUNNING)),
        )
    }
    for queue in Queue.values:
        for state in State.values:
            by_state.add_metric([queue, state], counted.get((queue, state), 0))
        row: Any = oldest.get(queue, {})
        waiting.add_metric([queue], _age(row.get("created"), now))
        lease.add_metric([queue], _age(row.get("silent"), now))
    return by_state, waiting, lease


@register
def workers() -> Iterable[GaugeMetricFamily]:
    """Workers that gave a sign of life lately, by the queue they serve."""
    serving = list(presence.alive().values_list("queues", flat=True))
    family = GaugeMetricFamily(
        "assay_workers", "Workers that are alive, by queue.", labels=["queue"]
    )
    for queue in Queue.values:
        family.add_metric([queue], sum(queue in queues for queues in serving))
    return (family,)


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since is not None else 0.0
