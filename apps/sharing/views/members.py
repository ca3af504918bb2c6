"""Links for the team that made them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import escape
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.sharing import queries, services
from apps.sharing.forms import LinkFilterForm, ShareForm
from apps.sharing.kinds import KINDS, Kind
from apps.sharing.models import ShareLink
from apps.teams.access import MemberRequest, get_visible, may, member_required
from apps.teams.models import Role, TeamOwned
from apps.teams.services import require

PAGE_SIZE = 50
MOST_ASKED = (
    1_500  # letters of a view that a link carries along; browsers and chats cut longer ones
)


def _target(request: MemberRequest, kind: Kind, key: dict[str, Any]) -> TeamOwned:
    target: TeamOwned = get_visible(kind.visible(request.user), request.user, **key)
    return target


@member_required
@require_GET
def link_list(request: MemberRequest) -> HttpResponse:
    """All links of the team, to be looked through and ended."""
    form = LinkFilterForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    rows = queries.narrowed(queries.links(request.user).filter(team=request.team), **asked)
    context = {
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "form": form,
        "filtered": any(asked.values()),
        "may_edit": may(request.user, request.team, Role.EDITOR),
    }
    return render(request, "sharing/all.html", context)


@member_required
@require_POST
def link_revoke_chosen(request: MemberRequest) -> HttpResponse:
    """End the links that were chosen in the list."""
    require(user=request.user, team=request.team, role=Role.EDITOR)
    chosen = [pk for pk in map(_uuid, request.POST.getlist("link")[:PAGE_SIZE]) if pk]
    found = queries.links(request.user).filter(team=request.team, pk__in=chosen)
    ended = services.revoke_links(user=request.user, links=found)
    messages.success(request, f"{ended:,} link{'' if ended == 1 else 's'} revoked.")
    return redirect("link_list")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


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
        return redirect(reverse(f"{kind}_links", args=list(key.values())) + _view(request))
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
    view = _view(request)
    context = {
        "kind": sort,
        "target": target,
        "link": link,
        "address": request.build_absolute_uri(reverse("shared", args=[token]) + view),
        "frame": frame(request, link, token, view),
        "links_url": reverse(f"{kind}_links", args=[sort.lookup(target)]) + view,
    }
    return render(request, "sharing/made.html", context)


def _view(request: HttpRequest) -> str:
    """What the page that was left shows, as in its address: a link made from there opens so."""
    asked = request.GET.urlencode()
    return f"?{asked}" if 0 < len(asked) <= MOST_ASKED else ""


def frame(request: HttpRequest, link: ShareLink, token: str, view: str = "") -> str:
    """What to put into a page of another site to show the link there; empty where it may not be."""
    if not link.embed_origins:
        return ""
    address = escape(request.build_absolute_uri(reverse("shared_embed", args=[token]) + view))
    return (
        f'<iframe src="{address}" title="Assay" width="100%" height="640" loading="lazy" '
        'referrerpolicy="no-referrer" sandbox="allow-scripts allow-same-origin allow-popups"></iframe>'
    )


def _links_page(
    request: MemberRequest, kind: Kind, target: TeamOwned, form: ShareForm
) -> HttpResponse:
    context = {
        "kind": kind,
        "target": target,
        "target_url": kind.address(target) + _view(request),
        "new_url": reverse(f"{kind.name}_link_new", args=[kind.lookup(target)]) + _view(request),
        "narrowed": bool(_view(request)),
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
