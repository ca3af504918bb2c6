"""What the first page shows of uploads, and the first two steps of its guide."""

from collections.abc import Iterable

from django.db.models import QuerySet
from django.urls import reverse

from apps.catalog.models import DatasetVersion, LabelBatch, ModelOutput, Upload
from apps.core.home import Entry, Step, needs, step
from apps.teams.access import MemberRequest, asker_may
from apps.teams.models import Role


@needs(order=40)
def uploads_to_finish(request: MemberRequest) -> Iterable[Entry]:
    """Files that were sent in but not taken over."""
    rows = Upload.objects.visible_to(request.user).filter(team=request.team, lead__isnull=True)
    rows = rows.exclude(state__in=(Upload.State.COMMITTED, Upload.State.CHECKING))
    if not asker_may(request, Role.EDITOR):
        rows = rows.filter(created_by=request.user)
    for upload in rows[:5]:
        url = reverse("upload_detail", args=[upload.pk])
        yield Entry(
            upload.filename,
            url,
            note=upload.get_state_display(),
            at=upload.created_at,
            kind="Upload",
            todo="Finish this upload",
            todo_url=url,
            failed=upload.state == Upload.State.REJECTED,
        )


@step(order=10)
def predictions(request: MemberRequest) -> Step:
    outputs = ModelOutput.objects.filter(
        version__in=_own_versions(request).values("pk"),
    )
    editor = asker_may(request, Role.EDITOR)
    return Step(
        "Upload what your models answered: a row an item, a column a model (CSV, JSONL, Parquet or npz).",
        done=outputs.exists(),
        action="Upload predictions" if editor else "",
        url=reverse("dataset_new") if editor else "",
    )


@step(order=20)
def labels(request: MemberRequest) -> Step:
    versions = _own_versions(request)
    newest = versions.filter(outputs__isnull=False).order_by("-created_at").first()
    url = ""
    if newest is not None and asker_may(request, Role.ANNOTATOR):
        url = reverse("version_upload", args=[newest.dataset.slug, newest.number, "labels"])
    return Step(
        "Add a few labels: the right answers for some items, drawn at random.",
        done=LabelBatch.objects.filter(
            version__in=versions.values("pk"), withdrawn_at__isnull=True
        ).exists(),
        action="Upload labels" if url else "",
        url=url,
    )


def _own_versions(request: MemberRequest) -> QuerySet[DatasetVersion]:
    """Versions of the team's own datasets: the demo's do not count as done."""
    return (
        DatasetVersion.objects.visible_to(request.user)
        .filter(team=request.team, dataset__demo=False)
        .select_related("dataset")
    )
