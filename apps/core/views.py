"""The first page, the appearance, and the pages that say no."""

from functools import cache
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST
from django.views.defaults import page_not_found

from apps.core import explanations
from apps.core import home as first_page
from apps.core import search as searching
from apps.core.client import source as client_source
from apps.core.context import THEME_COOKIE, THEMES, places
from apps.core.problems import problem_response
from apps.core.twins import NoFile, download


@require_GET
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """What needs me, what is going on, and the way in for newcomers."""
    if getattr(request, "team", None) is None:
        return render(request, "core/home.html")
    steps = first_page.guide(request)
    context = {
        "needed": first_page.needed(request),
        "sections": first_page.sections(request),
        "guide": steps,
        "next_step": next((step for step in steps if not step.done), None),
    }
    return render(request, "core/home.html", context)


@require_GET
@login_required
def search(request: HttpRequest) -> HttpResponse:
    """What fits the words `q`, everywhere or (`in`) of one kind; and what may be done.

    As a page, as its list alone while somebody types, or (`palette`) as the options of the palette.
    """
    words = searching.Words.of(request.GET.get("q", ""))
    kind = request.GET.get("in", "")[:40]
    context = {
        "words": words,
        "groups": searching.find(request.user, words, kind),
        "only": kind,
        "actions": [] if kind else searching.actions(request, words),
        "found_places": []
        if kind
        else [entry for entry in places(request) if words.fit(entry.name)],
    }
    if "palette" in request.GET:
        return render(request, "core/partials/palette.html", context)
    fragment = request.headers.get("HX-Target") == "found"
    return render(request, "core/partials/found.html" if fragment else "core/search.html", context)


@require_GET
@login_required
def keys(request: HttpRequest) -> HttpResponse:
    """Every key of the product: a page, or (`sheet`) what the help sheet shows over another one."""
    sheet = "sheet" in request.GET
    return render(
        request, "core/partials/keys.html" if sheet else "core/keys.html", {"sheet": sheet}
    )


@require_GET
def numbers(request: HttpRequest) -> HttpResponse:
    """Of which pages the numbers are explained."""
    return render(request, "core/numbers.html", {"chapters": explanations.chapters()})


@require_GET
def numbers_of(request: HttpRequest, slug: str) -> HttpResponse:
    """How each number of one kind of page is computed, and whose idea it is."""
    chapter = explanations.chapter(slug)
    if chapter is None:
        raise Http404("There is no such page.")
    return render(request, "core/numbers_of.html", {"chapter": chapter})


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen appearance in a cookie and go back to where it was chosen."""
    chosen = request.POST.get("theme", "")
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = "/"
    response = HttpResponseRedirect(target)
    if chosen in dict(THEMES):
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=31536000, samesite="Lax", secure=request.is_secure()
        )
    return response


def gone(request: HttpRequest, sentence: str) -> HttpResponse:
    """The page for a link that was good once (410). `sentence`: why it ended and what to do."""
    return render(request, "410.html", {"sentence": sentence}, status=410)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """There is no such address: in the API's own words below its addresses, else as a page.

    Whoever asks a page for a file that it does not have is told why in the API's form too.
    """
    if isinstance(exception, NoFile):
        return problem_response(404, str(exception))
    if request.path.startswith("/api/v1/"):
        return problem_response(404, "There is nothing at this address.")
    return page_not_found(request, exception)


@require_GET
def client(request: HttpRequest) -> HttpResponse:
    """A Python client of this installation's API, to be kept beside a program that uses it."""
    return download(_client(), "assay_client.py", "text/x-python")


@cache
def _client() -> str:
    from drf_spectacular.generators import SchemaGenerator  # needs every room's addresses

    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    return client_source(generator.get_schema(public=True))
