"""Links of a board for its team, and the page that a link opens."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
    require_safe,
)

from apps.core.views import gone
from apps.leaderboards import queries as boards
from apps.leaderboards.models import Board
from apps.leaderboards.pages import board_page
from apps.leaderboards.views import chart_response, table_fragment, wants_table
from apps.sharing import queries, services
from apps.sharing.forms import ShareForm
from apps.sharing.models import ShareLink
from apps.teams.access import MemberRequest, get_visible, may, member_required
from apps.teams.models import Role
from apps.teams.services import require

ENDED = "This link was revoked or its time is over. Ask whoever sent it for a new one."


def _board(request: MemberRequest, slug: str) -> Board:
    board: Board = get_visible(boards.boards(request.user), request.user, slug=slug)
    return board


@member_required
@require_GET
def share_list(request: MemberRequest, slug: str) -> HttpResponse:
    """The links of a board and the form for a new one."""
    return _links_page(request, _board(request, slug), ShareForm())


@member_required
@require_http_methods(["GET", "POST"])
def share_new(request: MemberRequest, slug: str) -> HttpResponse:
    """Make a link and show its address, this once."""
    board = _board(request, slug)
    if request.method == "GET":
        return redirect("share_list", slug)
    require(user=request.user, team=board.team, role=Role.EDITOR)
    form = ShareForm(request.POST)
    if not form.is_valid():
        return _links_page(request, board, form)
    data = form.cleaned_data
    try:
        link, token = services.create_link(
            user=request.user,
            board=board,
            note=data["note"],
            days=data["days"],
            frozen=data["shows"] == "frozen",
        )
    except ValidationError as error:
        form.add_error(None, error)
        return _links_page(request, board, form)
    address = request.build_absolute_uri(reverse("shared", args=[token]))
    return render(request, "sharing/made.html", {"board": board, "link": link, "address": address})


def _links_page(request: MemberRequest, board: Board, form: ShareForm) -> HttpResponse:
    context = {
        "board": board,
        "links": queries.links(request.user).filter(board=board),
        "form": form,
        "may_edit": may(request.user, board.team, Role.EDITOR),
    }
    status = 400 if form.errors else 200
    return render(request, "sharing/list.html", context, status=status)


@member_required
@require_POST
def share_revoke(request: MemberRequest, slug: str, pk: UUID) -> HttpResponse:
    """End a link."""
    link = get_visible(queries.links(request.user), request.user, pk=pk, board__slug=slug)
    services.revoke_link(user=request.user, link=link)
    return redirect("share_list", slug)


def _quiet(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For what a token opens: neither kept, nor indexed, nor told to where a reader goes next."""

    @wraps(view)
    def headed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "private, no-store"
        return response

    return headed


def _open(token: str) -> ShareLink:
    link = queries.link_of(token)
    if link is None:
        raise Http404("There is nothing at this address.")
    return link


@_quiet
@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """The board that a link shows, to anybody who has the link; for htmx its table alone."""
    try:
        link = _open(token)
    except Http404:
        return render(request, "404.html", status=404)
    if link.ended:
        return gone(request, ENDED)
    snapshot = queries.snapshot_of(link)
    page = snapshot and board_page(
        board=link.board,
        snapshot=snapshot,
        query=request.GET,
        url=reverse("shared", args=[token]),
        chart_url=reverse("shared_chart", args=[token]),
        shared=True,
    )
    if page and wants_table(request):
        return table_fragment(request, page)
    if request.method == "GET":
        queries.count_view(link)
    return render(request, "sharing/shared.html", {"link": link, "page": page})


@_quiet
@require_safe
def shared_chart(request: HttpRequest, token: str) -> HttpResponse:
    """The chart of the board that a link shows."""
    try:
        link = _open(token)
        if link.ended:
            return gone(request, ENDED)
        snapshot = queries.snapshot_of(link)
        if snapshot is None:
            raise Http404
        return chart_response(request, snapshot)
    except Http404:
        return render(request, "404.html", status=404)
