"""API of this room. Reads begin at what is visible; writes go through the services."""

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog import queries as catalog
from apps.catalog.api.shared import OnDataset, person, version_asked
from apps.core.api import Text
from apps.core.cards import card_of
from apps.selection import exports, queries, services
from apps.selection.agreement_page import agreement_page
from apps.selection.cards import claim_of
from apps.selection.counting import Metric
from apps.selection.methods.registry import METHODS
from apps.selection.models import LabelEvent, SelectionSession
from apps.selection.pages import session_page, summary
from apps.selection.services import DEFAULT_METHOD, NO_LABELS, Answer
from apps.teams.models import Role
from apps.teams.services import require

Kind = LabelEvent.Kind


class SelectionSerializer(serializers.ModelSerializer[SelectionSession]):
    dataset: Any = serializers.SlugRelatedField(
        source="version.dataset", slug_field="slug", read_only=True
    )
    version = serializers.IntegerField(source="version.number", read_only=True)

    class Meta:
        model = SelectionSession
        fields = [
            "id",
            "team",
            "name",
            "dataset",
            "version",
            "state",
            "method",
            "delta",
            "alpha",
            "seed",
            "audit_share",
            "second_share",
            "budget",
            "label_price",
            "metric",
            "metric_options",
            "monthly_volume",
            "months",
            "answer_value",
            "input_tokens",
            "output_tokens",
            "event_count",
            "created_at",
        ]
        read_only_fields = fields


class NewSelectionSerializer(serializers.Serializer[Any]):
    """What a selection asks of a dataset version."""

    dataset = serializers.SlugField(max_length=60, help_text="The dataset's slug.")
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, help_text="Its newest one when left out."
    )
    name = Text(max_length=200, required=False)
    method = serializers.ChoiceField(list(METHODS), default=DEFAULT_METHOD)
    delta = serializers.FloatField(min_value=0, max_value=1, default=0.01)
    alpha = serializers.FloatField(min_value=0.001, max_value=0.5, default=0.05)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    audit_share = serializers.FloatField(
        min_value=0, max_value=1, default=0.1, help_text="Share of the items drawn uniformly."
    )
    second_share = serializers.FloatField(
        min_value=0,
        max_value=1,
        default=0.1,
        help_text="Share of the labels, at most, that are second opinions.",
    )
    budget = serializers.IntegerField(
        min_value=1,
        max_value=1_000_000,
        required=False,
        allow_null=True,
        error_messages={"min_value": NO_LABELS},
    )
    label_price = serializers.DecimalField(
        max_digits=10,
        decimal_places=4,
        min_value=0,
        required=False,
        allow_null=True,
        help_text="US dollars.",
    )
    metric = serializers.ChoiceField(
        Metric.choices, default=Metric.ACCURACY.value, help_text="What makes a model good."
    )
    metric_options = serializers.DictField(
        default=dict,
        help_text="`slice`: column and value; `recall`: class; `cost` and `credit`: matrix, a row for "
        "each true class and a number for each predicted one, in the order of the classes.",
    )
    monthly_volume = serializers.IntegerField(
        min_value=1, max_value=10**12, required=False, allow_null=True, help_text="Predictions."
    )
    months = serializers.IntegerField(min_value=1, max_value=120, default=12)
    answer_value = serializers.DecimalField(
        max_digits=12,
        decimal_places=6,
        min_value=0,
        required=False,
        allow_null=True,
        help_text="US dollars that a right answer is worth.",
    )
    input_tokens = serializers.IntegerField(min_value=0, max_value=10_000_000, default=0)
    output_tokens = serializers.IntegerField(min_value=0, max_value=10_000_000, default=0)


class ItemSerializer(serializers.Serializer[Any]):
    """An item to label."""

    id = serializers.CharField()
    text = serializers.CharField(allow_null=True)
    image = serializers.CharField(allow_null=True, help_text="The address of its picture, as PNG.")
    slices = serializers.DictField(child=serializers.CharField())


class NextSerializer(serializers.Serializer[Any]):
    """The item that is yours for the next ten minutes; null where there is none, with the reason.

    `probability` is the one with which it was drawn, given the labels before.
    """

    item = ItemSerializer(allow_null=True)
    classes = serializers.ListField(child=serializers.CharField())
    probability = serializers.FloatField(allow_null=True)
    reserved_until = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()


class AnswerSerializer(serializers.Serializer[Any]):
    """What you say of an item."""

    item = Text(max_length=200, help_text="The item's id.")
    kind = serializers.ChoiceField(
        [Kind.LABEL.value, Kind.SKIP.value, Kind.UNSURE.value], default=Kind.LABEL.value
    )
    label: Any = Text(max_length=200, required=False, help_text="Its class, where `kind` is label.")
    note = Text(max_length=1000, required=False, allow_blank=True)


class EventSerializer(serializers.Serializer[Any]):
    """A line of the log."""

    number = serializers.IntegerField()
    at = serializers.CharField()
    annotator = serializers.CharField(allow_null=True)
    item_id = serializers.CharField()
    kind = serializers.CharField()
    label: Any = serializers.CharField(allow_null=True)
    note = serializers.CharField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    probability = serializers.FloatField(allow_null=True)
    uniform_draw = serializers.BooleanField()
    answers_seen = serializers.BooleanField()
    undoes = serializers.IntegerField(allow_null=True)


class SettleSerializer(serializers.Serializer[Any]):
    """What an item is on which annotators differ."""

    item = Text(max_length=200, help_text="The item's id.")
    label: Any = Text(max_length=200, help_text="Its class.")


class PairSerializer(serializers.Serializer[Any]):
    """Two annotators on the items that both labelled; `kappa` is Cohen's."""

    first = serializers.CharField()
    second = serializers.CharField()
    items = serializers.IntegerField()
    same = serializers.FloatField()
    kappa = serializers.FloatField(allow_null=True)


class DifferenceSerializer(serializers.Serializer[Any]):
    """An item that annotators called differently, by annotator; `settled` is an editor's word."""

    item = serializers.CharField()
    opinions = serializers.DictField(child=serializers.CharField())
    counts_as = serializers.CharField()
    settled = serializers.BooleanField()


class AgreementSerializer(serializers.Serializer[Any]):
    """How well annotators agree; `alpha` is Krippendorff's, `quality` CROWDLAB's of each annotator."""

    items = serializers.IntegerField()
    opinions = serializers.IntegerField()
    alpha = serializers.FloatField(allow_null=True)
    pairs = PairSerializer(many=True)
    quality = serializers.DictField(child=serializers.FloatField())
    differences = DifferenceSerializer(many=True)


class MoveSerializer(serializers.Serializer[Any]):
    """What to do with a selection; `use` adds its labels to the dataset's, as `close` does."""

    do = serializers.ChoiceField(["pause", "reopen", "close", "use"])


class SelectionFilter(OnDataset):
    state = filters.ChoiceFilter(choices=SelectionSession.State.choices)
    metric = filters.ChoiceFilter(choices=SelectionSession.Metric.choices)


class SelectionViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[SelectionSession]
):
    """Selections: sessions that ask for the labels that tell a dataset's models apart."""

    queryset = SelectionSession.objects.none()
    serializer_class = SelectionSerializer
    filterset_class = SelectionFilter
    search_fields = ("name",)
    ordering_fields = ("name", "created_at")

    def get_queryset(self) -> QuerySet[SelectionSession]:
        return queries.sessions(self.request.user)

    @extend_schema(request=NewSelectionSerializer, responses={201: SelectionSerializer})
    def create(self, request: Request) -> Response:
        """Start a selection."""
        serializer = NewSelectionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = dict(serializer.validated_data)
        version = version_asked(person(request), asked)
        session = services.start_session(user=person(request), version=version, **asked)
        return Response(SelectionSerializer(session).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: OpenApiResponse(description="The selection is gone.")})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a selection with its log; labels that the dataset took over stay."""
        services.delete_session(user=person(request), session=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={200: OpenApiResponse({"type": "object", "additionalProperties": {}})})
    @action(detail=True)
    def standing(self, request: Request, pk: str) -> Response:
        """Who leads, and what stopping needs; 404 where the predictions are gone."""
        try:
            return Response(summary(session_page(self.get_object())))
        except ValueError as error:
            raise NotFound(str(error)) from error

    @extend_schema(responses={200: OpenApiResponse({"type": "object", "additionalProperties": {}})})
    @action(detail=True)
    def card(self, request: Request, pk: str) -> Response:
        """The result card, which `manage.py verify` recomputes; 404 where the predictions are gone."""
        try:
            return Response(card_of(claim_of(self.get_object())))
        except ValueError as error:
            raise NotFound(str(error)) from error

    @extend_schema(request=None, responses=NextSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def next(self, request: Request, pk: str) -> Response:
        """Reserve the next item for you; asked again before it is labelled, it is the same one."""
        session = self.get_object()
        turn = services.next_item(user=person(request), session=session)
        held = turn.reservation
        found = {
            "item": _item(session, held.item) if held else None,
            "classes": list(turn.basis.table.class_names) if turn.basis else [],
            "probability": held.probability if held else None,
            "reserved_until": held.until if held else None,
            "reason": turn.reason,
        }
        return Response(NextSerializer(found).data)

    @extend_schema(request=AnswerSerializer, responses={201: EventSerializer})
    @action(detail=True, methods=["post"])
    def labels(self, request: Request, pk: str) -> Response:
        """Label an item, skip it, or say that you are unsure."""
        session, user = self.get_object(), person(request)
        require(user=user, team=session.team, role=Role.ANNOTATOR)
        serializer = AnswerSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        item = _index(session, asked["item"])
        answer = Answer(item, asked["kind"], asked.get("label", ""), asked.get("note", ""))
        event = services.record(user=user, session=session, answer=answer)
        return Response(_event(session, event), status=status.HTTP_201_CREATED)

    @extend_schema(responses=AgreementSerializer)
    @action(detail=True)
    def agreement(self, request: Request, pk: str) -> Response:
        """How well annotators agree; 404 where the predictions are gone."""
        try:
            page = agreement_page(self.get_object())
        except ValueError as error:
            raise NotFound(str(error)) from error
        return Response(AgreementSerializer(page.as_dict()).data)

    @extend_schema(request=SettleSerializer, responses={201: EventSerializer})
    @action(detail=True, methods=["post"])
    def settle(self, request: Request, pk: str) -> Response:
        """Say what an item is on which annotators differ."""
        session, user = self.get_object(), person(request)
        require(user=user, team=session.team, role=Role.EDITOR)
        serializer = SettleSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        item = _index(session, serializer.validated_data["item"])
        label = serializer.validated_data["label"]
        event = services.settle(user=user, session=session, item=item, label=label)
        return Response(_event(session, event), status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={201: EventSerializer})
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Take back your newest answer; its item is in front of you again."""
        session = self.get_object()
        event = services.undo(user=person(request), session=session)
        return Response(_event(session, event), status=status.HTTP_201_CREATED)

    @extend_schema(request=MoveSerializer, responses=SelectionSerializer)
    @action(detail=True, methods=["post"])
    def state(self, request: Request, pk: str) -> Response:
        """Pause, reopen or close a selection, or use its labels so far."""
        session, user = self.get_object(), person(request)
        require(user=user, team=session.team, role=Role.EDITOR)
        serializer = MoveSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        services.move(user=user, session=session, do=serializer.validated_data["do"])
        session.refresh_from_db(fields=["state"])
        return Response(SelectionSerializer(session).data)

    @extend_schema(responses=EventSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def events(self, request: Request, pk: str) -> Response:
        """The whole log: every answer with its annotator, seconds and draw probability."""
        return Response(EventSerializer(exports.events(self.get_object()), many=True).data)


def _index(session: SelectionSession, item: str) -> int:
    ids = catalog.item_ids_of(session.version)
    if item not in ids:
        raise ValidationError({"item": [f"There is no item `{item}` here."]})
    return ids.index(item)


def _item(session: SelectionSession, index: int) -> dict[str, Any]:
    item = catalog.items_of(session.version, [index])[0]
    place = [session.version.dataset.slug, session.version.number, index]
    picture = reverse("item_image", args=place) if item.image is not None else None
    return {"id": item.id, "text": item.text, "image": picture, "slices": item.slices}


def _event(session: SelectionSession, event: LabelEvent) -> Any:
    return EventSerializer(exports.one(event, catalog.item_ids_of(session.version))).data
