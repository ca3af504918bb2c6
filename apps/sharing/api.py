"""API of this room. Reads begin at what is visible; writes go through the services."""

from typing import Any, cast

from django.db.models import QuerySet
from django.urls import reverse
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.sharing import queries, services
from apps.sharing.forms import STATES
from apps.sharing.kinds import KINDS
from apps.sharing.models import Scope, ShareLink
from apps.teams.models import User


class ShareLinkSerializer(serializers.ModelSerializer[ShareLink]):
    board: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True, allow_null=True)
    frozen = serializers.BooleanField(read_only=True)
    has_password = serializers.BooleanField(read_only=True)
    embed_origins = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = ShareLink
        fields = [
            "id",
            *ShareLink.SHOWS,
            "note",
            "prefix",
            "frozen",
            "scope",
            "has_password",
            "embed_origins",
            "views",
            "created_at",
            "expires_at",
            "revoked_at",
            "last_viewed_at",
        ]
        read_only_fields = fields


class NewShareLinkSerializer(serializers.Serializer[Any]):
    """What a new link shows, which is one of the objects named, and for how long."""

    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    days = serializers.IntegerField(
        min_value=1, max_value=services.MAX_DAYS, default=services.DEFAULT_DAYS
    )
    frozen = serializers.BooleanField(
        default=True, help_text="Show the object as it is now, not as it stands when opened."
    )
    scope = serializers.ChoiceField(choices=Scope.choices, default=Scope.CHARTS)
    password = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        trim_whitespace=False,
        max_length=services.MAX_PASSWORD,
        help_text=f"Of {services.MIN_PASSWORD} letters at least; asked of whoever opens the link.",
    )
    embed_origins = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        default=list,
        max_length=services.MOST_ORIGINS,
        help_text="Sites that may show it in a frame, as in https://wiki.example.org.",
    )

    def get_fields(self) -> dict[str, Any]:
        """With a field for each kind: the slug or the id of the object."""
        named: dict[str, Any] = {}
        for kind in KINDS.values():
            converter, parameter = kind.key.split(":")
            text = f"The {kind.noun}'s {'slug' if parameter == 'slug' else 'id'}."
            if converter == "uuid":
                named[kind.name] = serializers.UUIDField(required=False, help_text=text)
            else:
                named[kind.name] = serializers.SlugField(
                    max_length=60, required=False, help_text=text
                )
        return named | super().get_fields()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one object is named."""
        if len(KINDS.keys() & attrs.keys()) != 1:
            raise ValidationError(f"Name one thing to share: {', '.join(KINDS)}.")
        return attrs


class MadeShareLinkSerializer(ShareLinkSerializer):
    """A link as it is answered once, with its address."""

    url = serializers.CharField(read_only=True)

    class Meta(ShareLinkSerializer.Meta):
        fields = [*ShareLinkSerializer.Meta.fields, "url"]
        read_only_fields = fields


class ChosenLinksSerializer(serializers.Serializer[Any]):
    """Links to end together."""

    ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=100)


class RevokedLinksSerializer(serializers.Serializer[Any]):
    """How many had not ended before."""

    revoked = serializers.IntegerField()


class ShareLinkFilter(filters.FilterSet):  # type: ignore[misc]
    board = filters.CharFilter(field_name="board__slug", max_length=60)
    selection = filters.UUIDFilter(field_name="selection__id")
    replay = filters.UUIDFilter(field_name="replay__id")
    evaluation = filters.UUIDFilter(field_name="evaluation__id")
    note = filters.CharFilter(lookup_expr="icontains", max_length=200)
    state = filters.ChoiceFilter(choices=STATES, method="of_state")
    kind = filters.ChoiceFilter(
        choices=[(name, kind.noun) for name, kind in KINDS.items()], method="of_kind"
    )

    def of_state(self, rows: QuerySet[ShareLink], name: str, value: str) -> QuerySet[ShareLink]:
        """Open or ended."""
        return queries.narrowed(rows, state=value)

    def of_kind(self, rows: QuerySet[ShareLink], name: str, value: str) -> QuerySet[ShareLink]:
        """That show one kind of result."""
        return queries.narrowed(rows, kind=value)

    class Meta:
        model = ShareLink
        fields: list[str] = []


class ShareLinkViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ShareLink]
):
    """Links that show one board, selection or other result to people without an account."""

    queryset = ShareLink.objects.none()
    serializer_class = ShareLinkSerializer
    filterset_class = ShareLinkFilter
    search_fields = ("note", "title")
    ordering_fields = ("created_at", "expires_at", "views")

    def get_queryset(self) -> QuerySet[ShareLink]:
        return queries.links(cast(User, self.request.user))

    @extend_schema(request=NewShareLinkSerializer, responses={201: MadeShareLinkSerializer})
    def create(self, request: Request) -> Response:
        """Make a link. Its address is in this answer and cannot be asked for again."""
        serializer = NewShareLinkSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = dict(serializer.validated_data)
        user = cast(User, request.user)
        (name,) = KINDS.keys() & asked.keys()
        kind = KINDS[name]
        lookup = {kind.key.split(":")[1]: asked.pop(name)}
        target = kind.visible(user).filter(**lookup).first()
        if target is None:
            raise ValidationError({name: [f"There is no such {kind.noun} here."]})
        link, token = services.create_link(user=user, **asked, **{name: target})
        link.url = request.build_absolute_uri(reverse("shared", args=[token]))  # type: ignore[attr-defined]
        return Response(MadeShareLinkSerializer(link).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=ShareLinkSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """End a link now."""
        link = services.revoke_link(user=cast(User, request.user), link=self.get_object())
        return Response(ShareLinkSerializer(link).data)

    @extend_schema(
        operation_id="share_links_revoke_chosen",
        request=ChosenLinksSerializer,
        responses=RevokedLinksSerializer,
        filters=False,
    )
    @action(detail=False, methods=["post"], url_path="revoke", filterset_class=None)
    def revoke_chosen(self, request: Request) -> Response:
        """End several links now; those that are not yours to see are passed over."""
        serializer = ChosenLinksSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        found = self.get_queryset().filter(pk__in=serializer.validated_data["ids"])
        ended = services.revoke_links(user=cast(User, request.user), links=found)
        return Response({"revoked": ended})
