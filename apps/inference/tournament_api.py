"""API of tournaments. Reads begin at what is visible; writes go through the services."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog.api.shared import person, version_asked
from apps.inference import queries, services, tournament_pages
from apps.inference.api import NewWorkSerializer, WorkedSerializer
from apps.inference.models import Tournament, TournamentPlace
from apps.inference.scorers import SCORERS


class PlaceSerializer(serializers.ModelSerializer[TournamentPlace]):
    run: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True, allow_null=True)

    class Meta:
        model = TournamentPlace
        fields = ["name", "run", "left_in", "reason"]
        read_only_fields = fields


class TournamentSerializer(WorkedSerializer, serializers.ModelSerializer[Tournament]):
    candidates = PlaceSerializer(source="places", many=True, read_only=True)
    rounds = serializers.JSONField(read_only=True)
    results = serializers.JSONField(read_only=True)

    class Meta:
        model = Tournament
        fields = [
            "id",
            "team",
            "slug",
            "dataset",
            "version",
            "budget",
            "cap",
            "job",
            "state",
            "sentence",
            "candidates",
            "rounds",
            "results",
            "created_at",
        ]
        read_only_fields = fields

    def get_sentence(self, tournament: Tournament) -> str:
        """What the tournament's page begins with."""
        return tournament_pages.sentence(tournament)


class NewTournamentSerializer(NewWorkSerializer):
    """Which models compete on a dataset version, and what that may take in all."""

    sources: Any = serializers.ListField(
        child=serializers.UUIDField(),
        min_length=3,
        max_length=64,
        help_text="The ids of three or more of the team's model sources.",
    )
    scorer = serializers.ChoiceField(list(SCORERS))
    settings = serializers.DictField(default=dict, help_text="Of every model, over its source's.")
    budget = serializers.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        required=False,
        allow_null=True,
        help_text="Answers in all. This, `cap` or both.",
    )
    cap = serializers.DecimalField(
        max_digits=14,
        decimal_places=6,
        min_value=0,
        required=False,
        allow_null=True,
        help_text="US dollars in all.",
    )


class TournamentViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Tournament]
):
    """Tournaments: the best of several models, where each answer costs money."""

    queryset = Tournament.objects.none()
    serializer_class = TournamentSerializer
    search_fields = ("version__dataset__name",)
    lookup_field = "slug"

    def get_queryset(self) -> QuerySet[Tournament]:
        return queries.tournaments(self.request.user)

    @extend_schema(request=NewTournamentSerializer, responses={201: TournamentSerializer})
    def create(self, request: Request) -> Response:
        """Start a tournament in the background."""
        serializer = NewTournamentSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = dict(serializer.validated_data)
        version = version_asked(person(request), asked)
        chosen = list(dict.fromkeys(asked.pop("sources")))
        sources = list(queries.sources(request.user).filter(pk__in=chosen))
        if len(sources) < len(chosen):
            raise ValidationError({"sources": ["One of these is no model source here."]})
        made = services.start_tournament(
            user=person(request), version=version, sources=sources, **asked
        )
        return Response(TournamentSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: OpenApiResponse(description="The tournament is gone.")})
    def destroy(self, request: Request, slug: str) -> Response:
        """Delete a tournament; the runs of its candidates and what they brought stay."""
        services.delete_tournament(user=person(request), tournament=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={202: TournamentSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, slug: str) -> Response:
        """Stop a tournament; what has been answered is kept."""
        found = services.cancel(user=person(request), work=self.get_object())
        return Response(TournamentSerializer(found).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: TournamentSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, slug: str) -> Response:
        """Go on where it was stopped: nothing that has been answered is asked again."""
        found = services.resume_tournament(user=person(request), tournament=self.get_object())
        return Response(TournamentSerializer(found).data, status=status.HTTP_202_ACCEPTED)
