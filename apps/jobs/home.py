"""What the first page shows of background work."""

from datetime import timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from apps.core.home import Entry, Section, register
from apps.jobs.models import Job, State


@register(order=20)
def jobs_going_on(request: HttpRequest) -> Section | None:
    """Jobs of the current team that wait, run, or failed within a day."""
    team = getattr(request, "team", None)
    if team is None:
        return None
    lately = timezone.now() - timedelta(days=1)
    found = (
        Job.objects.visible_to(request.user)
        .filter(team=team)
        .filter(
            Q(state__in=(State.QUEUED, State.RUNNING))
            | Q(state=State.FAILED, finished_at__gte=lately)
        )
    )
    return Section(
        "Background work",
        [
            Entry(
                job.title,
                reverse("job_detail", args=[job.pk]),
                sentence=job.error[:200] if job.state == State.FAILED else "",
                note=job.get_state_display(),
                at=job.finished_at or job.created_at,
            )
            for job in found[:5]
        ],
        more_url=reverse("job_list"),
    )
