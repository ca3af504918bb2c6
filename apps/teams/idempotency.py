"""A POST that is sent again with the same `Idempotency-Key` is answered as it was, and not done twice.

The key belongs to a token, or to a person without one. The first request leaves a row before it is done
and its answer, sealed, in it afterwards; where it is refused or breaks, the row goes and the key is free.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.core import vault
from apps.core.problems import problem_response
from apps.teams.authentication import TokenAuthentication
from apps.teams.models import KeyedRequest

KEPT = timedelta(hours=24)
_KEY = re.compile(r"[!-~]{1,200}")
_HEADERS = ("Content-Type", "Location")
_MOST_BYTES = 1 << 20


class IdempotencyMiddleware:
    """For POSTs to the API that carry a key."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.headers.get("Idempotency-Key")
        if key is None or request.method != "POST" or not request.path.startswith("/api/v1/"):
            return self.get_response(request)
        if not _KEY.fullmatch(key):
            return problem_response(400, "An Idempotency-Key has 1 to 200 visible ASCII letters.")
        owner = _owner(request)
        if owner is None:  # the view refuses it
            return self.get_response(request)
        print_ = _fingerprint(request)
        row = _begun(owner, key, print_)
        if row is None:
            return _again(owner, key, print_)
        try:
            response = self.get_response(request)
        except BaseException:
            row.delete()
            raise
        _end(row, response)
        return response


def _owner(request: HttpRequest) -> str | None:
    """Whose key it is; None where nobody is signed in."""
    try:
        found = TokenAuthentication().authenticate(Request(request))
    except AuthenticationFailed:
        return None
    if found is not None:
        return f"token:{found[1].pk}"
    user: Any = getattr(request, "user", None)
    return f"user:{user.pk}" if user is not None and user.is_authenticated else None


def _fingerprint(request: HttpRequest) -> str:
    """What was asked, in which team. Of files and other long bodies, which are not kept, the length."""
    length = request.headers.get("Content-Length", "")
    long = not length.isdecimal() or int(length) > _MOST_BYTES
    team = getattr(getattr(request, "team", None), "pk", None)
    asked = f"{team}\n{request.get_full_path()}\n{request.content_type}\n"
    said = hashlib.sha256(asked.encode())
    if long or request.content_type == "multipart/form-data":
        said.update(length.encode())
    else:
        said.update(request.body)
    return said.hexdigest()


def _begun(owner: str, key: str, fingerprint: str) -> KeyedRequest | None:
    """A row for a request that is new; None where the key was used within a day."""
    KeyedRequest.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    try:
        with transaction.atomic():
            return KeyedRequest.objects.create(owner=owner, key=key, fingerprint=fingerprint)
    except IntegrityError:
        return None


def _again(owner: str, key: str, fingerprint: str) -> HttpResponse:
    """The answer to a key that was used."""
    row = KeyedRequest.objects.filter(owner=owner, key=key).first()
    if row is not None and row.fingerprint != fingerprint:
        return problem_response(422, "This Idempotency-Key was used for another request.")
    if row is None or not row.answer:
        return problem_response(
            409, "A request with this Idempotency-Key has begun and not ended: ask what came of it."
        )
    try:
        told = json.loads(vault.unseal(row.answer, bound_to=row.purpose))
    except vault.Unreadable:
        return problem_response(409, "The request was done, but its answer cannot be read again.")
    response = HttpResponse(b64decode(told["body"]), status=told["status"])
    for name, value in told["headers"].items():
        response[name] = value
    response["Idempotency-Replayed"] = "true"
    return response


def _end(row: KeyedRequest, response: HttpResponse) -> None:
    done = 200 <= response.status_code < 300 and not response.streaming
    if not done or len(response.content) > _MOST_BYTES:
        row.delete()
        return
    told = {
        "status": response.status_code,
        "headers": {name: response[name] for name in _HEADERS if name in response},
        "body": b64encode(response.content).decode(),
    }
    row.answer = vault.seal(json.dumps(told), bound_to=row.purpose)
    row.save(update_fields=["answer"])
