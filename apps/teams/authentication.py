"""API tokens as DRF authentication: `Authorization: Bearer <token>`."""

from typing import Any

import structlog
from django.db.models import F
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.teams.models import ApiToken, User
from apps.teams.services import hash_secret


class TokenAuthentication(BaseAuthentication):
    """Signs a request in as the token's user, narrowed to the token's team and scope."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, text = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        now = timezone.now()
        token = (
            ApiToken.objects.filter(
                token_hash=hash_secret(text.decode("latin-1").strip()),
                expires_at__gt=now,
                revoked_at__isnull=True,
                user__is_active=True,
                user__memberships__team=F("team"),
            )
            .select_related("user", "team")
            .first()
        )
        if token is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked.")
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        user = token.user
        user.token = token
        request._request.team = token.team  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(team=str(token.team_id), user=user.pk)
        return user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes the tokens in the OpenAPI document."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> Any:
        return build_bearer_security_scheme_object(
            header_name="Authorization",
            token_prefix="Bearer",  # noqa: S106
        )
