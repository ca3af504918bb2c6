"""The first page, the appearance, and the pages that say no."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST
from django.views.defaults import page_not_found

from apps.core import home as sections
from apps.core.context import THEME_COOKIE, THEMES


@require_GET
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """What needs me, what is going on, and the way in for newcomers."""
    return render(request, "core/home.html", {"sections": sections.sections(request)})


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
    """There is no such address: in the API's own words below its addresses, else as a page."""
    if request.path.startswith("/api/v1/"):
        return JsonResponse({"detail": "There is nothing at this address."}, status=404)
    return page_not_found(request, exception)
