"""Changing what members may do, and ending memberships."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.teams.models import ApiToken, Invitation, Membership, Role, Team, User
from apps.teams.services.base import audit, require


@transaction.atomic
def change_role(*, user: User, membership: Membership, role: Role) -> Membership:
    """Give a member another role; ValidationError where no admin would be left."""
    team = _locked(membership.team)
    require(user=user, team=team, role=Role.ADMIN)
    membership.refresh_from_db()
    before = Role(membership.role)
    if before == role:
        return membership
    _keep_an_admin(membership)
    membership.role = Role(role)
    membership.full_clean()
    membership.save(update_fields=["role"])
    if role < Role.ADMIN:
        _end_invitations_of(membership)
    audit(
        user=user,
        team=team,
        action="member.role_changed",
        target=membership,
        before=before.label,
        after=Role(role).label,
    )
    return membership


@transaction.atomic
def remove_member(*, user: User, membership: Membership) -> None:
    """End a membership (one's own: leave), and with it its tokens and open invitations."""
    team = _locked(membership.team)
    if membership.user_id != user.pk or user.token is not None:
        require(user=user, team=team, role=Role.ADMIN)
    membership.refresh_from_db()
    _keep_an_admin(membership)
    ApiToken.objects.filter(team=team, user_id=membership.user_id, revoked_at__isnull=True).update(
        revoked_at=timezone.now()
    )
    _end_invitations_of(membership)
    audit(user=user, team=team, action="member.removed", target=membership)
    membership.delete()


def _locked(team: Team) -> Team:
    """The team, held until the transaction ends: two admins cannot remove each other at once."""
    return Team.objects.select_for_update().get(pk=team.pk)


def _keep_an_admin(membership: Membership) -> None:
    others = Membership.objects.filter(team=membership.team_id, role=Role.ADMIN)
    if membership.role == Role.ADMIN and not others.exclude(pk=membership.pk).exists():
        raise ValidationError(
            f"{membership.user} is the only admin of {membership.team}: "
            "make somebody else an admin first."
        )


def _end_invitations_of(membership: Membership) -> None:
    """What an admin offered does not outlive the right to offer it."""
    Invitation.objects.filter(
        team=membership.team_id,
        created_by=membership.user_id,
        accepted_at__isnull=True,
        revoked_at__isnull=True,
    ).update(revoked_at=timezone.now())
