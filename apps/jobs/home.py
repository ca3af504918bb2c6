"""What the first page shows of background work."""

from collections.abc import Iterable
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from apps.core.home import Entry, Section, needs, register
from apps.jobs import queries
from apps.jobs.models import Job, State
from apps.teams.access import MemberRequest


@needs(order=10)
def failed_jobs(request: MemberRequest) -> Iterable[Entry]:
    """Jobs of the current team that failed within a day and were not tried again."""
    lately = timezone.now() - timedelta(days=1)
    found = queries.jobs(request.user).filter(
        team=request.team,
        state=State.FAILED,
        finished_at__gte=lately,
        retries__isnull=True,
    )
    for job in found[:5]:
        url = reverse("job_detail", args=[job.pk])
        yield Entry(
            job.title,
            url,
            sentence=job.error[:200],
            at=job.finished_at,
            kind="Job",
            failed=True,
            todo="Read what happened, and try it again",
            todo_url=url,
        )


@register(order=5)
def jobs_going_on(request: MemberRequest) -> Section | None:
    """Jobs of the current team that wait or run."""
    found = Job.objects.visible_to(request.user).filter(
        team=request.team,
        state__in=(State.QUEUED, State.RUNNING),
    )
    return Section(
        "Under way",
        [
            Entry(
                job.title,
                reverse("job_detail", args=[job.pk]),
                note=f"{job.done:,} of {job.total:,}" if job.total else job.get_state_display(),
                at=job.started_at or job.created_at,
            )
            for job in found[:5]
        ],
        more_url=reverse("job_list"),
    )
