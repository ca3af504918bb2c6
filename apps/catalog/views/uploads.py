"""Pages of files on their way in."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.catalog import queries, services
from apps.catalog.forms import ColumnsForm, ConfirmForm, FileForm, NewDatasetForm, NewOutcomesForm
from apps.catalog.models import DatasetVersion, Upload
from apps.catalog.readers import FileProblem
from apps.catalog.views.shared import editor_of, person, posted
from apps.core.forms import complain, complaints_to
from apps.jobs.models import State
from apps.teams.access import get_visible
from apps.teams.services import require

_FIRST = (Upload.Purpose.ITEMS, Upload.Purpose.PREDICTIONS, Upload.Purpose.LABELS)
_LAYOUTS = ("wide", "long")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def dataset_new(request: HttpRequest) -> HttpResponse:
    """Choose the files that a new dataset begins with."""
    team = editor_of(request)
    form = NewDatasetForm(*posted(request))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        # Items come first, but what is known by its name is the file of predictions.
        named = data["predictions"] or data["items"]
        name = data["name"] or services.free_name(team, named.name)
        how: dict[str, Any] = {"team": team, "dataset_name": name}
        lead: Upload | None = None
        try:
            for purpose in _FIRST:
                if file := data.get(str(purpose)):
                    upload = _receive(request, file, purpose=purpose, lead=lead, **how)
                    lead = lead or upload
        except ValidationError as error:
            complain(form, error)
            if lead is not None:
                services.discard_upload(user=person(request), upload=lead)
        if form.is_valid() and lead is not None:
            services.choose_columns(
                user=person(request), upload=lead, mapping=None, class_names=data["class_names"]
            )
            return redirect("upload_detail", lead.pk)
    return render(request, "catalog/dataset_new.html", {"form": form})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def outcomes_new(request: HttpRequest) -> HttpResponse:
    """Choose the file of outcomes that a new dataset of prompts begins with."""
    team = editor_of(request)
    form = NewOutcomesForm(*posted(request))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with complaints_to(form):
            upload = _receive(
                request,
                data["file"],
                purpose=Upload.Purpose.OUTCOMES,
                team=team,
                dataset_name=data["name"],
            )
            return redirect("upload_detail", upload.pk)
    return render(request, "catalog/outcomes_new.html", {"form": form})


def _receive(request: HttpRequest, file: Any, *, purpose: str, **how: Any) -> Upload:
    """Receive a file; what cannot be read is noted, so that only this file is to be chosen anew."""
    common = {"user": person(request), "purpose": purpose, "filename": file.name, **how}
    try:
        return services.receive_upload(file=file, **common)
    except FileProblem as problem:
        return services.record_rejection(problem=problem, **common)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def version_upload(request: HttpRequest, slug: str, number: int, purpose: str) -> HttpResponse:
    """Choose a file for a version that is there: predictions, labels, or items for the next one."""
    user = person(request)
    rows = DatasetVersion.objects.select_related("dataset", "team")
    version = get_visible(rows, user, dataset__slug=slug, number=number)
    require(user=user, team=version.team, role=services.role_for(purpose))
    form = FileForm(*posted(request))
    if request.method == "POST" and form.is_valid():
        with complaints_to(form):
            upload = _receive(
                request,
                form.cleaned_data["file"],
                purpose=purpose,
                team=version.team,
                version=version,
            )
            return redirect("upload_detail", upload.pk)
    context = {"form": form, "version": version, "purpose": purpose}
    return render(request, "catalog/version_upload.html", context)


def _lead(request: HttpRequest, pk: UUID) -> Upload:
    rows = Upload.objects.select_related("team", "job", "lead", "version__dataset")
    upload: Upload = get_visible(rows, request.user, pk=pk)
    return upload


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def upload_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Where an upload stands: columns to confirm, being checked, problems; in the end its dataset."""
    lead = _lead(request, pk)
    if lead.lead_id is not None:
        return redirect("upload_detail", lead.lead_id)
    group = queries.upload_group(lead)
    if request.method == "POST":
        for upload in group:
            require(
                user=person(request),
                team=upload.team,
                role=services.role_for(upload.purpose),
            )
    if lead.state == Upload.State.COMMITTED:
        return _arrived(request, lead, group)
    if not services.waits(lead):
        context = {"upload": lead, "job": lead.job}
        return render(request, "catalog/upload_running.html", context)
    return _choosing(request, lead, group)


def _arrived(request: HttpRequest, lead: Upload, group: list[Upload]) -> HttpResponse:
    said = [upload.summary.get("sentence") for upload in group]
    messages.success(request, "Taken over: " + " ".join(one for one in said if one))
    if lead.version is None:
        return redirect("model_list")
    boards = lead.version.boards.all()[:2]
    answers = {Upload.Purpose.PREDICTIONS, Upload.Purpose.LABELS}
    if len(boards) == 1 and any(upload.purpose in answers for upload in group):
        return redirect("board_detail", boards[0].slug)
    return redirect("version_detail", lead.version.dataset.slug, lead.version.number)


def _choosing(request: HttpRequest, lead: Upload, group: list[Upload]) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    parts = []
    for upload in group:
        asked = request.GET.get("layout", "")
        layout = asked if asked in _LAYOUTS else upload.sniffed.get("layout", "wide")
        has_columns = bool(upload.blob) and upload.purpose != Upload.Purpose.MODELS
        form = ColumnsForm(upload, layout, data) if has_columns else None
        parts.append({"upload": upload, "form": form, "layout": layout, "file_form": FileForm()})
    new = lead.version is None and lead.purpose != Upload.Purpose.MODELS
    confirm = ConfirmForm(data, initial={"dataset_name": lead.dataset_name}) if new else None
    problem = None
    if data is not None:
        problem = _confirm(request, lead, parts, confirm)
        if problem is None:
            return redirect("upload_detail", lead.pk)
    context = {
        "upload": lead,
        "parts": parts,
        "confirm": confirm,
        "problem": problem or _ended(lead),
        "ready": all(upload.blob for upload in group),
    }
    return render(request, "catalog/upload_detail.html", context)


def _ended(lead: Upload) -> str:
    """Why the last check ended without an answer, where it did."""
    job = lead.job
    if lead.state != Upload.State.CHECKING or job is None:
        return ""
    if job.state == State.CANCELLED:
        return "The check was cancelled; nothing was taken over."
    return f"The check did not come to an end: {job.error}"


def _confirm(
    request: HttpRequest, lead: Upload, parts: list[dict[str, Any]], confirm: ConfirmForm | None
) -> str | None:
    """Keep the chosen columns and start the check; a sentence where that cannot be."""
    forms = [part["form"] for part in parts if part["form"] is not None]
    whole = [form.is_valid() for form in [*forms, confirm] if form is not None]
    if not all(whole):
        return "Some choices are missing."
    user = person(request)
    try:
        with transaction.atomic():
            for form in forms:
                services.choose_columns(
                    user=user, upload=form.upload, mapping=form.mapping(), **form.options()
                )
                if form.cleaned_data.get("inside"):
                    services.take_labels_inside(user=user, upload=form.upload)
            if confirm is not None:
                services.name_dataset(
                    user=user, upload=lead, name=confirm.cleaned_data["dataset_name"]
                )
            services.confirm_upload(user=user, upload=lead)
    except (FileProblem, ValueError) as error:
        return str(error)
    except ValidationError as error:
        return " ".join(error.messages)
    return None


@login_required
@require_POST
def upload_replace(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put another file in the place of one."""
    upload = _lead(request, pk)
    user = person(request)
    require(user=user, team=upload.team, role=services.role_for(upload.purpose))
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, "Choose a file first.")
    else:
        file = form.cleaned_data["file"]
        try:
            services.replace_file(user=user, upload=upload, file=file, filename=file.name)
        except FileProblem as problem:
            messages.error(request, str(problem))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
    return redirect("upload_detail", upload.lead_id or upload.pk)


@login_required
@require_POST
def upload_discard(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Forget an upload that was not taken over."""
    upload = _lead(request, pk)
    back = reverse("dataset_list")
    if upload.version is not None:
        back = reverse("dataset_detail", args=[upload.version.dataset.slug])
    try:
        services.discard_upload(user=person(request), upload=upload)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("upload_detail", upload.pk)
    return redirect(back)
