"""How many requests a token, or a person without one, may make of the API in a minute."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

_MINUTE = 60


@dataclass(frozen=True)
class Allowance:
    """What is left: `remaining` of `limit` for the next `seconds`."""

    limit: int
    remaining: int
    seconds: int

    def headers(self) -> dict[str, str]:
        """For the answer."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.seconds),
        }


class PerMinute(BaseThrottle):
    """Counts in windows of a minute; `API_REQUESTS_PER_MINUTE` of 0 counts nothing.

    With the cache in the process, which is the default, each process counts for itself.
    """

    def __init__(self) -> None:
        self.seconds = 0

    def allow_request(self, request: Request, view: Any) -> bool:
        limit: int = settings.API_REQUESTS_PER_MINUTE
        if not limit or not request.user or not request.user.is_authenticated:
            return True
        window, passed = divmod(int(time.time()), _MINUTE)
        who = f"token:{request.auth.pk}" if request.auth else f"user:{request.user.pk}"
        key = f"requests:{who}:{window}"
        cache.add(key, 0, 2 * _MINUTE)
        try:
            count = cache.incr(key)
        except ValueError:  # the cache let go of it in between
            count = 1
        self.seconds = _MINUTE - passed
        left = Allowance(limit, max(0, limit - count), self.seconds)
        request._request.allowance = left  # type: ignore[attr-defined]
        return count <= limit

    def wait(self) -> float:
        return float(self.seconds)
