"""API of replays."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog.api.shared import OnDataset, person, version_asked
from apps.core.cards import card_of
from apps.selection.history import queries, services
from apps.selection.history.cards import claim_of
from apps.selection.history.models import Replay
from apps.selection.replay import known_methods
from apps.teams.models import Role
from apps.teams.services import require


class ReplaySerializer(serializers.ModelSerializer[Replay]):
    dataset: Any = serializers.SlugRelatedField(
        source="version.dataset", slug_field="slug", read_only=True
    )
    version = serializers.IntegerField(source="version.number", read_only=True)
    plan = serializers.DictField(read_only=True)
    verdict = serializers.CharField(source="summary.verdict", read_only=True, default="")

    class Meta:
        model = Replay
        fields = ["id", "team", "dataset", "version", "plan", "job", "verdict", "created_at"]
        read_only_fields = fields


class NewReplaySerializer(serializers.Serializer[Any]):
    """What to replay of a dataset version with labels."""

    dataset = serializers.SlugField(max_length=60, help_text="The dataset's slug.")
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, help_text="Its newest one when left out."
    )
    methods = serializers.ListField(
        child=serializers.ChoiceField(list(known_methods())),
        min_length=1,
        default=list(services.DEFAULT_METHODS),
    )
    pool = serializers.IntegerField(
        min_value=2,
        max_value=services.MOST_POOL,
        required=False,
        help_text="Items of a pool; half of the labelled ones, at most 1,000, when left out.",
    )
    realisations = serializers.IntegerField(
        min_value=1, max_value=services.MOST_REALISATIONS, default=services.DEFAULT_REALISATIONS
    )
    budget = serializers.IntegerField(
        min_value=1, max_value=services.MOST_BUDGET, default=services.DEFAULT_BUDGET
    )
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)


class ReplayViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Replay]
):
    """Replays: what each method would have needed on labels that are there."""

    queryset = Replay.objects.none()
    serializer_class = ReplaySerializer
    filterset_class = OnDataset
    search_fields = ("version__dataset__name",)

    def get_queryset(self) -> QuerySet[Replay]:
        return queries.replays(self.request.user)

    @extend_schema(request=NewReplaySerializer, responses={201: ReplaySerializer})
    def create(self, request: Request) -> Response:
        """Start a replay in the background."""
        serializer = NewReplaySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked, user = dict(serializer.validated_data), person(request)
        version = version_asked(user, asked)
        require(user=user, team=version.team, role=Role.EDITOR)
        replay = services.start_replay(user=user, version=version, **asked)
        return Response(ReplaySerializer(replay).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: OpenApiResponse(description="The replay is gone.")})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a replay, its result and its links."""
        services.delete_replay(user=person(request), replay=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={200: OpenApiResponse({"type": "object", "additionalProperties": {}})})
    @action(detail=True)
    def result(self, request: Request, pk: str) -> Response:
        """The numbers as `manage.py bench selection --json` writes them; 404 while there are none."""
        replay = self.get_object()
        if not replay.blob:
            raise NotFound("This replay has no numbers yet.")
        return Response(queries.result_of(replay)["outcome"])

    @extend_schema(responses={200: OpenApiResponse({"type": "object", "additionalProperties": {}})})
    @action(detail=True)
    def card(self, request: Request, pk: str) -> Response:
        """The result card, which `manage.py verify` recomputes; 404 while there are no numbers."""
        replay = self.get_object()
        if not replay.blob:
            raise NotFound("This replay has no numbers yet.")
        return Response(card_of(claim_of(replay)))
