"""API of this room. Reads begin at what is visible; writes go through the services."""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import Text
from apps.teams import queries, services
from apps.teams.models import ApiToken, AuditEntry, Invitation, Membership, Role, Team, User
from apps.teams.services.tokens import DEFAULT_DAYS, MAX_DAYS


@extend_schema_field({"type": "string", "enum": [role.label for role in Role]}, "Role")
class RoleField(serializers.Field[Role, str, str, int]):
    """A role by its name: viewer, annotator, editor or admin."""

    default_error_messages = {"unknown": "Choose one of viewer, annotator, editor, admin."}

    def to_internal_value(self, data: Any) -> Role:
        for role in Role:
            if role.label == data:
                return role
        self.fail("unknown")

    def to_representation(self, value: int) -> str:
        return Role(value).label


class PersonSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["id", "email", "name"]
        read_only_fields = fields


class TeamSerializer(serializers.ModelSerializer[Team]):
    name = Text(max_length=100)

    class Meta:
        model = Team
        fields = ["id", "slug", "name", "created_at"]
        read_only_fields = ["id", "slug", "created_at"]


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    user = PersonSerializer(read_only=True)
    role = RoleField()

    class Meta:
        model = Membership
        fields = ["id", "team", "user", "role", "created_at"]
        read_only_fields = ["id", "team", "created_at"]


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    role = RoleField()

    class Meta:
        model = Invitation
        fields = [
            "id",
            "team",
            "email",
            "role",
            "created_at",
            "expires_at",
            "accepted_at",
            "revoked_at",
        ]
        read_only_fields = ["id", "team", "created_at", "expires_at", "accepted_at", "revoked_at"]


class NewInvitationSerializer(InvitationSerializer):
    """An invitation as it is answered once, with the secret of its address."""

    secret = serializers.CharField(read_only=True)

    class Meta(InvitationSerializer.Meta):
        fields = [*InvitationSerializer.Meta.fields, "secret"]


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    scope = RoleField()
    name = Text(max_length=100)
    days = serializers.IntegerField(
        min_value=1, max_value=MAX_DAYS, default=DEFAULT_DAYS, write_only=True
    )

    class Meta:
        model = ApiToken
        fields = [
            "id",
            "team",
            "user",
            "name",
            "prefix",
            "scope",
            "days",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
        ]
        read_only_fields = [
            "id",
            "team",
            "user",
            "prefix",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
        ]


class NewTokenSerializer(TokenSerializer):
    """A token as it is answered once, with its text."""

    secret = serializers.CharField(read_only=True)

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "secret"]


class AuditSerializer(serializers.ModelSerializer[AuditEntry]):
    by = PersonSerializer(source="created_by", read_only=True, allow_null=True)

    class Meta:
        model = AuditEntry
        fields = [
            "id",
            "team",
            "by",
            "action",
            "object_type",
            "object_id",
            "object_name",
            "details",
            "created_at",
        ]
        read_only_fields = fields


def _person(request: Request) -> User:
    return cast(User, request.user)


def _team(request: Request) -> Team:
    """The team in which new things are made: the token's, or the one chosen on the pages."""
    team: Team | None = getattr(request, "team", None)
    if team is None:
        raise PermissionDenied("You are in no team yet.")
    return team


class TeamViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    viewsets.GenericViewSet[Team],
):
    """The teams one belongs to; a token sees its own alone."""

    queryset = Team.objects.none()
    serializer_class = TeamSerializer
    search_fields = ("name",)
    ordering_fields = ("name", "created_at")

    def get_queryset(self) -> QuerySet[Team]:
        return Team.objects.visible_to(self.request.user)

    def perform_create(self, serializer: Any) -> None:
        serializer.instance = services.create_team(
            user=_person(self.request), **serializer.validated_data
        )

    @extend_schema(request=TeamSerializer, responses=TeamSerializer)
    def update(self, request: Request, pk: str) -> Response:
        team = self.get_object()
        services.require(user=_person(request), team=team, role=Role.ADMIN)
        serializer = self.get_serializer(team, data=request.data)
        serializer.is_valid(raise_exception=True)
        services.rename_team(user=_person(request), team=team, **serializer.validated_data)
        return Response(serializer.data)


class MemberViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Membership]
):
    """Who belongs to one's teams, and with which role."""

    queryset = Membership.objects.none()
    serializer_class = MembershipSerializer
    search_fields = ("user__name", "user__email")

    def get_queryset(self) -> QuerySet[Membership]:
        return queries.members(_person(self.request))

    @extend_schema(request=MembershipSerializer, responses=MembershipSerializer)
    def update(self, request: Request, pk: str) -> Response:
        membership = self.get_object()
        services.require(user=_person(request), team=membership.team, role=Role.ADMIN)
        serializer = self.get_serializer(membership, data=request.data)
        serializer.is_valid(raise_exception=True)
        services.change_role(
            user=_person(request), membership=membership, **serializer.validated_data
        )
        return Response(self.get_serializer(membership).data)

    @extend_schema(responses={204: OpenApiResponse(description="The membership has ended.")})
    def destroy(self, request: Request, pk: str) -> Response:
        services.remove_member(user=_person(request), membership=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Invitation]
):
    """Invitations of the teams one is an admin of."""

    queryset = Invitation.objects.none()
    serializer_class = InvitationSerializer
    search_fields = ("email",)
    ordering_fields = ("created_at", "expires_at")

    def get_queryset(self) -> QuerySet[Invitation]:
        return queries.invitations(_person(self.request))

    @extend_schema(request=InvitationSerializer, responses={201: NewInvitationSerializer})
    def create(self, request: Request) -> Response:
        services.require(user=_person(request), team=_team(request), role=Role.ADMIN)
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        invitation, secret = services.invite(
            user=_person(request), team=_team(request), **serializer.validated_data
        )
        invitation.secret = secret  # type: ignore[attr-defined]
        return Response(NewInvitationSerializer(invitation).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: OpenApiResponse(description="The invitation leads nowhere.")})
    def destroy(self, request: Request, pk: str) -> Response:
        services.revoke_invitation(user=_person(request), invitation=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class TokenViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ApiToken]
):
    """One's own tokens, and as an admin all of the team's."""

    queryset = ApiToken.objects.none()
    serializer_class = TokenSerializer
    search_fields = ("name",)
    ordering_fields = ("name", "created_at")

    def get_queryset(self) -> QuerySet[ApiToken]:
        return queries.tokens(_person(self.request))

    @extend_schema(request=TokenSerializer, responses={201: NewTokenSerializer})
    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        token, secret = services.create_token(
            user=_person(request), team=_team(request), **serializer.validated_data
        )
        token.secret = secret  # type: ignore[attr-defined]
        return Response(NewTokenSerializer(token).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: OpenApiResponse(description="The token opens nothing.")})
    def destroy(self, request: Request, pk: str) -> Response:
        services.revoke_token(user=_person(request), token=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class AuditViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[AuditEntry]):
    """Who did what in the teams one is an admin of, latest first."""

    queryset = AuditEntry.objects.none()
    serializer_class = AuditSerializer
    search_fields = ("object_name", "action")

    def get_queryset(self) -> QuerySet[AuditEntry]:
        return queries.audit_entries(_person(self.request))
