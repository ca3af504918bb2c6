"""Pages of datasets and their versions."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.catalog import exports, queries, services
from apps.catalog.forms import DatasetForm
from apps.catalog.models import (
    Dataset,
    DatasetVersion,
    LabelBatch,
    OutcomeBatch,
    PredictionBatch,
    Upload,
)
from apps.catalog.money import PriceUnit
from apps.catalog.views.shared import clean, page_of, person, posted
from apps.core.forms import complaints_to
from apps.teams.access import get_visible, may
from apps.teams.models import Role
from apps.teams.services import require

_SAMPLE = 24  # items on one page


@login_required
@require_safe
def dataset_list(request: HttpRequest) -> HttpResponse:
    user = person(request)
    search = clean(request, "q")
    waiting = Upload.objects.visible_to(user).filter(lead__isnull=True)
    waiting = waiting.exclude(state=Upload.State.COMMITTED).select_related("version__dataset")
    context = {
        "page": page_of(request, queries.datasets_for(user, search=search)),
        "search": search,
        "waiting": waiting[:10],
        "may_edit": may(user, getattr(request, "team", None), Role.EDITOR),
    }
    return render(request, "catalog/dataset_list.html", context)


@login_required
@require_safe
def dataset_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest version of a dataset."""
    dataset = get_visible(Dataset.objects.select_related("team"), request.user, slug=slug)
    newest = dataset.versions.order_by("-number").first()
    if newest is None:
        raise Http404("This dataset has no version.")
    return _version_page(request, _version(request, slug, newest.number))


@login_required
@require_safe
def version_detail(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One version of a dataset."""
    return _version_page(request, _version(request, slug, number))


def _version(request: HttpRequest, slug: str, number: int) -> DatasetVersion:
    version: DatasetVersion = get_visible(
        queries.versions_of(request.user), request.user, dataset__slug=slug, number=number
    )
    return version


def _version_page(request: HttpRequest, version: DatasetVersion) -> HttpResponse:
    user = person(request)
    batches = version.label_batches.select_related("created_by", "upload").order_by("-created_at")
    labels, _ = queries.stored_labels(version)
    context: dict[str, Any] = {
        "dataset": version.dataset,
        "version": version,
        "versions": version.dataset.versions.order_by("-number"),
        "outputs": page_of(
            request, version.outputs.select_related("model", "batch").order_by("model__name"), 100
        ),
        "prediction_batches": queries.prediction_batches_of(version),
        "outcomes": _outcomes(version),
        "outcome_batches": queries.outcome_batches_of(version),
        "label_batches": batches,
        "label_count": len(labels),
        "sample": _sample(version, labels),
        "boards": version.boards.order_by("name"),
        "may_edit": may(user, version.team, Role.EDITOR),
        "may_label": may(user, version.team, Role.ANNOTATOR),
    }
    return render(request, "catalog/dataset_detail.html", context)


def _outcomes(version: DatasetVersion) -> dict[str, Any]:
    """A line per model with outcomes, its mean cost in a unit that can be read."""
    found = queries.outcome_summaries(version)
    unit = PriceUnit.of(one.cost for one in found)
    rows = [(one, None if one.cost is None else unit.amount(one.cost)) for one in found]
    answered = sum(one.answered for one in found)
    priced = sum(one.priced for one in found)
    return {"rows": rows, "unit": unit.name, "answered": answered, "priced": priced}


def _sample(version: DatasetVersion, labels: dict[str, str]) -> list[dict[str, Any]]:
    """The first items, where there is more to see of them than their ids."""
    if not (version.has_text or version.has_images or version.slice_names):
        return []
    shown = queries.items_of(version, range(min(_SAMPLE, version.item_count)))
    return [{"item": item, "label": labels.get(item.id)} for item in shown]


@login_required
@require_safe
def item_image(request: HttpRequest, slug: str, number: int, index: int) -> HttpResponse:
    """The picture of one item, as PNG."""
    version = _version(request, slug, number)
    if not version.has_images or index >= version.item_count:
        raise Http404("This item has no picture.")
    image = queries.items_of(version, [index])[0].image
    if image is None:
        raise Http404("This item has no picture.")
    response = HttpResponse(image, content_type="image/png")
    response["X-Content-Type-Options"] = "nosniff"
    # Versions never change; a private cache may keep what its owner has seen.
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response


@login_required
@require_safe
def predictions_file(request: HttpRequest, slug: str, number: int, kind: str) -> HttpResponseBase:
    """All predictions of a version as CSV or Parquet."""
    version = _version(request, slug, number)
    try:
        table = queries.predictions_of(version)
    except ValueError as error:
        raise Http404(str(error)) from error
    response: HttpResponseBase
    if kind == "csv":
        rows = exports.predictions_csv(table)
        response = StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
    else:
        data = exports.predictions_parquet(table)
        response = HttpResponse(data, content_type="application/vnd.apache.parquet")
    return _named(response, f"{slug}-v{number}-predictions.{kind}")


@login_required
@require_safe
def outcomes_file(request: HttpRequest, slug: str, number: int, kind: str) -> HttpResponse:
    """All outcomes of a version as CSV or Parquet, priced as of today."""
    version = _version(request, slug, number)
    try:
        table = queries.outcomes_of(version)
    except ValueError as error:
        raise Http404(str(error)) from error
    wide = exports.outcomes_table(table)
    response = (
        HttpResponse(exports.outcomes_csv(wide), content_type="text/csv; charset=utf-8")
        if kind == "csv"
        else HttpResponse(exports.parquet(wide), content_type="application/vnd.apache.parquet")
    )
    _named(response, f"{slug}-v{number}-outcomes.{kind}")
    return response


@login_required
@require_safe
def labels_file(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """All labels of a version that count, as CSV."""
    version = _version(request, slug, number)
    text = exports.labels_csv(version)
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    return _named(response, f"{slug}-v{number}-labels.csv")


def _named(response: HttpResponseBase, filename: str) -> HttpResponseBase:
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def dataset_edit(request: HttpRequest, slug: str) -> HttpResponse:
    user = person(request)
    dataset = get_visible(Dataset.objects.select_related("team"), user, slug=slug)
    require(user=user, team=dataset.team, role=Role.EDITOR)
    form = DatasetForm(posted(request)[0], instance=get_visible(Dataset, user, slug=slug))
    if request.method == "POST" and form.is_valid():
        with complaints_to(form):
            services.update_dataset(user=user, dataset=dataset, **form.cleaned_data)
            return redirect("dataset_detail", slug)
    return render(request, "catalog/dataset_form.html", {"form": form, "dataset": dataset})


def _confirmed(
    request: HttpRequest, verb: Any, *, subject: object, back: str, after: str, **texts: str
) -> HttpResponse:
    """Ask before something is taken away; do it on POST, or say why it cannot be."""
    problem = None
    if request.method == "POST":
        try:
            verb()
        except ValidationError as error:
            problem = error.messages[0]
        else:
            messages.success(request, texts["done"])
            return redirect(after)
    context = {**texts, "subject": subject, "back_url": back, "problem": problem}
    return render(request, "catalog/confirm.html", context, status=409 if problem else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def dataset_delete(request: HttpRequest, slug: str) -> HttpResponse:
    user = person(request)
    dataset = get_visible(Dataset.objects.select_related("team"), user, slug=slug)
    require(user=user, team=dataset.team, role=Role.EDITOR)
    return _confirmed(
        request,
        lambda: services.delete_dataset(user=user, dataset=dataset),
        subject=dataset.name,
        back=reverse("dataset_detail", args=[slug]),
        after=reverse("dataset_list"),
        heading=f"Delete {dataset.name}?",
        text="All its versions, predictions and labels go with it; the models stay.",
        action="Delete this dataset",
        done=f"The dataset {dataset.name} is deleted.",
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def version_delete(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    user = person(request)
    version = _version(request, slug, number)
    require(user=user, team=version.team, role=Role.EDITOR)
    return _confirmed(
        request,
        lambda: services.delete_version(user=user, version=version),
        subject=version,
        back=reverse("version_detail", args=[slug, number]),
        after=reverse("dataset_detail", args=[slug]),
        heading=f"Delete {version}?",
        text="Its predictions and labels go with it; other versions and the models stay.",
        action="Delete this version",
        done=f"{version} is deleted.",
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def predictions_delete(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    user = person(request)
    rows = PredictionBatch.objects.select_related("team", "version__dataset")
    batch = get_visible(rows, user, version__dataset__slug=slug, pk=pk)
    require(user=user, team=batch.team, role=Role.EDITOR)
    back = reverse("version_detail", args=[slug, batch.version.number])
    count = batch.outputs.count()
    return _confirmed(
        request,
        lambda: services.delete_predictions(user=user, batch=batch),
        subject=batch.version,
        back=back,
        after=back,
        heading=f"Delete the predictions of {count} {'model' if count == 1 else 'models'}?",
        text=f"They are taken out of {batch.version} and its boards; the models stay in the list.",
        action="Delete these predictions",
        done="The predictions are deleted.",
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def outcomes_delete(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    user = person(request)
    rows = OutcomeBatch.objects.select_related("team", "version__dataset", "version__team")
    batch = get_visible(rows, user, version__dataset__slug=slug, pk=pk)
    require(user=user, team=batch.team, role=Role.EDITOR)
    back = reverse("version_detail", args=[slug, batch.version.number])
    count = batch.outcomes.count()
    return _confirmed(
        request,
        lambda: services.delete_outcomes(user=user, batch=batch),
        subject=batch.version,
        back=back,
        after=back,
        heading=f"Delete the outcomes of {count} {'model' if count == 1 else 'models'}?",
        text=f"They are taken out of {batch.version} and what rests on it; the models stay in the list.",
        action="Delete these outcomes",
        done="The outcomes are deleted.",
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def label_withdraw(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    user = person(request)
    rows = LabelBatch.objects.select_related("team", "version__dataset")
    batch = get_visible(rows, user, version__dataset__slug=slug, pk=pk)
    if batch.created_by_id != user.pk:
        require(user=user, team=batch.team, role=Role.EDITOR)
    elif not may(user, batch.team, Role.ANNOTATOR):
        raise PermissionDenied("This needs the role annotator.")
    back = reverse("version_detail", args=[slug, batch.version.number])
    return _confirmed(
        request,
        lambda: services.withdraw_labels(user=user, batch=batch),
        subject=batch.version,
        back=back,
        after=back,
        heading=f"Withdraw {batch.count} {'label' if batch.count == 1 else 'labels'}?",
        text="They count no more, and boards are brought up to date without them.",
        action="Withdraw these labels",
        done="The labels are withdrawn.",
    )
