"""One call to any address, redirects included."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult

import httpcore2

from .addresses import (
    REDIRECTS,
    OutboundError,
    Refused,
    Reply,
    elsewhere,
    joined,
    origin_of,
    parts_of,
    public_addresses,
    server_of,
)

MAX_BYTES = 16 * 2**20
MAX_SECONDS = 60.0
MAX_REDIRECTS = 3


def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    max_seconds: float = MAX_SECONDS,
    max_bytes: int = MAX_BYTES,
) -> Reply:
    """Send a request and read the whole reply, whatever its status.

    GET and HEAD follow up to 3 redirects; `headers` go to the first address's origin alone. Anything
    else that is redirected is refused: what was sent was not meant for another address.

    Args:
        max_seconds: for all of it, redirects included.
        max_bytes: of the reply's body, as it comes over the wire.

    Raises:
        Refused: an address that may not be called.
        OutboundError: no connection, too slow, too large, or not HTTP.
    """
    deadline = time.monotonic() + max_seconds
    sent = dict(headers or {})
    parts = parts_of(url.strip())
    origin = origin_of(parts)
    # No connection is used twice: a server may close it between a redirect and the next request.
    with httpcore2.ConnectionPool(
        network_backend=_Guarded(deadline), retries=0, max_keepalive_connections=0
    ) as pool:
        for _ in range(MAX_REDIRECTS + 1):
            own = sent if origin_of(parts) == origin else {}
            reply = _send(pool, method, parts, own, content, deadline, max_bytes)
            target = reply.headers.get("location")
            if reply.status not in REDIRECTS or not target:
                return reply
            if method not in ("GET", "HEAD"):
                raise elsewhere(parts, target)
            following = joined(parts, target)
            if parts.scheme == "https" and following.scheme == "http":
                raise Refused(f"{server_of(parts)} redirects to an address that is not encrypted.")
            parts = following
    raise OutboundError(f"{server_of(parts)} redirects more than {MAX_REDIRECTS} times.")


def _send(
    pool: httpcore2.ConnectionPool,
    method: str,
    parts: SplitResult,
    headers: Mapping[str, str],
    content: bytes | None,
    deadline: float,
    max_bytes: int,
) -> Reply:
    # Nothing is unpacked: a small reply could grow to any size.
    own: dict[bytes | str, bytes | str] = {
        "Host": parts.netloc,
        "Accept-Encoding": "identity",
        "User-Agent": "Assay",
    }
    own.update(headers.items())
    if content is not None:
        own["Content-Length"] = str(len(content))
    try:
        with pool.stream(method, parts.geturl(), headers=own, content=content) as response:
            body = bytearray()
            for chunk in response.iter_stream():
                body += chunk
                if len(body) > max_bytes:
                    raise OutboundError(
                        f"{server_of(parts)} answered with more than {max_bytes:,} bytes."
                    )
            found = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in response.headers
            }
            return Reply(response.status, found, bytes(body), parts.geturl())
    except httpcore2.TimeoutException as error:
        raise OutboundError(f"{server_of(parts)} took too long.") from error
    except (httpcore2.NetworkError, OSError) as error:
        if time.monotonic() >= deadline:
            raise OutboundError(f"{server_of(parts)} took too long.") from error
        raise OutboundError(f"{server_of(parts)} could not be reached.") from error
    except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol, ValueError) as error:
        raise OutboundError(f"{server_of(parts)} did not answer in HTTP.") from error


class _Guarded(httpcore2.NetworkBackend):
    """Connects to checked addresses only, and waits for nothing beyond the deadline."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        failed: Exception | None = None
        for address in public_addresses(host.strip("[]").rstrip("."), port):
            try:
                stream = self._plain.connect_tcp(
                    address, port, _left(self._deadline), local_address, socket_options
                )
                return _Timed(stream, self._deadline)
            except httpcore2.ConnectError as error:
                failed = error
        assert failed is not None  # noqa: S101 - a name that resolves has an address
        raise failed


class _Timed(httpcore2.NetworkStream):
    """A connection whose every wait ends at the deadline, however slowly bytes come."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _Timed(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout
    return left
