"""Refusals of the API in one form: problem details for HTTP APIs (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import JsonResponse

MEDIA_TYPE = "application/problem+json"


def problem(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """The body: `type` says no more than the status, so it is `about:blank` and `title` its phrase.

    `detail` is a sentence for whoever reads it; `more` are members of this problem alone, as `errors`.
    """
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}


def problem_response(status: int, detail: str, **more: Any) -> JsonResponse:
    """The same as a response, for what is refused before a view is asked."""
    return JsonResponse(problem(status, detail, **more), status=status, content_type=MEDIA_TYPE)
