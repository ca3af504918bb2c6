"""Making and naming teams, naming oneself, and whether one is guided."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from apps.core.models import new_slug
from apps.teams.models import Membership, Role, Team, User
from apps.teams.services.base import audit, one_line, require


def _team_name(name: str) -> str:
    name = one_line(name)
    if not name:
        raise ValidationError({"name": "Give the team a name."})
    return name


@transaction.atomic
def create_team(*, user: User, name: str) -> Team:
    """Make a team with `user` as its admin; a token, which reaches one team only, may not."""
    if user.token is not None:
        raise PermissionDenied("An API token reaches its own team only and cannot make another.")
    team = Team(name=_team_name(name), slug=new_slug(name))
    team.full_clean()
    team.save()
    Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    user.forget_roles()
    audit(user=user, team=team, action="team.created", target=team)
    return team


@transaction.atomic
def rename_team(*, user: User, team: Team, name: str) -> Team:
    """Give the team another name; its address stays."""
    require(user=user, team=team, role=Role.ADMIN)
    before, team.name = team.name, _team_name(name)
    team.full_clean()
    team.save(update_fields=["name"])
    audit(user=user, team=team, action="team.renamed", target=team, before=before)
    return team


def rename_user(*, user: User, name: str) -> User:
    """Change the name by which `user` is shown to the other members."""
    user.name = one_line(name)
    user.full_clean(exclude=["password", "email"])
    user.save(update_fields=["name"])
    return user


def show_guide(*, user: User, shown: bool) -> User:
    """Show the guide of the first page to `user`, or put it away."""
    user.guide_hidden = not shown
    user.save(update_fields=["guide_hidden"])
    return user
