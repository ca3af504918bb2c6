"""What every verb of every room needs: who may, who did, and secrets that are kept as hashes."""

import hashlib
import secrets

from django.core.exceptions import PermissionDenied
from django.db import models

from apps.teams.models import AuditEntry, Role, Team, User


def require(*, user: User, team: Team, role: Role) -> None:
    """Raise PermissionDenied unless `user` holds at least `role` in `team`."""
    held = user.roles.get(team.pk)
    if held is None or held < role:
        raise PermissionDenied(f"This needs the role {role.label} in the team {team.name}.")


def audit(
    *, user: User | None, team: Team, action: str, target: models.Model, **details: object
) -> AuditEntry:
    """Record what was done; call it inside the transaction that does it."""
    return AuditEntry.objects.create(
        team=team,
        created_by=user,
        action=action,
        object_type=target._meta.model_name or "",
        object_id=str(target.pk),
        object_name=str(target)[:200],
        details=details,
    )


def new_secret() -> tuple[str, str]:
    """An unguessable text (256 bits) and the hash of it that may be stored."""
    token = secrets.token_urlsafe(32)
    return token, hash_secret(token)


def hash_secret(token: str) -> str:
    """SHA-256 in hex: enough for a text with 256 bits of its own, and it can be looked up."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def one_line(text: str) -> str:
    """`text` without control characters, its runs of white space made single spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
