"""What the first page shows of boards, and the guide's step to read one."""

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import JSONField, OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone

from apps.core.home import Entry, Section, Step, needs, register, step
from apps.leaderboards import queries
from apps.leaderboards.models import Board, Snapshot
from apps.teams.access import MemberRequest, asker_may
from apps.teams.models import Role

NEWS = timedelta(days=7)
"""How long a changed recommendation is told."""


@needs(order=15)
def changed_recommendations(request: MemberRequest) -> Iterable[Entry]:
    """Boards that now recommend another model than before."""
    before = Snapshot.objects.filter(
        board=OuterRef("pk"), created_at__lt=OuterRef("current__created_at")
    ).order_by("-created_at")
    rows = (
        queries.boards(request.user)
        .filter(team=request.team, current__created_at__gte=timezone.now() - NEWS)
        .annotate(before=Subquery(before.values("summary")[:1], output_field=JSONField()))
        .filter(before__isnull=False)
        .order_by("-current__created_at")
    )
    for board in rows[:20]:
        if board.current is None:
            continue
        was, now = board.before.get("chosen"), board.current.summary.get("chosen")
        if not was or not now or was == now:
            continue
        url = reverse("board_detail", args=[board.slug])
        yield Entry(
            board.name,
            url,
            sentence=f"It recommends `{now}` now, and `{was}` before.",
            at=board.current.created_at,
            kind="Board",
            todo="Read why",
            todo_url=url,
        )


@register(order=10)
def latest_boards(request: MemberRequest) -> Section | None:
    """The five newest boards of the current team, each with its verdict and what it waits for."""
    found = _boards(request)[:6]
    labels = asker_may(request, Role.ANNOTATOR)
    return Section(
        "Latest boards",
        [_entry(board, labels) for board in found[:5]],
        more_url=reverse("board_list") if len(found) > 5 else "",
    )


@step(order=30)
def read_a_verdict(request: MemberRequest) -> Step:
    board = _boards(request).filter(version__dataset__demo=False, current__isnull=False).first()
    return Step(
        "Read which model to use and how sure that is; label the next 20 items if it is not sure enough.",
        done=board is not None,
    )


def _boards(request: MemberRequest) -> QuerySet[Board]:
    return queries.boards(request.user).filter(team=request.team)


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
