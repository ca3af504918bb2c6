"""The step of the first page's guide that brings others in."""

from django.urls import reverse

from apps.core.home import Step, step
from apps.teams import queries
from apps.teams.access import MemberRequest, asker_may
from apps.teams.models import Role


@step(order=50)
def colleagues(request: MemberRequest) -> Step | None:
    if not asker_may(request, Role.ADMIN):
        return None
    team = request.team
    others = queries.members(request.user).filter(team=team).exclude(user=request.user)
    return Step(
        "Invite the people you work with; each gets the role that fits.",
        done=others.exists(),
        action="Invite somebody",
        url=f"{reverse('team_settings')}#invitations",
    )
