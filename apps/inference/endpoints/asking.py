"""Asks one endpoint: so many at once, so many a minute, again where that may help, and never for ever.

How much may go out now, a `Permit` says: others may be asking the same endpoint.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from apps.core.outbound import Channel, OutboundError, Refused, Reply, TookTooLong
from apps.inference.endpoints import protocol
from apps.inference.endpoints.permit import Permit
from apps.inference.endpoints.protocol import Fault, Said

ATTEMPTS = 5
SLOW_ATTEMPTS = 2  # a question that was not answered in time may have been paid
MAX_BACKOFF_SECONDS = 30.0
HIDDEN = b"[the key]"
SECRET_LENGTH = 12  # shorter ones are words such as `none`, which answers may hold


@dataclass(frozen=True)
class Access:
    """How an endpoint is reached, with its key in plain: lives as long as a run and is never stored."""

    base_url: str
    key: str
    concurrency: int = 8
    timeout_seconds: float = 60.0

    def __repr__(self) -> str:
        return f"Access({self.base_url!r})"


@dataclass(frozen=True)
class Got:
    """What a question came to: an answer or a fault, and the milliseconds of the call that brought it."""

    outcome: Said | Fault
    latency_ms: float | None = None


class Asker:
    """Puts questions to an endpoint inside one event loop, as `permit` lets them go out."""

    def __init__(
        self,
        access: Access,
        permit: Permit,
        *,
        attempts: int = ATTEMPTS,
        backoff_seconds: float = 1.0,
    ) -> None:
        self._access, self._permit = access, permit
        self._attempts, self._backoff = attempts, backoff_seconds
        self._channel = Channel(access.base_url, size=access.concurrency)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if access.key:
            self._headers["Authorization"] = f"Bearer {access.key}"
        # No request goes out before this moment: the endpoint asked for a pause.
        self._next = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._channel.__aexit__(kind, error, trace)

    async def ask(self, body: Mapping[str, Any], *, idempotency_key: str = "") -> Got:
        """Put one question, up to `attempts` times. Whatever happens, it comes to a `Got`."""
        content = protocol.encoded(body)
        headers = self._headers
        if idempotency_key:
            headers = {**headers, "Idempotency-Key": idempotency_key}
        attempt = 0
        while True:
            attempt += 1
            await self._place()
            try:
                got, most = await self._once(content, headers)
            finally:
                self._permit.give()
            fault = got.outcome
            if isinstance(fault, Said) or not fault.again or attempt >= most:
                return got
            wait = fault.wait
            if wait is None:
                wait = self._backoff * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)
                await asyncio.sleep(min(wait, MAX_BACKOFF_SECONDS))
            else:
                self._pause(wait)

    async def _once(self, content: bytes, headers: Mapping[str, str]) -> tuple[Got, int]:
        """One call, and how many such calls a question is worth."""
        started = time.perf_counter()
        try:
            reply = await self._channel.call(
                "POST",
                protocol.PATH,
                headers=headers,
                content=content,
                max_seconds=self._access.timeout_seconds,
                max_bytes=protocol.MAX_REPLY_BYTES,
            )
        except Refused as refusal:
            return Got(Fault(str(refusal))), 1
        except TookTooLong as error:
            return Got(Fault(str(error), again=True)), min(SLOW_ATTEMPTS, self._attempts)
        except OutboundError as error:
            return Got(Fault(str(error), again=True)), self._attempts
        took = (time.perf_counter() - started) * 1000
        return Got(protocol.read(without_key(reply, self._access.key)), took), self._attempts

    async def _place(self) -> None:
        """Wait until a request may go out."""
        while True:
            await self._permit.take()
            pause = self._next - time.monotonic()
            if pause <= 0:
                return
            self._permit.give()
            await asyncio.sleep(pause)

    def _pause(self, seconds: float) -> None:
        """Nothing goes out for so long; a little more, so that not all begin at once."""
        until = time.monotonic() + seconds * random.uniform(1.0, 1.1)
        self._next = max(self._next, until)


def without_key(reply: Reply, key: str) -> Reply:
    """An endpoint that repeats its key does not make it public."""
    secret = key.encode()
    if len(secret) < SECRET_LENGTH or secret not in reply.body:
        return reply
    return replace(reply, body=reply.body.replace(secret, HIDDEN))
