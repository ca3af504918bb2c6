"""Pages of this room."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core import twins
from apps.core.charts import SIZES, THEMES
from apps.core.forms import complaints_to
from apps.core.templatetags.assay import prose
from apps.leaderboards import cards, charts, exports, queries, services
from apps.leaderboards.comparing.page import ComparePage
from apps.leaderboards.comparing.twins import compare_twins
from apps.leaderboards.forms import BoardForm, NewBoardForm
from apps.leaderboards.models import Board, Snapshot
from apps.leaderboards.pages import BoardPage, board_page
from apps.leaderboards.pages.history import history
from apps.leaderboards.pages.pairs import PairsPage
from apps.leaderboards.pages.timeline import Timeline
from apps.leaderboards.pages.together import TogetherPage, slugs_asked
from apps.leaderboards.pages.whatif import WhatIfPage
from apps.leaderboards.parts import Part, shown
from apps.leaderboards.twins import board_twins, history_twins
from apps.teams.access import MemberRequest, get_visible, may, member_required
from apps.teams.models import Role
from apps.teams.services import require

PAGE_SIZE = 25
SEARCH_LENGTH = 200  # as long as a name; SQLite refuses patterns that are far longer
CHOICES = 50  # boards that a list of choices holds beside those chosen


def _board(request: MemberRequest, slug: str) -> Board:
    board: Board = get_visible(queries.boards(request.user), request.user, slug=slug)
    return board


def _snapshot(request: MemberRequest, slug: str) -> Snapshot:
    current = _board(request, slug).current
    if current is None:
        raise twins.NoFile("This board has no numbers yet.")
    return current


@member_required
@require_GET
def board_list(request: MemberRequest) -> HttpResponse:
    """The team's boards, newest first."""
    found = queries.boards(request.user).filter(team=request.team)
    search = request.GET.get("q", "").replace("\x00", "").strip()[:SEARCH_LENGTH]
    if search:
        found = found.filter(name__icontains=search)
    context = {
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "search": search,
        "may_edit": may(request.user, request.team, Role.EDITOR),
    }
    return render(request, "leaderboards/board_list.html", context)


@member_required
@require_GET
def boards_together(request: MemberRequest) -> HttpResponse:
    """Several boards of the team: a column for each dataset, a mean over them, ranks on the mean."""
    found = queries.boards(request.user).filter(team=request.team, current__isnull=False)
    asked = slugs_asked(request.GET)
    named = {board.slug: board for board in found.filter(slug__in=asked)}
    page = TogetherPage([named[slug] for slug in asked if slug in named])
    choices = list(named.values()) + list(found.exclude(slug__in=asked)[:CHOICES])
    choices.sort(key=lambda board: board.name.lower())
    context = {"page": page, "choices": [(board, board.slug in named) for board in choices]}
    return render(request, "leaderboards/boards_together.html", context)


@member_required
@require_http_methods(["GET", "POST"])
def board_new(request: MemberRequest) -> HttpResponse:
    """A board of one's own: other delta, other prices, an older version."""
    require(user=request.user, team=request.team, role=Role.EDITOR)
    form = NewBoardForm(request.POST or None, user=request.user, team=request.team)
    if request.method == "POST" and form.is_valid():
        version = form.cleaned_data["version"]
        with complaints_to(form):
            board = services.create_board(user=request.user, version=version, **form.settings())
            return redirect("board_detail", board.slug)
    status = 400 if form.errors else 200
    return render(request, "leaderboards/board_form.html", {"form": form}, status=status)


@member_required
@require_http_methods(["GET", "POST"])
def board_edit(request: MemberRequest, slug: str) -> HttpResponse:
    """Change what a board asks."""
    board = _board(request, slug)
    require(user=request.user, team=board.team, role=Role.EDITOR)
    form = BoardForm(request.POST) if request.method == "POST" else BoardForm.of(board)
    if request.method == "POST" and form.is_valid():
        with complaints_to(form):
            services.update_board(user=request.user, board=board, **form.settings())
            return redirect("board_detail", slug)
    context = {"form": form, "board": board}
    status = 400 if form.errors else 200
    return render(request, "leaderboards/board_form.html", context, status=status)


@member_required
@require_http_methods(["GET", "POST"])
def board_delete(request: MemberRequest, slug: str) -> HttpResponse:
    """Ask, then delete."""
    board = _board(request, slug)
    require(user=request.user, team=board.team, role=Role.EDITOR)
    if request.method == "POST":
        services.delete_board(user=request.user, board=board)
        messages.success(request, f"The board {board.name} is deleted.")
        return redirect("board_list")
    return render(request, "leaderboards/board_delete.html", {"board": board})


@member_required
@require_POST
def board_refresh(request: MemberRequest, slug: str) -> HttpResponse:
    """Bring a board up to date, after a failed job or a new day's prices."""
    services.refresh_board(user=request.user, board=_board(request, slug))
    return redirect("board_detail", slug)


@member_required
@require_GET
def board_detail(request: MemberRequest, slug: str) -> HttpResponse:
    """The board; for htmx its table alone."""
    board = _board(request, slug)
    page = _page(request, board) if board.current else None
    if page is not None and wants_table(request):
        return table_fragment(request, page)
    context: dict[str, Any] = {
        "board": board,
        "page": page,
        "job": board.job if board.job and not board.job.finished else None,
        "failed": board.job if board.job and board.job.state in ("failed", "cancelled") else None,
        "may_edit": may(request.user, board.team, Role.EDITOR),
        "may_label": may(request.user, board.team, Role.ANNOTATOR),
    }
    if page is not None:
        listed = page.result.get("next", {}).get("items", ())  # a part has none of its own
        context["items"] = queries.next_items(board.version, listed)
    return render(request, "leaderboards/board_detail.html", context)


def _page(request: MemberRequest, board: Board) -> BoardPage:
    assert board.current is not None  # noqa: S101
    return board_page(
        board=board,
        snapshot=board.current,
        query=request.GET,
        url=reverse("board_detail", args=[board.slug]),
        chart_url=reverse("board_chart", args=[board.slug]),
        compare_url=reverse("board_compare", args=[board.slug])
        if board.current.summary["models"] > 1
        else "",
    )


def wants_table(request: HttpRequest) -> bool:
    """Whether htmx asks for the table of a board alone."""
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and htmx.target == "board-table" and not htmx.history_restore_request


def table_fragment(request: HttpRequest, page: BoardPage) -> HttpResponse:
    """The table alone, and the shortest address that shows the same."""
    if page.table is None:
        raise Http404("This board ranks nothing yet.")
    response = render(request, "leaderboards/partials/table.html", {"page": page, "fragment": True})
    response["HX-Push-Url"] = page.table.address
    return response


def _look(request: HttpRequest, snapshot: Snapshot) -> tuple[str, str]:
    """The theme and the size in which a chart is asked for; 404 where there is nothing to draw."""
    if not charts.drawable(shown(snapshot, Part.read(request.GET))):
        raise twins.NoFile(charts.NOTHING)
    theme, size = request.GET.get("theme", ""), request.GET.get("size", "")
    return (theme if theme in THEMES else "light", size if size in SIZES else "wide")


@member_required
@require_GET
def board_compare(request: MemberRequest, slug: str) -> HttpResponse:
    """Two to six models of a board side by side: tests, slices, confusions, items."""
    board = _board(request, slug)
    page = ComparePage(board, request.GET, reverse("board_compare", args=[slug]))
    context = {
        "board": board,
        "page": page,
        "may_label": may(request.user, board.team, Role.ANNOTATOR),
    }
    return render(request, "leaderboards/board_compare.html", context)


@member_required
@require_GET
def board_compare_twin(request: MemberRequest, slug: str, form: str) -> HttpResponse:
    """The comparison as a file, of the models and tests of its page."""
    page = ComparePage(_board(request, slug), request.GET, reverse("board_compare", args=[slug]))
    if page.problem:
        raise twins.NoFile(page.problem)
    return twins.answer(request, compare_twins(page), form)


@member_required
@require_GET
def board_pairs(request: MemberRequest, slug: str) -> HttpResponse:
    """Who beats whom: every two of some models against one another."""
    board = _board(request, slug)
    page = PairsPage(board, request.GET, reverse("board_compare", args=[slug]))
    context = {
        "board": board,
        "page": page,
        "may_edit": may(request.user, board.team, Role.EDITOR),
    }
    return render(request, "leaderboards/board_pairs.html", context)


@member_required
@require_GET
def board_history(request: MemberRequest, slug: str) -> HttpResponse:
    """What a board said as models, labels and prices joined."""
    board = _board(request, slug)
    answers = history(board)
    line = Timeline(answers)
    context = {
        "board": board,
        "answers": answers,
        "line": line,
        "files": twins.links(reverse("board_history", args=[slug]), drawn=bool(line)),
    }
    return render(request, "leaderboards/board_history.html", context)


@member_required
@require_GET
def board_history_twin(request: MemberRequest, slug: str, form: str) -> HttpResponse:
    """The history as a file."""
    board = _board(request, slug)
    return twins.answer(request, history_twins(board.name, history(board)), form)


@member_required
@require_GET
def board_what_if(request: MemberRequest, slug: str) -> HttpResponse:
    """What a board would recommend at other prices, and what a month would cost."""
    board = _board(request, slug)
    part = Part.read(request.GET)
    result = shown(board.current, part) if board.current else {"ranking": None}
    page = None
    if result["ranking"]:
        page = WhatIfPage(board, request.GET, reverse("board_what_if", args=[slug]))
    problem = str(result.get("problem", "")) if part else ""
    context = {"board": board, "page": page, "part": part, "problem": prose(problem)}
    return render(request, "leaderboards/board_what_if.html", context)


@member_required
@require_GET
def board_chart(request: MemberRequest, slug: str) -> HttpResponse:
    """Accuracy against price as SVG: without JavaScript, and for documents."""
    snapshot = _snapshot(request, slug)
    look = _look(request, snapshot)
    return twins.svg_response(charts.svg(snapshot, Part.read(request.GET), *look))


@member_required
@require_GET
def board_chart_spec(request: MemberRequest, slug: str) -> HttpResponse:
    """The same chart's Vega-Lite spec, which the page draws."""
    snapshot = _snapshot(request, slug)
    look = _look(request, snapshot)
    content = charts.spec_json(snapshot, Part.read(request.GET), *look)
    return HttpResponse(content, content_type="application/json")


@member_required
@require_GET
def board_next_items(request: MemberRequest, slug: str) -> HttpResponse:
    """The items worth labelling next, as a CSV to fill in and upload."""
    result = queries.result_of(_snapshot(request, slug))
    return twins.download(exports.next_items_csv(result), f"{slug}-next-items.csv", "text/csv")


@member_required
@require_GET
def board_twin(request: MemberRequest, slug: str, form: str) -> HttpResponse:
    """The board as a file, with the filters, columns and order of its page."""
    board = _board(request, slug)
    if board.current is None:
        raise twins.NoFile("This board has no numbers yet.")
    return twins.answer(request, board_twins(_page(request, board)), form)


@member_required
@require_GET
def board_card(request: MemberRequest, slug: str) -> HttpResponse:
    """The board's result card."""
    board = _board(request, slug)
    if board.current is None:
        raise twins.NoFile("This board has no numbers yet.")
    return twins.card_response(cards.claim_of(board, board.current), board.name)
