"""What happens when a job ends."""

from typing import Any

from django.dispatch import receiver

from apps.hooks import mail, services
from apps.hooks.models import Event
from apps.jobs.models import Job, State
from apps.jobs.signals import job_ended

_OWN = "hooks."
_EVENTS = {State.SUCCEEDED: Event.JOB_FINISHED, State.FAILED: Event.JOB_FAILED}


@receiver(job_ended)
def tell_of_job(sender: Any, job: Job, **_: Any) -> None:
    """Webhooks and the owner hear of it; not of the jobs that tell them."""
    if job.kind == services.DELIVER:
        services.close_delivery(job=job)
    if job.kind.startswith(_OWN) or job.state not in _EVENTS:
        return
    services.tell(team=job.team, event=_EVENTS[State(job.state)], data=_said_of(job))
    mail.tell_owner(job)


def _said_of(job: Job) -> dict[str, Any]:
    return {
        "job": str(job.pk),
        "kind": job.kind,
        "title": job.title,
        "state": job.state,
        "error": job.error,
        "result": job.result,
    }
