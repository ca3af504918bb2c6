"""What a template needs to show a job."""

from typing import Any

from django import template

from apps.jobs.models import Job
from apps.jobs.queries import Status, status_of

register = template.Library()


@register.simple_tag(takes_context=True)
def job_status(context: dict[str, Any], job: Job) -> Status:
    """The job's `Status` for whoever looks at the page."""
    return status_of(job, context["request"].user)
