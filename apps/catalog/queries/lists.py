"""Lists for pages and the API, restricted to what a person may see."""

from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from apps.catalog.models import (
    CandidateModel,
    Dataset,
    DatasetVersion,
    PredictionBatch,
    Price,
    Upload,
)


def models_for(user: Any, *, search: str = "", tag: str = "") -> QuerySet[CandidateModel]:
    """Models with their newest price and the number of versions they were run on."""
    newest = Price.objects.filter(model=OuterRef("pk")).order_by("-valid_from")
    rows: QuerySet[CandidateModel] = CandidateModel.objects.visible_to(user).annotate(
        output_count=Count("outputs"),
        input_price=Subquery(newest.values("input_per_million")[:1]),
        output_price=Subquery(newest.values("output_per_million")[:1]),
        call_price=Subquery(newest.values("per_call")[:1]),
        priced_from=Subquery(newest.values("valid_from")[:1]),
    )
    if search:
        rows = rows.filter(
            Q(name__icontains=search) | Q(provider__icontains=search) | Q(licence__icontains=search)
        )
    if tag:
        # Tags are a JSON list; its text is searched, so that SQLite and PostgreSQL do the same.
        rows = rows.filter(tags__icontains=f'"{tag}"')
    return rows


def datasets_for(user: Any, *, search: str = "") -> QuerySet[Dataset]:
    """Datasets, newest first, with what their newest version holds."""
    newest = DatasetVersion.objects.filter(dataset=OuterRef("pk")).order_by("-number")
    rows: QuerySet[Dataset] = (
        Dataset.objects.visible_to(user)
        .annotate(
            version_count=Count("versions", distinct=True),
            item_count=Subquery(newest.values("item_count")[:1]),
            model_count=Subquery(
                newest.annotate(models=Count("outputs", distinct=True)).values("models")[:1]
            ),
        )
        .order_by("-created_at", "pk")
    )
    return rows.filter(name__icontains=search) if search else rows


def versions_of(user: Any) -> QuerySet[DatasetVersion]:
    """Versions with their dataset and counts of models and labels batches."""
    rows: QuerySet[DatasetVersion] = (
        DatasetVersion.objects.visible_to(user)
        .select_related("dataset", "team")
        .annotate(model_count=Count("outputs", distinct=True))
        .order_by("dataset", "-number")
    )
    return rows


def upload_group(lead: Upload) -> list[Upload]:
    """An upload and those that came with it, in the order in which they are taken over."""
    order = list(Upload.Purpose.values)
    return sorted([lead, *lead.companions.all()], key=lambda upload: order.index(upload.purpose))


def prediction_batches_of(version: DatasetVersion) -> QuerySet[PredictionBatch]:
    """The uploads of predictions to a version, newest first, with their number of models."""
    rows: QuerySet[PredictionBatch] = (
        version.prediction_batches.select_related("created_by", "upload")
        .annotate(model_count=Count("outputs"))
        .order_by("-created_at")
    )
    return rows
