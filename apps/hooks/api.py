"""API of this room: for tokens and people that may do as much as an admin."""

from typing import Any, cast

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import Text
from apps.hooks import queries, services
from apps.hooks.models import Delivery, Event, Webhook
from apps.teams.models import Role, Team, User
from apps.teams.services import require


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    events = serializers.ListField(child=serializers.ChoiceField(Event.choices), read_only=True)

    class Meta:
        model = Webhook
        fields = ["id", "team", "name", "url", "events", "active", "failures", "note", "created_at"]
        read_only_fields = fields


class NewWebhookSerializer(serializers.Serializer[Any]):
    """An address to call, and when."""

    name = Text(max_length=100)
    url = Text(max_length=500, help_text="Public, or allowed by an administrator.")
    events = serializers.ListField(
        child=serializers.ChoiceField(Event.choices), min_length=1, max_length=len(Event)
    )


class MadeWebhookSerializer(WebhookSerializer):
    """A webhook as it is answered once, with its secret."""

    secret = serializers.CharField(read_only=True)

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]
        read_only_fields = fields


class SwitchSerializer(serializers.Serializer[Any]):
    """On or off."""

    active = serializers.BooleanField()


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    payload = serializers.DictField(read_only=True)

    class Meta:
        model = Delivery
        fields = [
            "id",
            "webhook",
            "event",
            "payload",
            "state",
            "attempts",
            "status",
            "problem",
            "created_at",
            "delivered_at",
        ]
        read_only_fields = fields


class WebhookFilter(filters.FilterSet):  # type: ignore[misc]
    active = filters.BooleanFilter()

    class Meta:
        model = Webhook
        fields: list[str] = []


class DeliveryFilter(filters.FilterSet):  # type: ignore[misc]
    webhook = filters.UUIDFilter(field_name="webhook__id")
    event = filters.CharFilter(max_length=60)
    state = filters.ChoiceFilter(choices=Delivery.State.choices)

    class Meta:
        model = Delivery
        fields: list[str] = []


class WebhookViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Webhook]
):
    """Addresses that are called when something happens, each call signed."""

    queryset = Webhook.objects.none()
    serializer_class = WebhookSerializer
    filterset_class = WebhookFilter
    search_fields = ("name", "url")
    ordering_fields = ("name", "created_at")

    def get_queryset(self) -> QuerySet[Webhook]:
        return queries.webhooks(cast(User, self.request.user))

    @extend_schema(request=NewWebhookSerializer, responses={201: MadeWebhookSerializer})
    def create(self, request: Request) -> Response:
        """Make a webhook. Its secret is in this answer and cannot be asked for again."""
        user, team = cast(User, request.user), getattr(request._request, "team", None)
        if team is None:
            raise NotAuthenticated
        require(user=user, team=cast(Team, team), role=Role.ADMIN)
        serializer = NewWebhookSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        made, secret = services.create_webhook(user=user, team=team, **serializer.validated_data)
        made.secret = secret  # type: ignore[attr-defined]
        return Response(MadeWebhookSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: OpenApiResponse(description="The webhook is gone.")})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a webhook and the log of what it was sent."""
        services.delete_webhook(user=cast(User, request.user), webhook=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=SwitchSerializer, responses=WebhookSerializer)
    @action(detail=True, methods=["post"])
    def switch(self, request: Request, pk: str) -> Response:
        """Turn a webhook on or off."""
        webhook = self.get_object()
        serializer = SwitchSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        active = serializer.validated_data["active"]
        services.switch_webhook(user=cast(User, request.user), webhook=webhook, active=active)
        return Response(WebhookSerializer(webhook).data)

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Send a webhook a message that says nothing."""
        made = services.ping_webhook(user=cast(User, request.user), webhook=self.get_object())
        return Response(DeliverySerializer(made).data, status=status.HTTP_202_ACCEPTED)


class DeliveryViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Delivery]
):
    """What webhooks were sent in the last 30 days, newest first."""

    queryset = Delivery.objects.none()
    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilter
    search_fields = ("event",)

    def get_queryset(self) -> QuerySet[Delivery]:
        return queries.deliveries(cast(User, self.request.user))

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def redeliver(self, request: Request, pk: str) -> Response:
        """Send the same message again, as a new delivery, which is the answer."""
        made = services.redeliver(user=cast(User, request.user), delivery=self.get_object())
        return Response(DeliverySerializer(made).data, status=status.HTTP_202_ACCEPTED)
