"""Many calls to one server, many at once, over connections that are kept.

HTTP/1.1 as RFC 9112 has it, from the client's side and no more than is needed: a request with its length,
a reply framed by length, by chunks or by the end of the connection. httpcore spends 0.5 ms of a core on each
call; at 64 in flight that, and not the server, would be the limit (docs/decisions/0014-a-channel.md).
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Mapping
from functools import cache
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpcore2

from .addresses import (
    REDIRECTS,
    OutboundError,
    Reply,
    elsewhere,
    host_of,
    parts_of,
    port_of,
    public_addresses,
    server_of,
)
from .calling import MAX_BYTES, MAX_SECONDS

IDLE_SECONDS = 4.0  # servers close what is idle for 5 s or longer; a call must not meet that moment
_MAX_HEAD = 64 * 1024
_MAX_INTERIM = 5
_FULL = 256 * 1024  # bytes received and not yet looked at; then the server waits

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?\Z")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\Z")
_IN_PATH = "/%:@!$&'()*+,;=~"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class TookTooLong(OutboundError):
    """Nothing whole came in the time that was given."""


class _NotHttp(Exception):
    """What came is no reply in HTTP/1.1."""


class _TooLarge(Exception):
    """A body is, or says that it is, larger than wanted."""


class Channel:
    """Calls below one base address, at most `size` at once; others wait for their turn.

    To be used inside one event loop, as a context manager that closes the connections. The address is
    checked, and the name resolved, anew for every connection; a kept one stays where it was checked.
    """

    def __init__(self, base: str, *, size: int) -> None:
        """Raises Refused where `base` is no address; whether it may be called is seen at each connection."""
        self._base = parts_of(base.strip().rstrip("/"))
        self._server = server_of(self._base)
        self._turns = asyncio.Semaphore(size)
        self._idle: list[_Wire] = []
        self._open: set[_Wire] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for wire in list(self._open):
            wire.drop()

    async def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        max_seconds: float = MAX_SECONDS,
        max_bytes: int = MAX_BYTES,
    ) -> Reply:
        """Send a request to the base address with `path` behind it and read the whole reply.

        Any status is a reply, but no redirect is followed. `max_seconds` counts from this call's turn on.

        Raises:
            Refused: an address that may not be called, or a redirect.
            TookTooLong: `max_seconds` have passed.
            OutboundError: no connection, too large, or not HTTP.
        """
        parts = self._base._replace(path=self._base.path.rstrip("/") + path)
        target = quote(parts.path, safe=_IN_PATH) + (f"?{parts.query}" if parts.query else "")
        request = _request(method, parts.netloc, target, headers or {}, content)
        async with self._turns:
            try:
                async with asyncio.timeout(max_seconds):
                    reply = await self._exchange(method, request, parts.geturl(), max_bytes)
            except TimeoutError as error:
                raise TookTooLong(f"{self._server} took longer than {max_seconds:g} s.") from error
            except ssl.SSLCertVerificationError as error:
                raise OutboundError(f"{self._server} has no valid certificate.") from error
            except (ConnectionResetError, BrokenPipeError) as error:
                raise OutboundError(f"{self._server} broke the connection off.") from error
            except OSError as error:
                raise OutboundError(f"{self._server} could not be reached.") from error
            except _NotHttp as error:
                raise OutboundError(f"{self._server} did not answer in HTTP.") from error
        if reply.status in REDIRECTS and (location := reply.headers.get("location")):
            raise elsewhere(parts, location)
        return reply

    async def _exchange(self, method: str, request: bytes, url: str, max_bytes: int) -> Reply:
        wire = self._kept() or await self._connected()
        try:
            wire.send(request)
            status, headers, body, whole = await _reply(wire, method, max_bytes)
        except _TooLarge:
            wire.drop()
            raise OutboundError(
                f"{self._server} answered with more than {max_bytes:,} bytes."
            ) from None
        except BaseException:
            wire.drop()
            raise
        if whole and wire.quiet:
            wire.idle_since = time.monotonic()
            self._idle.append(wire)
        else:
            wire.drop()
        return Reply(status, headers, body, url)

    def _kept(self) -> _Wire | None:
        while self._idle:
            wire = self._idle.pop()
            if wire.quiet and time.monotonic() - wire.idle_since < IDLE_SECONDS:
                return wire
            wire.drop()
        return None

    async def _connected(self) -> _Wire:
        host, port = host_of(self._base), port_of(self._base)
        secure = _tls() if self._base.scheme == "https" else None
        failed: OSError | None = None
        for address in await asyncio.to_thread(public_addresses, host, port):
            try:
                _, wire = await asyncio.get_running_loop().create_connection(
                    lambda: _Wire(self._open),
                    address,
                    port,
                    ssl=secure,
                    server_hostname=host if secure else None,
                )
            except ssl.SSLError:
                raise
            except OSError as error:
                failed = error
            else:
                return wire
        assert failed is not None  # noqa: S101 - a name that resolves has an address
        raise failed


class _Wire(asyncio.Protocol):
    """A connection: what came in and was not read yet, and who waits for more."""

    def __init__(self, open_ones: set[_Wire]) -> None:
        self.idle_since = 0.0
        self.buffer = bytearray()
        self._open = open_ones
        self._ended = False
        self._broken: Exception | None = None
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    @property
    def quiet(self) -> bool:
        """Whether it is open and nothing has come that nobody asked for."""
        return not self._ended and not self.buffer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP and TLS give this one
        self._transport = transport
        self._open.add(self)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) > _FULL and not self._paused and self._transport:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended, self._broken = True, exc
        self._open.discard(self)
        self._wake()

    def send(self, data: bytes) -> None:
        if self._transport is None or self._ended:
            raise ConnectionResetError
        self._transport.write(data)

    def drop(self) -> None:
        """Close at once, whatever is on its way."""
        self._ended = True
        self._open.discard(self)
        if self._transport is not None:
            self._transport.abort()

    async def more(self) -> bool:
        """Wait until something has come; False where nothing more will."""
        if self._ended:
            if self._broken is not None:
                raise ConnectionResetError from self._broken
            return False
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        return True

    async def line(self, most: int) -> bytes:
        """The bytes up to the next CRLF, without it."""
        start = 0
        while (end := self.buffer.find(b"\r\n", start)) < 0:
            start = max(0, len(self.buffer) - 1)
            if len(self.buffer) > most:
                raise _NotHttp
            if not await self.more():
                raise _NotHttp if self.buffer else ConnectionResetError
        return self.take(end + 2)[:-2]

    async def exactly(self, count: int) -> bytes:
        """So many bytes."""
        if len(self.buffer) >= count:
            return self.take(count)
        parts, missing = [], count
        while missing:
            if not self.buffer and not await self.more():
                raise ConnectionResetError
            parts.append(self.take(min(missing, len(self.buffer))))
            missing -= len(parts[-1])
        return b"".join(parts)

    def take(self, count: int) -> bytes:
        """The first so many bytes of what is here."""
        found = bytes(self.buffer[:count])
        del self.buffer[:count]
        if self._paused and self._transport is not None and len(self.buffer) <= _FULL:
            self._paused = False
            self._transport.resume_reading()
        return found

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _request(
    method: str, host: str, target: str, headers: Mapping[str, str], content: bytes
) -> bytes:
    own = {
        "Host": host,
        # Nothing is unpacked: a small reply could grow to any size.
        "Accept-Encoding": "identity",
        "User-Agent": "Assay",
        **headers,
    }
    if content or method not in ("GET", "HEAD"):
        own["Content-Length"] = str(len(content))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in own.items())]
    if any(map(_CONTROL.search, lines)):
        raise ValueError("A header must not contain line breaks.")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


async def _reply(
    wire: _Wire, method: str, max_bytes: int
) -> tuple[int, dict[str, str], bytes, bool]:
    """Status, headers, body, and whether the connection can carry another request."""
    for _ in range(_MAX_INTERIM):
        minor, status = _status(await wire.line(_MAX_HEAD))
        headers = await _headers(wire)
        if status >= 200:
            break
    else:
        raise _NotHttp
    stays = minor == b"1" and "close" not in headers.get("connection", "").lower()
    if method == "HEAD" or status in (204, 304):
        return status, headers, b"", stays
    if coding := headers.get("transfer-encoding"):
        if coding.strip().lower() != "chunked" or "content-length" in headers:
            raise _NotHttp
        return status, headers, await _chunks(wire, max_bytes), stays
    if (length := headers.get("content-length")) is not None:
        if not re.fullmatch(r"\d{1,18}", length):
            raise _NotHttp
        if int(length) > max_bytes:
            raise _TooLarge
        return status, headers, await wire.exactly(int(length)), stays
    return status, headers, await _until_the_end(wire, max_bytes), False


def _status(line: bytes) -> tuple[bytes, int]:
    match = _STATUS.match(line)
    if match is None:
        raise _NotHttp
    return match[1], int(match[2])


async def _headers(wire: _Wire) -> dict[str, str]:
    found: dict[str, str] = {}
    left = _MAX_HEAD
    while line := await wire.line(left):
        left -= len(line) + 2
        name, colon, value = line.partition(b":")
        if left < 0 or not colon or not _NAME.match(name):
            raise _NotHttp
        key, text = name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")
        if key == "content-length" and found.get(key, text) != text:
            raise _NotHttp  # two lengths: where the reply ends would be a matter of opinion
        found[key] = text
    return found


async def _chunks(wire: _Wire, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    total = 0
    while True:
        match = _CHUNK.match(await wire.line(_MAX_HEAD))
        if match is None:
            raise _NotHttp
        size = int(match[1], 16)
        if size == 0:
            await _headers(wire)  # trailers say nothing that is asked for
            return b"".join(parts)
        total += size
        if total > max_bytes:
            raise _TooLarge
        parts.append(await wire.exactly(size))
        if await wire.exactly(2) != b"\r\n":
            raise _NotHttp


async def _until_the_end(wire: _Wire, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    total = 0
    while wire.buffer or await wire.more():
        total += len(wire.buffer)
        if total > max_bytes:
            raise _TooLarge
        parts.append(wire.take(len(wire.buffer)))
    return b"".join(parts)


@cache
def _tls() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()
