"""API tokens: shown once, kept as a hash, never above their maker's role, never without an end."""

from datetime import timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from apps.teams.models import ApiToken, Role, Team, User
from apps.teams.services.base import audit, new_secret, one_line, require

DEFAULT_DAYS = 90
MAX_DAYS = 365


@transaction.atomic
def create_token(
    *, user: User, team: Team, name: str, scope: Role, days: int = DEFAULT_DAYS
) -> tuple[ApiToken, str]:
    """Make a token that lends at most `scope` in `team` for 1 to 365 days.

    Returns it and its text, which is stored nowhere. Raises PermissionDenied for a scope above
    one's own role, ValidationError for a bad name or term. A token made with a token ends no later
    than that one.
    """
    require(user=user, team=team, role=scope)
    name = one_line(name)
    if not name:
        raise ValidationError({"name": "Give the token a name that says what uses it."})
    if not 1 <= days <= MAX_DAYS:
        raise ValidationError({"days": f"A token is valid for 1 to {MAX_DAYS} days."})
    expires_at = timezone.now() + timedelta(days=days)
    if user.token is not None and user.token.expires_at is not None:
        expires_at = min(expires_at, user.token.expires_at)
    secret, digest = new_secret()
    token = ApiToken(
        team=team,
        created_by=user,
        user=user,
        name=name,
        prefix=secret[:8],
        token_hash=digest,
        scope=scope,
        expires_at=expires_at,
    )
    token.full_clean()
    token.save()
    audit(user=user, team=team, action="token.created", target=token, scope=Role(scope).label)
    return token, secret


@transaction.atomic
def revoke_token(*, user: User, token: ApiToken) -> ApiToken:
    """End a token at once: one's own, or any of the team's as its admin."""
    if token.user_id != user.pk:
        require(user=user, team=token.team, role=Role.ADMIN)
    elif token.team_id not in user.roles:
        raise PermissionDenied("This token belongs to another team.")
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        audit(user=user, team=token.team, action="token.revoked", target=token)
    return token
