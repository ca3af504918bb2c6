"""API of runs. Reads begin at what is visible; writes go through the services."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog.api.shared import OnDataset, person, team_of, version_asked
from apps.core.api import Text
from apps.inference import pages, queries, services
from apps.inference.kinds import KINDS
from apps.inference.models import ModelSource, Run
from apps.inference.scorers import SCORERS
from apps.inference.scoring import settings_in_words

_JSON = {"type": "object", "additionalProperties": {}}


class SourceSerializer(serializers.ModelSerializer[ModelSource]):
    model: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    settings = serializers.JSONField(read_only=True)

    class Meta:
        model = ModelSource
        fields = ["id", "team", "model", "kind", "location", "revision", "settings", "created_at"]
        read_only_fields = fields


class NewSourceSerializer(serializers.Serializer[Any]):
    """Where the answers of a model come from."""

    name = Text(
        max_length=200, help_text="The model's name; a new model is made where there is none of it."
    )
    kind = serializers.ChoiceField(list(KINDS))
    location = Text(
        max_length=500,
        help_text="A hub id, `folder:` and a name below the folder for models, or the endpoint's own "
        "name of the model.",
    )
    revision = Text(
        max_length=64,
        default="",
        allow_blank=True,
        help_text="The hub's commit or the folder's hash; left out, the first run pins it.",
    )
    settings = serializers.DictField(default=dict, help_text="What differs from the kind's own.")


class WorkedSerializer(serializers.Serializer[Any]):
    """What runs and tournaments tell alike: on what, and how far."""

    dataset: Any = serializers.SlugRelatedField(
        source="version.dataset", slug_field="slug", read_only=True
    )
    version = serializers.IntegerField(source="version.number", read_only=True)
    state = serializers.CharField(read_only=True)
    sentence = serializers.SerializerMethodField()


class NewWorkSerializer(serializers.Serializer[Any]):
    """What runs and tournaments are asked for alike: on what, and how answers are compared."""

    dataset = serializers.SlugField(max_length=60, help_text="The dataset's slug.")
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, help_text="Its newest one when left out."
    )
    scorer_settings = serializers.DictField(default=dict, help_text=settings_in_words())
    reference = Text(
        max_length=200,
        default="",
        allow_blank=True,
        help_text="The slice that answers are compared with; left out, the labels.",
    )


class RunSerializer(WorkedSerializer, serializers.ModelSerializer[Run]):
    model: Any = serializers.SlugRelatedField(
        source="source.model", slug_field="slug", read_only=True
    )
    kind = serializers.CharField(source="source.kind", read_only=True)
    settings = serializers.JSONField(read_only=True)
    scorer_settings = serializers.JSONField(read_only=True)
    estimate = serializers.JSONField(read_only=True)
    facts = serializers.JSONField(read_only=True)
    notes = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Run
        fields = [
            "id",
            "team",
            "slug",
            "dataset",
            "version",
            "source",
            "model",
            "kind",
            "scorer",
            "scorer_settings",
            "reference",
            "settings",
            "sample",
            "job",
            "state",
            "sentence",
            "total",
            "answered",
            "failed",
            "input_tokens",
            "output_tokens",
            "spend",
            "cap",
            "estimate",
            "notes",
            "facts",
            "created_at",
        ]
        read_only_fields = fields

    def get_sentence(self, run: Run) -> str:
        """What the run's page begins with."""
        return pages.sentence(run)


class NewRunSerializer(NewWorkSerializer):
    """Which model is put to a dataset version, and how."""

    source: Any = serializers.UUIDField(help_text="The id of one of the team's model sources.")
    settings = serializers.DictField(default=dict, help_text="Over those of the source.")
    scorer = serializers.ChoiceField(
        [*SCORERS, ""], default="", help_text="For models that answer in words."
    )
    sample = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, allow_null=True
    )
    cap = serializers.DecimalField(
        max_digits=14,
        decimal_places=6,
        min_value=0,
        required=False,
        allow_null=True,
        help_text="US dollars at which the run stops.",
    )


class ResumeSerializer(serializers.Serializer[Any]):
    """A new cap, where the old one was reached."""

    cap = serializers.DecimalField(
        max_digits=14, decimal_places=6, min_value=0, required=False, allow_null=True
    )


class AnswerSerializer(serializers.Serializer[Any]):
    """What came of one item."""

    item = serializers.CharField()
    failure = serializers.CharField()
    text = serializers.CharField()
    label: Any = serializers.CharField(allow_null=True)
    confidence = serializers.FloatField(allow_null=True)
    loss = serializers.FloatField(allow_null=True)
    score = serializers.FloatField(allow_null=True)
    why = serializers.CharField()
    latency_ms = serializers.FloatField(allow_null=True)
    input_tokens = serializers.IntegerField(allow_null=True)
    output_tokens = serializers.IntegerField(allow_null=True)
    cost = serializers.FloatField(allow_null=True, help_text="US dollars.")


class AnswersSerializer(serializers.Serializer[Any]):
    """A page of answers, in the order of the items."""

    count = serializers.IntegerField()
    results = AnswerSerializer(many=True)


class RunFilter(OnDataset):
    model = filters.CharFilter(field_name="source__model__slug", max_length=60)


class SourceFilter(filters.FilterSet):  # type: ignore[misc]
    model = filters.CharFilter(field_name="model__slug", max_length=60)


class SourceViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ModelSource]
):
    """Model sources: where the answers of a model come from."""

    queryset = ModelSource.objects.none()
    serializer_class = SourceSerializer
    filterset_class = SourceFilter
    search_fields = ("model__name", "location")

    def get_queryset(self) -> QuerySet[ModelSource]:
        return queries.sources(self.request.user)

    @extend_schema(request=NewSourceSerializer, responses={201: SourceSerializer})
    def create(self, request: Request) -> Response:
        """Say where the answers of a model come from; the same said twice is one source."""
        serializer = NewSourceSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        source = services.add_source_by_name(
            user=person(request), team=team_of(request), **serializer.validated_data
        )
        return Response(SourceSerializer(source).data, status=status.HTTP_201_CREATED)


class RunViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Run]):
    """Runs: models put to the items of a dataset version."""

    queryset = Run.objects.none()
    serializer_class = RunSerializer
    filterset_class = RunFilter
    search_fields = ("source__model__name", "version__dataset__name")
    lookup_field = "slug"

    def get_queryset(self) -> QuerySet[Run]:
        return queries.runs(self.request.user)

    @extend_schema(request=NewRunSerializer, responses={201: RunSerializer})
    def create(self, request: Request) -> Response:
        """Start a run in the background."""
        serializer = NewRunSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = dict(serializer.validated_data)
        version = version_asked(person(request), asked)
        source = queries.sources(request.user).filter(pk=asked.pop("source")).first()
        if source is None:
            raise ValidationError({"source": ["There is no such model source here."]})
        run = services.start_run(user=person(request), version=version, source=source, **asked)
        return Response(RunSerializer(run).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: OpenApiResponse(description="The run is gone.")})
    def destroy(self, request: Request, slug: str) -> Response:
        """Delete a run and its answers; predictions or outcomes that it brought stay."""
        services.delete_run(user=person(request), run=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={202: RunSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, slug: str) -> Response:
        """Stop a run; what has been answered is kept."""
        run = services.cancel(user=person(request), work=self.get_object())
        return Response(RunSerializer(run).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=ResumeSerializer, responses={202: RunSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, slug: str) -> Response:
        """Ask again what has no answer: what failed, and what a stopped run did not come to."""
        run = self.get_object()
        serializer = ResumeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        run = services.resume_run(
            user=person(request), run=run, cap=serializer.validated_data.get("cap")
        )
        return Response(RunSerializer(run).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        responses=AnswersSerializer,
        filters=False,
        parameters=[
            OpenApiParameter("failures", bool, description="Those without an answer instead."),
            OpenApiParameter("page", {"type": "integer", "minimum": 1, "maximum": 999_999}),
        ],
    )
    @action(detail=True, pagination_class=None, filterset_class=None)
    def answers(self, request: Request, slug: str) -> Response:
        """A page of what has been answered so far, 20 at a time; beyond the last one it is empty."""
        run = self.get_object()
        page = request.query_params.get("page", "1")
        if not re.fullmatch(r"[1-9][0-9]{0,5}", page):
            raise ValidationError({"page": ["A page is a whole number from 1 to 999,999."]})
        failures = request.query_params.get("failures", "false").lower()
        if failures not in ("true", "false"):
            raise ValidationError({"failures": ["Either true or false."]})
        rows, count = pages.rows_of(run, failures=failures == "true", page=int(page))
        results = [{"item": row.item_id, **asdict(row.kept)} for row in rows]
        return Response(AnswersSerializer({"count": count, "results": results}).data)
