"""Pages of this room."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.jobs import presence, queries, registry, services
from apps.jobs.forms import JobFilter
from apps.jobs.models import State
from apps.teams.access import MemberRequest, get_visible

PAGE_SIZE = 25


@login_required
@require_GET
def job_list(request: MemberRequest) -> HttpResponse:
    found = JobFilter(request.GET, queryset=queries.jobs(request.user))
    # A state that does not exist names no jobs.
    rows = found.qs if found.is_valid() else found.queryset.none()
    return render(
        request,
        "jobs/job_list.html",
        {
            "form": found.form,
            "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
            "filtered": any(request.GET.get(name) for name in found.filters),
            "workers": presence.alive(),
        },
    )


@login_required
@require_GET
def job_detail(request: MemberRequest, pk: UUID) -> HttpResponse:
    job = get_visible(queries.jobs(request.user), request.user, pk=pk)
    done = job.state == State.SUCCEEDED
    context = {
        "job": job,
        "log": job.log.all(),
        "result_url": registry.result_page(job.kind, job.params) if done else "",
    }
    return render(request, "jobs/job_detail.html", context)


@login_required
@require_GET
def job_progress(request: MemberRequest, pk: UUID) -> HttpResponse:
    """The fragment that a page which waits asks for again and again; at the end it calls for the
    whole page."""
    job = get_visible(queries.jobs(request.user), request.user, pk=pk)
    response = render(request, "jobs/partials/progress.html", {"job": job})
    if job.finished and _from_htmx(request):
        response["HX-Refresh"] = "true"
    return response


@login_required
@require_POST
def job_cancel(request: MemberRequest, pk: UUID) -> HttpResponse:
    job = get_visible(queries.jobs(request.user), request.user, pk=pk)
    job = services.cancel(user=request.user, job=job)
    messages.info(request, _CANCELLED.get(job.state, "The job is being cancelled."))
    return redirect("job_detail", pk=job.pk)


@login_required
@require_POST
def job_retry(request: MemberRequest, pk: UUID) -> HttpResponse:
    job = get_visible(queries.jobs(request.user), request.user, pk=pk)
    return redirect("job_detail", pk=services.retry(user=request.user, job=job).pk)


_CANCELLED = {
    "cancelled": "The job is cancelled.",
    "succeeded": "The job had ended before it could be cancelled.",
    "failed": "The job had failed before it could be cancelled.",
}


def _from_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"
