"""What /readyz asks of this room."""

from apps.core.health import Finding, register
from apps.jobs import presence


@register("worker")
def worker() -> Finding:
    """Whether any worker has been seen lately: without one, nothing that is sent gets done."""
    workers = list(presence.alive())
    if any(not worker.holds_back for worker in workers):
        return Finding(True)
    if workers:
        return Finding(False, "no worker of this version")
    return Finding(False, "no worker has been seen lately")
