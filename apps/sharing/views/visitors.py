"""What a token opens: the page of one object, its files, the page for frames on other sites."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from apps.core import twins
from apps.core.views import gone
from apps.sharing import queries, services
from apps.sharing.forms import UnlockForm
from apps.sharing.kinds import KINDS, Opening
from apps.sharing.models import Scope, ShareLink

ENDED = "This link was revoked or its time is over. Ask whoever sent it for a new one."
_KEY_SECONDS = 12 * 60 * 60
_EMBED = "sharing/embed.html"
_SALT = "apps.sharing.unlocked"

Visit = Callable[..., HttpResponse]


def opened(view: Visit) -> Visit:
    """For what a token opens: the view gets the link, which lives and is unlocked.

    Whatever is answered is neither kept, nor indexed, nor told to where a reader goes next.
    """

    @wraps(view)
    def headed(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponse:
        response = _answer(view, request, token, kwargs)
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        # A stricter one would hide the origin of our own forms as well, and they would be refused.
        response["Referrer-Policy"] = "same-origin"
        response["Cache-Control"] = "private, no-store"
        return response

    return headed


def _answer(view: Visit, request: HttpRequest, token: str, more: dict[str, Any]) -> HttpResponse:
    link = queries.link_of(token)
    if link is None:
        return render(request, "404.html", status=404)
    if link.ended:
        return gone(request, ENDED)
    if link.password and view is not _unlock and not _has_key(request, link):
        return _ask(request, token, UnlockForm(), 403 if more else 200)
    try:
        return view(request, link, token, **more)
    except Http404:
        return render(request, "404.html", status=404)


def _cookie(link: ShareLink) -> str:
    return f"link-{link.pk.hex}"


def _has_key(request: HttpRequest, link: ShareLink) -> bool:
    held = request.get_signed_cookie(_cookie(link), "", salt=_SALT, max_age=_KEY_SECONDS)
    return constant_time_compare(held or "", services.key_of(link))


def _ask(request: HttpRequest, token: str, form: UnlockForm, status: int) -> HttpResponse:
    """The page that asks for the password: it tells nothing of what is behind it."""
    context = {"form": form, "url": reverse("shared_unlock", args=[token])}
    return render(request, "sharing/locked.html", context, status=status)


def _unlock(request: HttpRequest, link: ShareLink, token: str) -> HttpResponse:
    if not link.password:
        return redirect("shared", token)
    form = UnlockForm(request.POST)
    if not form.is_valid():
        return _ask(request, token, form, 400)
    try:
        if services.unlock(link=link, password=form.cleaned_data["password"]):
            response = redirect("shared", token)
            response.set_signed_cookie(
                _cookie(link),
                services.key_of(link),
                salt=_SALT,
                max_age=_KEY_SECONDS,
                path="/s/",
                secure=settings.HTTPS,
                httponly=True,
                samesite="Lax",
            )
            return response
    except services.Closed:
        form.add_error(None, "Too many wrong passwords. Wait a few minutes, then try again.")
        return _ask(request, token, form, 429)
    form.add_error("password", "This is not the password of this link.")
    return _ask(request, token, form, 403)


shared_unlock = sensitive_post_parameters("password")(require_POST(opened(_unlock)))


def _opening(link: ShareLink, token: str, url: str) -> Opening:
    return Opening(
        target=link.target,
        blob=link.blob,
        heading=link.heading,
        url=url,
        picture=reverse("shared_svg", args=[token]),
        drawn=link.scope != Scope.TABLE,
        prompts=link.scope == Scope.ITEMS,
    )


@require_safe
@opened
def shared(request: HttpRequest, link: ShareLink, token: str) -> HttpResponse:
    """What a link shows, to anybody who has the link; for htmx a part of it."""
    url = reverse("shared", args=[token])
    return _page(request, link, _opening(link, token, url), "sharing/shared.html", token)


@require_safe
@opened
def shared_embed(request: HttpRequest, link: ShareLink, token: str) -> HttpResponse:
    """The same without the shell, for frames on the sites that the link names, and on no other."""
    if not link.embed_origins:
        raise Http404("This link is shown on no other site.")
    url = reverse("shared_embed", args=[token])
    response = _page(request, link, _opening(link, token, url), _EMBED, token)
    response._csp_replace = {"frame-ancestors": link.embed_origins}  # type: ignore[attr-defined]
    response.xframe_options_exempt = True
    return response


def _page(
    request: HttpRequest, link: ShareLink, opening: Opening, template: str, token: str
) -> HttpResponse:
    kind = KINDS[link.shows]
    page = kind.page(request, opening)
    if isinstance(page, HttpResponse):
        return page
    if request.method == "GET":
        queries.count_view(link)
    context: dict[str, Any] = {"link": link, "kind": kind, "page": page}
    if page is not None and not link.password:
        context["preview"] = _preview(request, page, token)
    context["address"] = _absolute(request, "shared", token)
    if template == _EMBED:
        context["csrf_token"] = ""  # no form there: a frame on another site brings no cookie along
    return render(request, template, context)


def _preview(request: HttpRequest, page: Any, token: str) -> str:
    """The address of the picture for previews of the link; empty where there is none."""
    if "PNG" not in dict(page.twins):
        return ""
    return _absolute(request, "shared_png", token)


def _absolute(request: HttpRequest, name: str, token: str) -> str:
    """The address of what a token opens, with what this one asks to be shown."""
    asked = request.GET.urlencode()
    return request.build_absolute_uri(reverse(name, args=[token])) + (f"?{asked}" if asked else "")


@require_safe
@opened
def shared_twin(request: HttpRequest, link: ShareLink, token: str, form: str) -> HttpResponse:
    """What a link shows, as a file."""
    opening = _opening(link, token, reverse("shared", args=[token]))
    made = KINDS[link.shows].twins(request, opening) if opening.drawn else None
    if made is None:
        raise Http404("There are no files.")
    return twins.answer(request, made, form)
