"""What the first page shows of boards."""

from django.http import HttpRequest
from django.urls import reverse

from apps.core.home import Entry, Section, register
from apps.leaderboards import queries
from apps.leaderboards.models import Board
from apps.teams.access import may
from apps.teams.models import Role


@register(order=10)
def latest_boards(request: HttpRequest) -> Section | None:
    """The five newest boards of the current team, each with its verdict and what it waits for."""
    team = getattr(request, "team", None)
    if team is None or not request.user.is_authenticated:
        return None
    found = queries.boards(request.user).filter(team=team)[:6]
    labels = may(request.user, team, Role.ANNOTATOR)
    return Section(
        "Latest boards",
        [_entry(board, labels) for board in found[:5]],
        more_url=reverse("board_list") if len(found) > 5 else "",
    )


def _entry(board: Board, labels: bool) -> Entry:
    url = reverse("board_detail", args=[board.slug])
    summary = board.current.summary if board.current else {}
    wanting = labels and not summary.get("decided", True)
    return Entry(
        board.name,
        url,
        sentence=board.verdict,
        at=board.current.created_at if board.current else board.created_at,
        todo="Label the items that tell its models apart best" if wanting else "",
        todo_url=f"{url}#next-title",
    )
