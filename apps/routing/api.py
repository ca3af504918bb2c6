"""API of this room. Reads begin at what is visible; writes go through the services."""

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog.api.shared import OnDataset, person, version_asked
from apps.core.api import Text
from apps.core.cards import card_of
from apps.routing import queries, services, serving
from apps.routing.cards import claim_of
from apps.routing.methods.registry import METHODS, NULLS
from apps.routing.models import MOST_SPLITS, Evaluation, Router, RouterVersion

_DATASET: dict[str, Any] = {"max_length": 60, "help_text": "The dataset's slug."}
_VERSION: dict[str, Any] = {
    "min_value": 1,
    "max_value": 2**31 - 1,
    "required": False,
    "help_text": "Its newest one when left out.",
}
_ENCODER = "Left out, the best one that is installed."


class EvaluationSerializer(serializers.ModelSerializer[Evaluation]):
    dataset: Any = serializers.SlugRelatedField(
        source="version.dataset", slug_field="slug", read_only=True
    )
    version = serializers.IntegerField(source="version.number", read_only=True)
    routers = serializers.ListField(child=serializers.CharField(), read_only=True)
    verdict = serializers.CharField(
        source="current.verdict", read_only=True, allow_null=True, default=None
    )
    summary = serializers.JSONField(
        source="current.summary", read_only=True, allow_null=True, default=None
    )
    computed_at = serializers.DateTimeField(
        source="current.created_at", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = Evaluation
        fields = [
            "id",
            "team",
            "name",
            "dataset",
            "version",
            "split",
            "splits",
            "encoder",
            "routers",
            "seed",
            "job",
            "stale",
            "verdict",
            "summary",
            "computed_at",
            "created_at",
        ]
        read_only_fields = fields


class NewEvaluationSerializer(serializers.Serializer[Any]):
    """Which routers to compare on a dataset version's outcomes, and how."""

    dataset = serializers.SlugField(**_DATASET)
    version = serializers.IntegerField(**_VERSION)
    name = Text(max_length=200, required=False)
    routers = serializers.ListField(
        child=serializers.ChoiceField([name for name in METHODS if name not in NULLS]),
        required=False,
        max_length=30,
        help_text="Left out, the default one. What one gets without them comes by itself.",
    )
    split = Text(
        max_length=200,
        default="group",
        help_text="`random`, `group`, `unseen:COLUMN` or `transfer:COLUMN=TRAIN/TEST`.",
    )
    splits = serializers.IntegerField(min_value=1, max_value=MOST_SPLITS, default=5)
    encoder = Text(max_length=300, required=False, help_text=_ENCODER)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)


class RouterSerializer(serializers.ModelSerializer[Router]):
    dataset: Any = serializers.SlugRelatedField(
        source="version.dataset", slug_field="slug", read_only=True
    )
    version = serializers.IntegerField(source="version.number", read_only=True)
    serves = serializers.IntegerField(
        source="current.number",
        read_only=True,
        allow_null=True,
        default=None,
        help_text="The number of the version that decides; null before the first training.",
    )

    class Meta:
        model = Router
        fields = [
            "id",
            "team",
            "slug",
            "name",
            "dataset",
            "version",
            "method",
            "encoder",
            "seed",
            "job",
            "serves",
            "created_at",
        ]
        read_only_fields = fields


class NewRouterSerializer(serializers.Serializer[Any]):
    """What a router learns from, and how."""

    dataset = serializers.SlugField(**_DATASET)
    version = serializers.IntegerField(**_VERSION)
    name = Text(max_length=200, required=False)
    method = serializers.ChoiceField(list(METHODS), required=False)
    encoder = Text(max_length=300, required=False, help_text=_ENCODER)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)


class RouterVersionSerializer(serializers.ModelSerializer[RouterVersion]):
    class Meta:
        model = RouterVersion
        fields = ["number", "facts", "inputs_hash", "artifacts", "added_model", "job", "created_at"]
        read_only_fields = fields


class ServeSerializer(serializers.Serializer[Any]):
    """Which version decides from now on."""

    number = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class RouteSerializer(serializers.Serializer[Any]):
    """A prompt to decide on, and where the dial stands: a budget, a lambda, or neither."""

    prompt = Text(
        trim_whitespace=False,
        max_length=serving.LONGEST,
        error_messages={
            "max_length": f"A router reads at most {serving.LONGEST:,} characters of a prompt.",
            "blank": "The prompt is empty: there is nothing to decide on.",
        },
    )
    budget = serializers.FloatField(
        min_value=0, required=False, allow_null=True, help_text="US dollars a prompt, on average."
    )
    lambda_ = serializers.FloatField(
        min_value=0,
        required=False,
        allow_null=True,
        help_text="What a US dollar saved is worth in expected score.",
    )
    flags = serializers.ListField(
        child=Text(max_length=100),
        required=False,
        max_length=20,
        help_text="Limits and wishes, as `small model`, beside those in the prompt itself.",
    )


class ExpectedSerializer(serializers.Serializer[Any]):
    """What is expected of one model on the prompt."""

    model = serializers.CharField()
    score = serializers.FloatField()
    error = serializers.FloatField(allow_null=True, help_text="The standard error of the score.")
    cost = serializers.FloatField(allow_null=True, help_text="US dollars; null where unknown.")
    allowed = serializers.BooleanField(help_text="False where a flag rules the model out.")


class RoutedSerializer(serializers.Serializer[Any]):
    """The decision, and what it rests on."""

    model = serializers.CharField()
    reason = serializers.CharField()
    score = serializers.FloatField(help_text="The expected score that the decision rests on.")
    cost = serializers.FloatField(allow_null=True)
    trust = serializers.FloatField(
        help_text="How much of the router's opinion its guard let through."
    )
    lambda_ = serializers.FloatField()
    budget = serializers.FloatField(allow_null=True)
    flags = serializers.ListField(child=serializers.CharField())
    forecast = ExpectedSerializer(many=True)
    version = serializers.IntegerField()
    milliseconds = serializers.FloatField(help_text="From the text to the decision.")


class EvaluationViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Evaluation]
):
    """Evaluations: whether routing helps on a dataset version's outcomes."""

    queryset = Evaluation.objects.none()
    serializer_class = EvaluationSerializer
    filterset_class = OnDataset
    search_fields = ("name",)
    ordering_fields = ("name", "created_at")

    def get_queryset(self) -> QuerySet[Evaluation]:
        return queries.evaluations(self.request.user)

    @extend_schema(request=NewEvaluationSerializer, responses={201: EvaluationSerializer})
    def create(self, request: Request) -> Response:
        """Start an evaluation; it is computed in the background."""
        serializer = NewEvaluationSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = dict(serializer.validated_data)
        version = version_asked(person(request), asked)
        asked.setdefault("encoder", queries.encoder_names()[0])
        evaluation = services.start_evaluation(user=person(request), version=version, **asked)
        return Response(EvaluationSerializer(evaluation).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: OpenApiResponse(description="The evaluation is gone.")})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete an evaluation, its numbers and its links."""
        services.delete_evaluation(user=person(request), evaluation=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={200: OpenApiResponse({"type": "object", "additionalProperties": {}})})
    @action(detail=True)
    def result(self, request: Request, pk: str) -> Response:
        """All its numbers; 404 while there are none."""
        evaluation = self.get_object()
        if evaluation.current is None:
            raise NotFound("This evaluation has no numbers yet.")
        return Response(queries.result_at(evaluation.current.blob))

    @extend_schema(responses={200: OpenApiResponse({"type": "object", "additionalProperties": {}})})
    @action(detail=True)
    def card(self, request: Request, pk: str) -> Response:
        """The result card, which `manage.py verify` recomputes; 404 while there are no numbers."""
        evaluation = self.get_object()
        if evaluation.current is None:
            raise NotFound("This evaluation has no numbers yet.")
        return Response(card_of(claim_of(evaluation, evaluation.current)))

    @extend_schema(request=None, responses={202: EvaluationSerializer})
    @action(detail=True, methods=["post"])
    def refresh(self, request: Request, pk: str) -> Response:
        """Compute it on the data as they stand, in the background."""
        evaluation = self.get_object()
        services.refresh_evaluation(user=person(request), evaluation=evaluation)
        return Response(EvaluationSerializer(evaluation).data, status=status.HTTP_202_ACCEPTED)


class RouterViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Router]
):
    """Routers: which model a prompt goes to."""

    queryset = Router.objects.none()
    serializer_class = RouterSerializer
    filterset_class = OnDataset
    search_fields = ("name",)
    ordering_fields = ("name", "created_at")
    lookup_field = "slug"

    def get_queryset(self) -> QuerySet[Router]:
        return queries.routers(self.request.user)

    @extend_schema(request=NewRouterSerializer, responses={201: RouterSerializer})
    def create(self, request: Request) -> Response:
        """Make a router; it is trained in the background."""
        serializer = NewRouterSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = dict(serializer.validated_data)
        version = version_asked(person(request), asked)
        asked.setdefault("encoder", queries.encoder_names()[0])
        asked.setdefault("method", queries.default_router())
        router = services.create_router(user=person(request), version=version, **asked)
        return Response(RouterSerializer(router).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: OpenApiResponse(description="The router is gone.")})
    def destroy(self, request: Request, slug: str) -> Response:
        """Delete a router with all its versions."""
        services.delete_router(user=person(request), router=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={202: RouterSerializer})
    @action(detail=True, methods=["post"])
    def train(self, request: Request, slug: str) -> Response:
        """Train another version in the background; until it is there, the last one serves."""
        router = self.get_object()
        services.train_router(user=person(request), router=router)
        return Response(RouterSerializer(router).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses=RouterVersionSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def versions(self, request: Request, slug: str) -> Response:
        """Every version, the newest first."""
        rows = self.get_object().versions.all()
        return Response(RouterVersionSerializer(rows, many=True).data)

    @extend_schema(request=ServeSerializer, responses=RouterSerializer)
    @action(detail=True, methods=["post"])
    def serve(self, request: Request, slug: str) -> Response:
        """Let one of its versions decide: to roll back, or forward again."""
        router = self.get_object()
        serializer = ServeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        services.roll_back(
            user=person(request), router=router, number=serializer.validated_data["number"]
        )
        return Response(RouterSerializer(router).data)

    @extend_schema(request=RouteSerializer, responses=RoutedSerializer)
    @action(detail=True, methods=["post"])
    def route(self, request: Request, slug: str) -> Response:
        """Decide where a prompt goes. Nothing of it is kept."""
        router = self.get_object()
        serializer = RouteSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = dict(serializer.validated_data)
        try:
            routed = serving.route(router, asked.pop("prompt"), **asked)
        except ValueError as error:
            raise ValidationError(str(error)) from error
        return Response(decision_of(routed))


def decision_of(routed: serving.Routed) -> dict[str, Any]:
    """A decision as the API and the command line tell it."""
    decision = asdict(routed.decision)
    answer = {
        "model": decision["name"],
        "reason": decision["reason"],
        "score": decision["score"],
        "cost": None if decision["cost"] != decision["cost"] else decision["cost"],
        "trust": decision["trust"],
        "lambda_": routed.lambda_,
        "budget": routed.budget,
        "flags": list(routed.flags),
        "forecast": [asdict(one) for one in routed.forecast],
        "version": routed.version.number,
        "milliseconds": routed.milliseconds,
    }
    return dict(RoutedSerializer(answer).data)
