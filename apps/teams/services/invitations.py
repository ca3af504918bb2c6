"""Asking people into a team. The link is shown once to who made it and mailed to the address."""

import smtplib
from datetime import timedelta

import structlog
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from apps.teams.models import Invitation, Membership, Role, Team, User
from apps.teams.services.base import audit, new_secret, one_line, require

VALID_FOR = timedelta(days=14)
log = structlog.get_logger(__name__)


@transaction.atomic
def invite(*, user: User, team: Team, email: str, role: Role) -> tuple[Invitation, str]:
    """Invite an address; an open invitation of the same address is replaced.

    Returns the invitation and the secret of its address, which is stored nowhere. Raises
    ValidationError for a bad address or a member's.
    """
    require(user=user, team=team, role=Role.ADMIN)
    email = email.strip().lower()
    if Membership.objects.filter(team=team, user__email__iexact=email).exists():
        raise ValidationError({"email": f"{email} is a member of {team} already."})
    secret, digest = new_secret()
    invitation = Invitation(
        team=team,
        created_by=user,
        email=email,
        role=role,
        token_hash=digest,
        expires_at=timezone.now() + VALID_FOR,
    )
    invitation.full_clean()
    Invitation.objects.open().filter(team=team, email=email).update(revoked_at=timezone.now())
    invitation.save()
    audit(user=user, team=team, action="member.invited", target=invitation, role=Role(role).label)
    transaction.on_commit(lambda: _mail(invitation, secret))
    return invitation, secret


def _mail(invitation: Invitation, secret: str) -> None:
    """Send the link; an unreachable mail server is logged, for the inviter has the link as well."""
    address = settings.SITE_URL.rstrip("/") + reverse("invitation", args=[secret])
    body = render_to_string(
        "teams/mail/invitation.txt", {"invitation": invitation, "address": address}
    )
    try:
        send_mail(f"Join {one_line(invitation.team.name)} on Assay", body, None, [invitation.email])
    except (OSError, smtplib.SMTPException) as error:
        log.warning("invitation_mail_failed", invitation=str(invitation.pk), error=str(error))


@transaction.atomic
def revoke_invitation(*, user: User, invitation: Invitation) -> Invitation:
    """Close an open invitation; one that has ended already is left as it is."""
    require(user=user, team=invitation.team, role=Role.ADMIN)
    if invitation.ended:
        return invitation
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    audit(user=user, team=invitation.team, action="member.invitation_revoked", target=invitation)
    return invitation


@transaction.atomic
def accept_invitation(
    *, invitation: Invitation, user: User | None = None, name: str = "", password: str = ""
) -> Membership:
    """Join the team: as `user`, whose address must be the invited one, or with a new account.

    Raises PermissionDenied for another person, ValidationError (by field) for a bad password and
    where the invitation has ended or the address has an account that is not signed in.
    """
    invitation = Invitation.objects.select_for_update(of=("self",)).get(pk=invitation.pk)
    if invitation.ended:
        raise ValidationError("This invitation was used, revoked or has expired.")
    if user is None:
        user = _new_account(invitation.email, name, password)
    elif user.email.lower() != invitation.email or user.token is not None:
        raise PermissionDenied(f"This invitation is for {invitation.email}.")
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    membership, made = Membership.objects.get_or_create(
        team=invitation.team, user=user, defaults={"role": invitation.role}
    )
    if made:
        audit(user=user, team=invitation.team, action="member.joined", target=membership)
    user.forget_roles()
    return membership


def _new_account(email: str, name: str, password: str) -> User:
    if User.objects.filter(email__iexact=email).exists():
        raise ValidationError(f"{email} has an account: sign in to it, then open this link again.")
    try:
        validate_password(password, User(email=email, name=name))
    except ValidationError as error:
        raise ValidationError({"password": error.messages}) from error
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, name=one_line(name))
    except IntegrityError:
        raise ValidationError(f"{email} has just been given an account: sign in to it.") from None
