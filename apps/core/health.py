"""Is the process alive (/healthz), may it get requests (/readyz), what has it counted (/metrics)."""

import logging
import socket
import uuid
from collections.abc import Callable
from typing import NamedTuple

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_GET

from apps.core.metrics import exposition

logger = logging.getLogger(__name__)


class Finding(NamedTuple):
    """Whether a part works, and in words what is wrong with it."""

    ok: bool
    detail: str = ""


Check = Callable[[], Finding]
_checks: dict[str, Check] = {}


def register(name: str) -> Callable[[Check], Check]:
    """Decorator: /readyz asks this function too. Rooms register theirs in their `health.py`."""

    def keep(check: Check) -> Check:
        _checks[name] = check
        return check

    return keep


@register("database")
def database() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Finding(True)


@register("storage")
def storage() -> Finding:
    """Write, read and delete a small file: a full disk or a wrong key shows here first."""
    name = default_storage.save(f"health/{uuid.uuid4()}", ContentFile(b"ok"))
    try:
        with default_storage.open(name) as file:
            same = file.read() == b"ok"
    finally:
        default_storage.delete(name)
    return Finding(same, "" if same else "what was written did not come back")


@register("broker")
def broker() -> Finding:
    """Whether the broker's port answers; the filesystem broker is a folder beside the database."""
    from kombu import Connection

    with Connection(settings.CELERY_BROKER_URL) as link:
        if link.transport_cls == "filesystem":
            return Finding(True)
        host, port = link.hostname, link.port or link.transport.default_port or 0
    with socket.create_connection((host or "localhost", port), timeout=1):
        return Finding(True)


def ask_all() -> dict[str, Finding]:
    """What every registered check finds now; one that raises has found something wrong."""
    findings: dict[str, Finding] = {}
    for name, check in _checks.items():
        try:
            findings[name] = check()
        except Exception as error:
            logger.warning("health: %s: %s", name, error)
            findings[name] = Finding(False, type(error).__name__)
    return findings


@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """The process lives. Asks nothing else, so that a broken database does not restart web servers."""
    return JsonResponse({"status": "ok"})


@require_GET
def readyz(request: HttpRequest) -> HttpResponse:
    """Every part that a request needs: 200 when all work, 503 and the part's name otherwise."""
    findings = ask_all()
    ready = all(finding.ok for finding in findings.values())
    body = {
        "status": "ready" if ready else "not ready",
        "checks": {
            name: {"ok": finding.ok, **({"detail": finding.detail} if finding.detail else {})}
            for name, finding in findings.items()
        },
    }
    return JsonResponse(body, status=200 if ready else 503)


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Counters for Prometheus: to whoever sends the token METRICS_TOKEN, else to this machine alone.

    Behind a proxy every request comes from this machine or network, so set the token there.
    """
    token = settings.METRICS_TOKEN
    if token:
        allowed = constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}")
    else:
        allowed = settings.EMBEDDED and request.META.get("REMOTE_ADDR") in ("127.0.0.1", "::1")
    if not allowed:
        return HttpResponse("This needs METRICS_TOKEN.\n", status=403, content_type="text/plain")
    return HttpResponse(exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")
