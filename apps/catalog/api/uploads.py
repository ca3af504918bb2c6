"""Files on their way in."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog import services
from apps.catalog.api.shared import (
    FileProblemSerializer,
    ProblemSerializer,
    Texts,
    person,
    refuse,
    team_of,
)
from apps.catalog.models import DatasetVersion, Upload
from apps.catalog.readers import FileProblem, Mapping
from apps.core.api import Text
from apps.core.parsers import FlatJSONParser
from apps.teams.access import get_visible


class UploadSerializer(serializers.ModelSerializer[Upload]):
    """`sniffed`: what the file seems to be; `mapping`: the guess, or what was confirmed."""

    errors = ProblemSerializer(many=True, read_only=True)  # type: ignore[assignment]
    sniffed = serializers.DictField(read_only=True)
    mapping = serializers.DictField(read_only=True)
    summary = serializers.DictField(read_only=True)

    class Meta:
        model = Upload
        fields = [
            "id",
            "team",
            "purpose",
            "state",
            "filename",
            "size",
            "version",
            "lead",
            "dataset_name",
            "sniffed",
            "mapping",
            "errors",
            "error_count",
            "summary",
            "job",
            "created_at",
        ]
        read_only_fields = fields


class NewUploadSerializer(serializers.Serializer[Any]):
    """A file. With `mapping=guess` it is checked and taken over without another call."""

    file = serializers.FileField(allow_empty_file=True)
    purpose = serializers.ChoiceField(Upload.Purpose.choices)
    version = serializers.UUIDField(
        required=False, help_text="The dataset version it is for; left out, a new dataset is made."
    )
    lead = serializers.UUIDField(
        required=False, help_text="The upload that it is taken over together with."
    )
    dataset_name = Text(max_length=200, required=False, allow_blank=True)
    mapping = serializers.ChoiceField(["guess"], required=False)


class MappingSerializer(serializers.Serializer[Any]):
    """Which column means what. Predictions: `models`, or `model` and `prediction`; outcomes: `models`, or
    `model` and any of `scores` (of several the first that a row has), costs, tokens and latency."""

    item = Text(max_length=200)
    model = Text(max_length=200, required=False, allow_null=True)
    prediction = Text(max_length=200, required=False, allow_null=True)
    probability = Text(max_length=200, required=False, allow_null=True)
    models = Texts(required=False, max_length=5_000)
    label = Text(max_length=200, required=False, allow_null=True)  # type: ignore[assignment]
    annotator = Text(max_length=200, required=False, allow_null=True)
    text = Text(max_length=200, required=False, allow_null=True)
    image = Text(max_length=200, required=False, allow_null=True)
    slices = Texts(required=False, max_length=200)
    scores = Texts(required=False, max_length=200)
    cost = Text(max_length=200, required=False, allow_null=True)
    in_tokens = Text(max_length=200, required=False, allow_null=True)
    out_tokens = Text(max_length=200, required=False, allow_null=True)
    latency_ms = Text(max_length=200, required=False, allow_null=True)


class CommitSerializer(serializers.Serializer[Any]):
    """What is confirmed; whatever is left out is as guessed."""

    mapping = MappingSerializer(required=False)
    chosen = serializers.BooleanField(
        required=False, help_text="Labels: picked to tell candidates apart, not at random."
    )
    class_names = Texts(required=False, max_length=32_000)


class UploadFilter(filters.FilterSet):  # type: ignore[misc]
    state = filters.ChoiceFilter(choices=Upload.State.choices)
    purpose = filters.ChoiceFilter(choices=Upload.Purpose.choices)
    version = filters.UUIDFilter(field_name="version")

    class Meta:
        model = Upload
        fields: list[str] = []


class UploadViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Upload]
):
    """Uploads: received, looked at, confirmed, checked whole, then taken over or rejected."""

    queryset = Upload.objects.none()
    serializer_class = UploadSerializer
    filterset_class = UploadFilter
    search_fields = ("filename", "dataset_name")
    ordering_fields = ("created_at", "filename", "size")

    def get_queryset(self) -> QuerySet[Upload]:
        rows: QuerySet[Upload] = Upload.objects.visible_to(self.request.user)
        return rows.select_related("team", "job", "lead").order_by("-created_at", "pk")

    def get_parsers(self) -> list[Any]:
        multipart = getattr(self, "action", None) in ("create", None)
        return [MultiPartParser()] if multipart and self._is_list() else [FlatJSONParser()]

    def _is_list(self) -> bool:
        return not (getattr(self, "kwargs", None) or {}).get("pk")

    @extend_schema(
        request={"multipart/form-data": NewUploadSerializer},
        responses={201: UploadSerializer, 400: FileProblemSerializer},
    )
    def create(self, request: Request) -> Response:
        """Upload a file; it is stored and its head looked at."""
        serializer = NewUploadSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked: dict[str, Any] = dict(serializer.validated_data)
        user, team, guess = person(request), team_of(request), asked.pop("mapping", None)
        if version := asked.pop("version", None):
            rows = DatasetVersion.objects.select_related("dataset", "team")
            asked["version"] = get_visible(rows, user, pk=version)
            team = asked["version"].team
        if lead := asked.pop("lead", None):
            asked["lead"] = get_visible(Upload.objects.select_related("team"), user, pk=lead)
            asked.setdefault("version", asked["lead"].version)
            team = asked["lead"].team
        file = asked.pop("file")
        try:
            upload = services.receive_upload(
                user=user, team=team, file=file, filename=file.name or "file", **asked
            )
            if guess:
                services.confirm_mapping(user=user, upload=upload)
        except FileProblem as problem:
            return refuse(problem)
        return Response(UploadSerializer(upload).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        request=CommitSerializer, responses={202: UploadSerializer, 400: FileProblemSerializer}
    )
    @action(detail=True, methods=["post"])
    def commit(self, request: Request, pk: str) -> Response:
        """Confirm the columns; the upload, and what came with it, is checked by a job."""
        upload = self.get_object()
        serializer = CommitSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = dict(serializer.validated_data)
        mapping = asked.pop("mapping", None)
        try:
            with transaction.atomic():
                services.choose_columns(
                    user=person(request),
                    upload=upload,
                    mapping=Mapping.from_dict(mapping) if mapping else None,
                    **asked,
                )
                if upload.lead_id is None:
                    services.confirm_upload(user=person(request), upload=upload)
        except FileProblem as problem:
            return refuse(problem)
        return Response(UploadSerializer(upload).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses={204: OpenApiResponse(description="It is gone.")})
    def destroy(self, request: Request, pk: str) -> Response:
        """Forget an upload that was not taken over."""
        services.discard_upload(user=person(request), upload=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
