"""Background work of this room."""

from django.urls import reverse

from apps.catalog.services import commit_upload as commit
from apps.catalog.services.uploads import JOB_KIND
from apps.jobs.context import JobContext
from apps.jobs.registry import handler


@handler(JOB_KIND, page=lambda params: reverse("upload_detail", args=[params["upload"]]))
def commit_upload(ctx: JobContext) -> None:
    """Check an upload whole and take it over."""
    commit(ctx)
