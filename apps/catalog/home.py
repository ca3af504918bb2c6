"""What the first page shows of uploads."""

from django.http import HttpRequest
from django.urls import reverse

from apps.catalog.models import Upload
from apps.core.home import Entry, Section, register


@register(order=30)
def uploads_to_finish(request: HttpRequest) -> Section | None:
    """Files that were sent in but not taken over."""
    team = getattr(request, "team", None)
    if team is None or not request.user.is_authenticated:
        return None
    rows = Upload.objects.visible_to(request.user).filter(team=team, lead__isnull=True)
    rows = rows.exclude(state=Upload.State.COMMITTED)
    return Section(
        "Uploads to finish",
        [
            Entry(
                upload.filename,
                reverse("upload_detail", args=[upload.pk]),
                note=upload.get_state_display(),
                at=upload.created_at,
            )
            for upload in rows[:5]
        ],
        more_url=reverse("dataset_list"),
    )
