"""Verbs on people and teams. Each checks permission and leaves its audit entry."""

from apps.teams.services.base import audit, hash_secret, new_secret, require
from apps.teams.services.departure import delete_user, personal_data
from apps.teams.services.invitations import accept_invitation, invite, revoke_invitation
from apps.teams.services.members import change_role, remove_member
from apps.teams.services.sessions import end_sessions, open_sessions
from apps.teams.services.signin import make_sign_in_link, use_sign_in_link
from apps.teams.services.teams import create_team, rename_team, rename_user, show_guide
from apps.teams.services.tokens import create_token, revoke_token

__all__ = [
    "accept_invitation",
    "audit",
    "change_role",
    "create_team",
    "create_token",
    "delete_user",
    "end_sessions",
    "hash_secret",
    "invite",
    "make_sign_in_link",
    "new_secret",
    "open_sessions",
    "personal_data",
    "remove_member",
    "rename_team",
    "rename_user",
    "require",
    "revoke_invitation",
    "revoke_token",
    "show_guide",
    "use_sign_in_link",
]
