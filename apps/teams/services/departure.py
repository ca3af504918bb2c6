"""Taking one's data away, and going for good."""

import io
import json
import secrets
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from typing import IO, Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import ForeignKey
from django.utils import timezone

from apps.teams.models import (
    ApiToken,
    AuditEntry,
    Invitation,
    Membership,
    Role,
    SignInLink,
    Team,
    User,
)
from apps.teams.services.base import audit
from apps.teams.services.sessions import end_sessions, open_sessions

Rows = Callable[[User], Iterable[dict[str, Any]]]
_collections: dict[str, Rows] = {}
_IN_MEMORY = 1 << 20  # bytes of a person's data; what is more waits on the disk
_AT_ONCE = 1000  # rows that are read together


def register(name: str) -> Callable[[Rows], Rows]:
    """Decorator: what the function returns goes into a person's data as `<name>.json`."""

    def keep(rows: Rows) -> Rows:
        _collections[name] = rows
        return rows

    return keep


def personal_data(user: User) -> IO[bytes]:
    """A zip of JSON files with what is kept about `user`; no secret and no work of others is in it.

    Rows are written as they are read, so that an annotator of a hundred thousand items takes no more
    memory than anybody else. Whoever asks closes the file. Raises PermissionDenied for a token.
    """
    if user.token is not None:
        raise PermissionDenied("An API token cannot take its owner's data away.")
    target = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - the caller closes it
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in _collections.items():
            with io.TextIOWrapper(archive.open(f"{name}.json", "w"), "utf-8") as file:
                _write_list(rows(user), file)
    target.seek(0)
    return target


def _write_list(rows: Iterable[dict[str, Any]], file: io.TextIOWrapper) -> None:
    """A JSON list, a row a line."""
    start = "["
    for row in rows:
        file.write(start + "\n" + json.dumps(row, ensure_ascii=False, default=str))
        start = ","
    file.write("[]\n" if start == "[" else "\n]\n")


@register("account")
def _account(user: User) -> Iterable[dict[str, Any]]:
    yield {
        "email": user.email,
        "name": user.name,
        "joined": user.date_joined,
        "last_signed_in": user.last_login,
        "second_factor": Authenticator.objects.filter(user=user).exists(),
        "guide_put_away": user.guide_hidden,
    }


@register("memberships")
def _memberships(user: User) -> Iterable[dict[str, Any]]:
    for row in user.memberships.select_related("team"):
        yield {"team": row.team.name, "role": row.get_role_display(), "since": row.created_at}


@register("sessions")
def _sessions(user: User) -> Iterable[dict[str, Any]]:
    for row in open_sessions(user):
        yield {"browser": row.agent, "signed_in": row.created_at}


@register("vouched")
def _vouched(user: User) -> Iterable[dict[str, Any]]:
    """By whom another server says this person is."""
    for row in SocialAccount.objects.filter(user=user):
        yield {"server": row.provider, "known_there_as": row.uid, "since": row.date_joined}


@register("tokens")
def _tokens(user: User) -> Iterable[dict[str, Any]]:
    for row in ApiToken.objects.filter(user=user).select_related("team"):
        yield {
            "name": row.name,
            "team": row.team.name,
            "begins_with": row.prefix,
            "made": row.created_at,
            "ends": row.expires_at,
            "revoked": row.revoked_at,
            "last_used": row.last_used_at,
        }


@register("invitations")
def _invitations(user: User) -> Iterable[dict[str, Any]]:
    for row in Invitation.objects.filter(email__iexact=user.email).select_related("team"):
        yield {"team": row.team.name, "made": row.created_at, "accepted": row.accepted_at}


@register("actions")
def _actions(user: User) -> Iterable[dict[str, Any]]:
    """The audit entries of what this person did. Names in teams that were left are not told."""
    for row in (
        AuditEntry.objects.filter(created_by=user)
        .order_by("created_at")
        .iterator(chunk_size=_AT_ONCE)
    ):
        here = row.team_id in user.roles
        yield {
            "at": row.created_at,
            "action": row.action,
            "object": row.object_type,
            "name": row.object_name if here else None,
        }


@register("made")
def _made(user: User) -> Iterable[dict[str, Any]]:
    """Everything that names this person as who made it, of every room, by kind and time."""
    told = {AuditEntry, Membership, ApiToken, Invitation, SignInLink}
    for model in apps.get_models():
        if not model.__module__.startswith("apps.") or model in told:
            continue
        for field in model._meta.fields:
            if isinstance(field, ForeignKey) and field.related_model is User:
                for row in model._default_manager.filter(**{field.name: user}).iterator(
                    chunk_size=_AT_ONCE
                ):
                    here = getattr(row, "team_id", None) in user.roles
                    yield {
                        "kind": model._meta.verbose_name,
                        "as": field.name,
                        "name": str(row) if here else None,
                        "at": getattr(row, "created_at", None),
                    }


@transaction.atomic
def delete_user(*, user: User) -> None:
    """Delete the person `user` is: the account and what is personal goes, the work stays with the teams.

    What they made and labelled is kept under "Former member", so that no result changes: opinions of
    two people who left stay those of two. Raises PermissionDenied for a token, ValidationError where a
    team or the server would be left without an admin.
    """
    if user.token is not None:
        raise PermissionDenied("An API token cannot delete its owner.")
    # The teams are held until the end: two admins cannot both leave because the other one stays.
    teams = Team.objects.select_for_update(of=("self",)).filter(memberships__user=user)
    list(teams.order_by("pk"))
    if user.is_superuser:  # and so are the administrators of the server
        list(User.objects.select_for_update().filter(is_superuser=True).order_by("pk"))
    user = User.objects.select_for_update().get(pk=user.pk)
    memberships = list(user.memberships.select_related("team").select_for_update(of=("self",)))
    _leave_nobody_alone(user, memberships)
    alias = f"Former member {secrets.token_hex(3)}"
    end_sessions(user=user)
    _forget_names(user, memberships, alias)
    for membership in memberships:
        audit(user=user, team=membership.team, action="member.deleted_account", target=user)
        AuditEntry.objects.filter(object_type="user", object_id=str(user.pk)).update(
            object_name=alias
        )
    user.memberships.all().delete()
    ApiToken.objects.filter(user=user).delete()
    SignInLink.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    EmailAddress.objects.filter(user=user).delete()
    SocialAccount.objects.filter(user=user).delete()
    user.email = f"{secrets.token_hex(16)}@deleted.invalid"
    user.name, user.is_active, user.last_login = alias, False, None
    user.is_staff = user.is_superuser = False
    user.set_unusable_password()
    user.save()
    user.forget_roles()


def _leave_nobody_alone(user: User, memberships: list[Membership]) -> None:
    for membership in memberships:
        admins = Membership.objects.filter(team=membership.team_id, role=Role.ADMIN)
        if membership.role == Role.ADMIN and not admins.exclude(user=user).exists():
            raise ValidationError(
                f"You are the only admin of {membership.team}: make somebody else an admin first."
            )
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    if user.is_superuser and not others.exists():
        raise ValidationError(
            "You are the only administrator of this server: make somebody else one first."
        )


def _forget_names(user: User, memberships: list[Membership], alias: str) -> None:
    """Take the name and the address out of what is kept about others' teams: the audit, invitations."""
    mine = Invitation.objects.filter(email__iexact=user.email)
    keys = [str(row.pk) for row in (*memberships, *mine)]
    entries = AuditEntry.objects.filter(object_type__in=("membership", "invitation"))
    names = {user.email, user.name} - {""}
    entries.filter(object_id__in=keys).update(object_name=alias)
    entries.filter(object_name__in=names).update(object_name=alias)
    mine.filter(accepted_at__isnull=True, revoked_at__isnull=True).update(revoked_at=timezone.now())
    mine.update(email="former-member@deleted.invalid")
