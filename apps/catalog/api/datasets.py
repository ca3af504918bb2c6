"""Datasets, their versions and their labels."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog import exports, queries, services
from apps.catalog.api.shared import person
from apps.catalog.models import Dataset, DatasetVersion, LabelBatch
from apps.core.api import Text

_GONE = {204: OpenApiResponse(description="It is gone.")}
_TABLE = {
    (200, "text/csv"): OpenApiTypes.STR,
    (200, "application/vnd.apache.parquet"): OpenApiTypes.BINARY,
}


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    name = Text(max_length=200)
    description = Text(required=False, allow_blank=True, max_length=20_000)

    class Meta:
        model = Dataset
        fields = ["id", "team", "slug", "name", "description", "created_at"]
        read_only_fields = ["id", "team", "slug", "created_at"]


class DatasetViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Dataset]
):
    """Datasets. A new one is made by uploading a file of predictions or items."""

    queryset = Dataset.objects.none()
    serializer_class = DatasetSerializer
    search_fields = ("name", "description")
    ordering_fields = ("name", "created_at")
    lookup_field = "slug"

    def get_queryset(self) -> QuerySet[Dataset]:
        rows: QuerySet[Dataset] = Dataset.objects.visible_to(self.request.user)
        return rows.select_related("team").order_by("-created_at", "pk")

    def partial_update(self, request: Request, slug: str) -> Response:
        """Rename or describe a dataset."""
        dataset = self.get_object()
        serializer = DatasetSerializer(dataset, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        asked = {"name": dataset.name, "description": dataset.description}
        dataset = services.update_dataset(
            user=person(request), dataset=dataset, **{**asked, **serializer.validated_data}
        )
        return Response(DatasetSerializer(dataset).data)

    @extend_schema(responses=_GONE)
    def destroy(self, request: Request, slug: str) -> Response:
        """Delete a dataset that no board uses."""
        services.delete_dataset(user=person(request), dataset=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class VersionSerializer(serializers.ModelSerializer[DatasetVersion]):
    dataset: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    model_count = serializers.IntegerField(read_only=True)
    class_names = serializers.ListField(child=serializers.CharField(), read_only=True)
    slice_names = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = DatasetVersion
        fields = [
            "id",
            "team",
            "dataset",
            "number",
            "item_count",
            "model_count",
            "class_names",
            "has_text",
            "has_images",
            "slice_names",
            "created_at",
        ]
        read_only_fields = fields


class VersionFilter(filters.FilterSet):  # type: ignore[misc]
    dataset = filters.CharFilter(field_name="dataset__slug", max_length=60)

    class Meta:
        model = DatasetVersion
        fields: list[str] = []


class VersionViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[DatasetVersion]
):
    """Versions of datasets: immutable lists of items."""

    queryset = DatasetVersion.objects.none()
    serializer_class = VersionSerializer
    filterset_class = VersionFilter
    search_fields = ("dataset__name",)
    ordering_fields = ("created_at", "item_count")

    def get_queryset(self) -> QuerySet[DatasetVersion]:
        return queries.versions_of(self.request.user)

    @extend_schema(responses=_GONE)
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a version that no board uses and that is not the dataset's only one."""
        services.delete_version(user=person(request), version=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        parameters=[OpenApiParameter("kind", str, enum=["csv", "parquet"])], responses=_TABLE
    )
    @action(detail=True, methods=["get"])
    def predictions(self, request: Request, pk: str) -> HttpResponseBase:
        """All predictions: a row an item, a column a model."""
        kind = serializers.ChoiceField(["csv", "parquet"]).run_validation(
            request.query_params.get("kind", "csv")
        )
        try:
            table = queries.predictions_of(self.get_object())
        except ValueError as error:
            raise NotFound(str(error)) from error
        if kind == "parquet":
            data = exports.predictions_parquet(table)
            return HttpResponse(data, content_type="application/vnd.apache.parquet")
        rows = exports.predictions_csv(table)
        return StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")

    @extend_schema(
        parameters=[OpenApiParameter("kind", str, enum=["csv", "parquet"])], responses=_TABLE
    )
    @action(detail=True, methods=["get"])
    def outcomes(self, request: Request, pk: str) -> HttpResponseBase:
        """All outcomes, priced as of today: a row a prompt, `<measure>__<model>` columns."""
        kind = serializers.ChoiceField(["csv", "parquet"]).run_validation(
            request.query_params.get("kind", "csv")
        )
        try:
            wide = exports.outcomes_table(queries.outcomes_of(self.get_object()))
        except ValueError as error:
            raise NotFound(str(error)) from error
        if kind == "parquet":
            data = exports.parquet(wide)
            return HttpResponse(data, content_type="application/vnd.apache.parquet")
        return HttpResponse(exports.outcomes_csv(wide), content_type="text/csv; charset=utf-8")

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"])
    def labels(self, request: Request, pk: str) -> HttpResponseBase:
        """All labels that count, as `item_id,label`."""
        text = exports.labels_csv(self.get_object())
        return HttpResponse(text, content_type="text/csv; charset=utf-8")


class LabelBatchSerializer(serializers.ModelSerializer[LabelBatch]):
    class Meta:
        model = LabelBatch
        fields = ["id", "team", "version", "count", "chosen", "withdrawn_at", "created_at"]
        read_only_fields = fields


class LabelBatchFilter(filters.FilterSet):  # type: ignore[misc]
    version = filters.UUIDFilter(field_name="version")
    chosen = filters.BooleanFilter()
    withdrawn = filters.BooleanFilter(field_name="withdrawn_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = LabelBatch
        fields: list[str] = []


class LabelBatchViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[LabelBatch]
):
    """Batches of labels that were uploaded together."""

    queryset = LabelBatch.objects.none()
    serializer_class = LabelBatchSerializer
    filterset_class = LabelBatchFilter
    ordering_fields = ("created_at", "count")

    def get_queryset(self) -> QuerySet[LabelBatch]:
        rows: QuerySet[LabelBatch] = LabelBatch.objects.visible_to(self.request.user)
        return rows.select_related("team", "version__dataset").order_by("-created_at", "pk")

    @extend_schema(request=None, responses=LabelBatchSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take a batch back: it is kept, but counts no more."""
        batch: Any = services.withdraw_labels(user=person(request), batch=self.get_object())
        return Response(LabelBatchSerializer(batch).data)
