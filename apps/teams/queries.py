"""Reads about people and teams."""

from uuid import UUID

from django.db.models import QuerySet

from apps.teams.models import ApiToken, AuditEntry, Invitation, Membership, Role, User


def members(user: User) -> QuerySet[Membership]:
    """Memberships of all teams of `user`, with their people."""
    return Membership.objects.visible_to(user).select_related("user", "team")


def tokens(user: User) -> QuerySet[ApiToken]:
    """The tokens that `user` may see: one's own, and as an admin all of the team's."""
    return ApiToken.objects.visible_to(user).select_related("user", "team")


def invitations(user: User) -> QuerySet[Invitation]:
    """Invitations of the teams of which `user` is an admin."""
    rows = Invitation.objects.visible_to(user).filter(team__in=_administered(user))
    return rows.select_related("created_by", "team")


def audit_entries(user: User) -> QuerySet[AuditEntry]:
    """What was done in the teams of which `user` is an admin, latest first."""
    rows = AuditEntry.objects.visible_to(user).filter(team__in=_administered(user))
    return rows.select_related("created_by")


def _administered(user: User) -> list[UUID]:
    return [team for team, role in user.roles.items() if role >= Role.ADMIN]
