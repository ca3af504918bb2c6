"""What /readyz asks of this room."""

from apps.core.health import Finding, register
from apps.jobs import presence


@register("worker")
def worker() -> Finding:
    """Whether any worker has been seen lately: without one, nothing that is sent gets done."""
    if presence.alive().exists():
        return Finding(True)
    return Finding(False, "no worker has been seen lately")
