"""The step of the first page's guide that shares something."""

from apps.core.home import Step, step
from apps.sharing import queries
from apps.teams.access import MemberRequest


@step(order=40)
def share(request: MemberRequest) -> Step:
    return Step(
        "Send a colleague a link to the board: “Share this board” makes one, no account needed.",
        done=queries.links(request.user).filter(team=request.team).exists(),
    )
