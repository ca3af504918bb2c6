"""Links of an object for its team, and the page that a link opens."""

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

from apps.core import twins
from apps.core.views import gone
from apps.sharing import queries, services
from apps.sharing.forms import ShareForm
from apps.sharing.kinds import KINDS, Kind
from apps.sharing.models import ShareLink
from apps.teams.access import MemberRequest, get_visible, may, member_required
from apps.teams.models import Role, TeamOwned
from apps.teams.services import require

ENDED = "This link was revoked or its time is over. Ask whoever sent it for a new one."


def _target(request: MemberRequest, kind: Kind, key: dict[str, Any]) -> TeamOwned:
    target: TeamOwned = get_visible(kind.visible(request.user), request.user, **key)
    return target


@member_required
@require_GET
def share_list(request: MemberRequest, kind: str, **key: Any) -> HttpResponse:
    """The links of an object and the form for a new one."""
    sort = KINDS[kind]
    return _links_page(request, sort, _target(request, sort, key), ShareForm(kind=sort))


@member_required
@require_http_methods(["GET", "POST"])
def share_new(request: MemberRequest, kind: str, **key: Any) -> HttpResponse:
    """Make a link and show its address, this once."""
    sort = KINDS[kind]
    target = _target(request, sort, key)
    if request.method == "GET":
        return redirect(f"{kind}_links", *key.values())
    require(user=request.user, team=target.team, role=Role.EDITOR)
    form = ShareForm(request.POST, kind=sort)
    if not form.is_valid():
        return _links_page(request, sort, target, form)
    try:
        asked = form.settings() | {kind: target}
        link, token = services.create_link(user=request.user, **asked)
    except ValidationError as error:
        form.add_error(None, error.messages)
        return _links_page(request, sort, target, form)
    context = {
        "kind": sort,
        "target": target,
        "link": link,
        "address": request.build_absolute_uri(reverse("shared", args=[token])),
        "links_url": reverse(f"{kind}_links", args=[sort.lookup(target)]),
    }
    return render(request, "sharing/made.html", context)


def _links_page(
    request: MemberRequest, kind: Kind, target: TeamOwned, form: ShareForm
) -> HttpResponse:
    context = {
        "kind": kind,
        "target": target,
        "target_url": kind.address(target),
        "new_url": reverse(f"{kind.name}_link_new", args=[kind.lookup(target)]),
        "links": queries.links(request.user).filter(**{kind.name: target}),
        "form": form,
        "may_edit": may(request.user, target.team, Role.EDITOR),
    }
    status = 400 if form.errors else 200
    return render(request, "sharing/list.html", context, status=status)


@member_required
@require_POST
def share_revoke(request: MemberRequest, pk: UUID) -> HttpResponse:
    """End a link."""
    link = get_visible(queries.links(request.user), request.user, pk=pk)
    services.revoke_link(user=request.user, link=link)
    return redirect(f"{link.shows}_links", KINDS[link.shows].lookup(link.target))


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
    """What a link shows, to anybody who has the link; for htmx a part of it."""
    try:
        link = _open(token)
    except Http404:
        return render(request, "404.html", status=404)
    if link.ended:
        return gone(request, ENDED)
    kind = KINDS[link.shows]
    page = kind.page(request, link.target, link.blob, reverse("shared", args=[token]))
    if isinstance(page, HttpResponse):
        return page
    if request.method == "GET":
        queries.count_view(link)
    context = {"link": link, "kind": kind, "target": link.target, "page": page}
    return render(request, "sharing/shared.html", context)


@_quiet
@require_safe
def shared_twin(request: HttpRequest, token: str, form: str) -> HttpResponse:
    """What a link shows, as a file."""
    try:
        link = _open(token)
        if link.ended:
            return gone(request, ENDED)
        url = reverse("shared", args=[token])
        made = KINDS[link.shows].twins(request, link.target, link.blob, url)
        if made is None:
            raise Http404("There is nothing to show.")
        return twins.answer(request, made, form)
    except Http404:
        return render(request, "404.html", status=404)
