"""What search finds of people, and what may be done about them from anywhere."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from apps.core.search import Hit, Words, matching, register, register_actions
from apps.teams import queries
from apps.teams.access import asker_may
from apps.teams.models import Role


@register("People", order=70)
def people(user: Any, words: Words, most: int) -> Iterable[Hit]:
    rows = queries.members(user)
    for member in matching(rows, words, "user__name", "user__email")[:most]:
        note = f"{member.get_role_display()} of {member.team}"
        yield Hit(str(member.user), reverse("team_settings"), note)


@register_actions(order=90)
def account_actions(request: HttpRequest) -> Iterable[Hit]:
    team = getattr(request, "team", None)
    if team is not None:
        yield Hit("Team settings", reverse("team_settings"), "members, invitations, tokens")
    if asker_may(request, Role.ADMIN):
        yield Hit("Read the audit log", reverse("audit_log"), "who changed what")
    yield Hit("Your account", reverse("account"), "name, passphrase, second factor")
    yield Hit("Make a team", reverse("team_new"))
