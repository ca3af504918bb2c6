"""Candidate models and their prices."""

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog import queries, services
from apps.catalog.api.shared import Texts, person, team_of
from apps.catalog.models import CandidateModel, Price
from apps.core.api import Text
from apps.teams.access import get_visible

_GONE = {204: OpenApiResponse(description="It is gone.")}


class ModelSerializer(serializers.ModelSerializer[CandidateModel]):
    name = Text(max_length=200)
    provider = Text(max_length=100, required=False, allow_blank=True)
    parameters = serializers.IntegerField(
        min_value=0, max_value=2**63 - 1, required=False, allow_null=True
    )
    licence = Text(max_length=100, required=False, allow_blank=True)
    tags = Texts(required=False, max_length=50)
    notes = Text(required=False, allow_blank=True, max_length=20_000)

    class Meta:
        model = CandidateModel
        fields = [
            "id",
            "team",
            "slug",
            "name",
            "provider",
            "parameters",
            "released_on",
            "licence",
            "tags",
            "notes",
            "created_at",
        ]
        read_only_fields = ["id", "team", "slug", "created_at"]


class ModelFilter(filters.FilterSet):  # type: ignore[misc]
    name = filters.CharFilter(lookup_expr="iexact", max_length=200)
    provider = filters.CharFilter(lookup_expr="iexact", max_length=100)
    licence = filters.CharFilter(lookup_expr="iexact", max_length=100)

    class Meta:
        model = CandidateModel
        fields: list[str] = []


class ModelViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[CandidateModel]
):
    """Candidate models: what a predictions file knows by name."""

    queryset = CandidateModel.objects.none()
    serializer_class = ModelSerializer
    filterset_class = ModelFilter
    search_fields = ("name", "provider", "licence")
    ordering_fields = ("name", "created_at")
    lookup_field = "slug"

    def get_queryset(self) -> QuerySet[CandidateModel]:
        return queries.models_for(self.request.user).select_related("team").order_by("name", "pk")

    @extend_schema(responses={201: ModelSerializer})
    def create(self, request: Request) -> Response:
        """Add a model."""
        serializer = ModelSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        model = services.create_model(
            user=person(request), team=team_of(request), **serializer.validated_data
        )
        return Response(ModelSerializer(model).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, slug: str) -> Response:
        """Change some facts of a model."""
        model = self.get_object()
        serializer = ModelSerializer(model, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        model = services.update_model(
            user=person(request), model=model, **serializer.validated_data
        )
        return Response(ModelSerializer(model).data)

    @extend_schema(responses=_GONE)
    def destroy(self, request: Request, slug: str) -> Response:
        """Delete a model that has no predictions."""
        services.delete_model(user=person(request), model=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class PriceSerializer(serializers.ModelSerializer[Price]):
    model = serializers.SlugField(source="model.slug", max_length=60)
    input_per_million = serializers.DecimalField(
        max_digits=14, decimal_places=6, min_value=0, required=False, allow_null=True
    )
    output_per_million = serializers.DecimalField(
        max_digits=14, decimal_places=6, min_value=0, required=False, allow_null=True
    )
    per_call = serializers.DecimalField(
        max_digits=14, decimal_places=8, min_value=0, required=False, allow_null=True
    )
    source = Text(max_length=200, required=False, allow_blank=True)  # type: ignore[assignment]

    class Meta:
        model = Price
        fields = [
            "id",
            "model",
            "valid_from",
            "input_per_million",
            "output_per_million",
            "per_call",
            "source",
            "created_at",
        ]
        read_only_fields = ["id", "created_at"]


class PriceFilter(filters.FilterSet):  # type: ignore[misc]
    model = filters.CharFilter(field_name="model__slug", max_length=60)

    class Meta:
        model = Price
        fields: list[str] = []


class PriceViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Price]
):
    """The price book: US dollars from a day on, per million tokens or per call."""

    queryset = Price.objects.none()
    serializer_class = PriceSerializer
    filterset_class = PriceFilter
    search_fields = ("model__name", "source")
    ordering_fields = ("valid_from", "created_at")

    def get_queryset(self) -> QuerySet[Price]:
        mine = CandidateModel.objects.visible_to(self.request.user)
        rows = Price.objects.filter(model__in=mine).select_related("model__team")
        return rows.order_by("model__name", "-valid_from", "pk")

    @extend_schema(responses={201: PriceSerializer})
    def create(self, request: Request) -> Response:
        """Set a price; one of the same model and day is replaced."""
        serializer = PriceSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked: dict[str, Any] = dict(serializer.validated_data)
        rows = CandidateModel.objects.select_related("team")
        model = get_visible(rows, request.user, slug=asked.pop("model")["slug"])
        price = services.set_price(user=person(request), model=model, **asked)
        return Response(PriceSerializer(price).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=_GONE)
    def destroy(self, request: Request, pk: str) -> Response:
        """Take a price out of the book."""
        services.delete_price(user=person(request), price=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
