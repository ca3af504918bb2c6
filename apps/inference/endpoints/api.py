"""API of endpoints. A key goes in and never comes out."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog.api.shared import person, team_of
from apps.core.api import Text
from apps.inference.endpoints import queries, services
from apps.inference.endpoints.models import MAX_CONCURRENCY, MAX_TIMEOUT_SECONDS, Endpoint
from apps.inference.endpoints.services import MAX_KEY
from apps.inference.endpoints.trial import try_endpoint
from apps.teams.models import Role
from apps.teams.services import require


class EndpointSerializer(serializers.ModelSerializer[Endpoint]):
    name = Text(max_length=100)
    base_url = Text(max_length=500)
    key = Text(
        max_length=MAX_KEY,
        required=False,
        allow_blank=True,
        write_only=True,
        help_text="Never shown again. Empty takes the key away; another base_url drops it.",
    )
    has_key = serializers.BooleanField(read_only=True)
    concurrency = serializers.IntegerField(
        min_value=1,
        max_value=MAX_CONCURRENCY,
        required=False,
        help_text="Questions at once, over all that ask it.",
    )
    requests_per_minute = serializers.IntegerField(
        min_value=1,
        max_value=1_000_000,
        required=False,
        allow_null=True,
        help_text="Over all that ask it; null: as many as it answers.",
    )
    timeout_seconds = serializers.IntegerField(
        min_value=1, max_value=MAX_TIMEOUT_SECONDS, required=False
    )

    class Meta:
        model = Endpoint
        fields = [
            "id",
            "team",
            "slug",
            "name",
            "base_url",
            "key",
            "has_key",
            "key_set_at",
            "concurrency",
            "requests_per_minute",
            "timeout_seconds",
            "created_at",
        ]
        read_only_fields = ["id", "team", "slug", "key_set_at", "created_at"]


class TrialSerializer(serializers.Serializer[Any]):
    """Which model to ask, by the endpoint's own name for it."""

    model = Text(max_length=200)


class TriedSerializer(serializers.Serializer[Any]):
    """What came of one question."""

    answered = serializers.BooleanField()
    sentence = serializers.CharField()


class EndpointViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Endpoint]
):
    """OpenAI-compatible endpoints that the team's models are asked through."""

    queryset = Endpoint.objects.none()
    serializer_class = EndpointSerializer
    search_fields = ("name",)
    ordering_fields = ("name", "created_at")
    lookup_field = "slug"

    def get_queryset(self) -> QuerySet[Endpoint]:
        return queries.endpoints(self.request.user)

    @extend_schema(responses={201: EndpointSerializer})
    def create(self, request: Request) -> Response:
        """Add an endpoint (admins)."""
        user, team = person(request), team_of(request)
        require(user=user, team=team, role=Role.ADMIN)
        serializer = EndpointSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        endpoint = services.create_endpoint(user=user, team=team, **serializer.validated_data)
        return Response(EndpointSerializer(endpoint).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=EndpointSerializer)
    def partial_update(self, request: Request, slug: str) -> Response:
        """Change what is given (admins)."""
        endpoint = self.get_object()
        require(user=person(request), team=endpoint.team, role=Role.ADMIN)
        serializer = EndpointSerializer(endpoint, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changed = services.update_endpoint(
            user=person(request),
            endpoint=self.get_object(),
            **serializer.validated_data,
        )
        return Response(EndpointSerializer(changed).data)

    @extend_schema(responses={204: OpenApiResponse(description="It is gone, and its key with it.")})
    def destroy(self, request: Request, slug: str) -> Response:
        """Delete an endpoint (admins)."""
        services.delete_endpoint(user=person(request), endpoint=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=TrialSerializer, responses=TriedSerializer)
    @action(detail=True, methods=["post"], url_path="test", url_name="test")
    def test(self, request: Request, slug: str) -> Response:
        """Ask one short question, and say in a sentence what happened (editors)."""
        endpoint = self.get_object()
        require(user=person(request), team=endpoint.team, role=Role.EDITOR)
        serializer = TrialSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        tried = try_endpoint(user=person(request), endpoint=endpoint, **serializer.validated_data)
        return Response(TriedSerializer(tried).data)
