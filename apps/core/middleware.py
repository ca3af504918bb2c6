"""What every request gets: a name in the logs, and the headers that every page carries."""

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

log = structlog.get_logger("apps.requests")

_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")
_PROBES = ("/healthz", "/readyz", "/metrics")


class RequestLogMiddleware:
    """Names each request, so that every line which it logs can be found by the name.

    A proxy's `X-Request-ID` is taken over; the answer carries the name too. With LOG_REQUESTS each
    request is a line itself: what was asked, by whom, in which team, how it ended and how long it took.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        name = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=name)
        began = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-ID"] = name
        if settings.LOG_REQUESTS and request.path not in _PROBES:
            team = getattr(request, "team", None)
            log.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                milliseconds=round((time.perf_counter() - began) * 1000, 1),
                **({"team": str(team.pk)} if team is not None else {}),
            )
        structlog.contextvars.clear_contextvars()
        return response


class PageHeadersMiddleware:
    """A fragment is never taken for its page from a cache, and no private page is kept by one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        patch_vary_headers(response, ["HX-Request", "Cookie"])
        response.setdefault("Cache-Control", "private, no-store")
        if (allowance := getattr(request, "allowance", None)) is not None:
            for name, value in allowance.headers().items():
                response[name] = value
        response.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        return response
