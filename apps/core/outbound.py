"""The one HTTP client of the product: it reaches what is public, or what an administrator named.

An address is checked where it is saved, and again for every connection and every redirect: the name is
resolved here, each address it resolves to must be public, and the connection goes to one of those very
addresses, so that a name cannot point elsewhere between the check and the call.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import httpcore2
from django.conf import settings

MAX_BYTES = 16 * 2**20
MAX_SECONDS = 60.0
MAX_REDIRECTS = 3

_PORTS = {"http": 80, "https": 443}
# Ranges of IPv6 whose last 32 bits are an IPv4 address that is reached through them.
_CARRIERS = tuple(map(ipaddress.IPv6Network, ("::ffff:0:0/96", "::/96", "64:ff9b::/96")))
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class OutboundError(Exception):
    """A call that was refused or failed; the message is one sentence for the user, without secrets."""


class Refused(OutboundError):
    """The address may not be called: another try would be refused as well."""


@dataclass(frozen=True)
class Reply:
    """What came back. `headers` by lower-case name, the last of a kind; `url`: after redirects."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


def check_url(url: str) -> str:
    """The address as it may be called now, without white space around it.

    Raises:
        Refused: not http or https, credentials in it, no host, a host that is unknown or not public.
    """
    parts = _parts(url.strip())
    _public_addresses(_host(parts), _port(parts))
    return parts.geturl()


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
    parts = _parts(url.strip())
    origin = _origin(parts)
    with httpcore2.ConnectionPool(network_backend=_Guarded(deadline), retries=0) as pool:
        for _ in range(MAX_REDIRECTS + 1):
            own = sent if _origin(parts) == origin else {}
            reply = _send(pool, method, parts, own, content, deadline, max_bytes)
            target = reply.headers.get("location")
            if reply.status not in (301, 302, 303, 307, 308) or not target:
                return reply
            following = _parts(urljoin(parts.geturl(), target))
            if method not in ("GET", "HEAD"):
                raise Refused(
                    f"{_named(parts)} redirects to {_named(following)}; give that address instead."
                )
            if parts.scheme == "https" and following.scheme == "http":
                raise Refused(f"{_named(parts)} redirects to an address that is not encrypted.")
            parts = following
    raise OutboundError(f"{_named(parts)} redirects more than {MAX_REDIRECTS} times.")


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
                        f"{_named(parts)} answered with more than {max_bytes:,} bytes."
                    )
            found = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in response.headers
            }
            return Reply(response.status, found, bytes(body), parts.geturl())
    except httpcore2.TimeoutException as error:
        raise OutboundError(f"{_named(parts)} took too long.") from error
    except (httpcore2.NetworkError, OSError) as error:
        if time.monotonic() >= deadline:
            raise OutboundError(f"{_named(parts)} took too long.") from error
        raise OutboundError(f"{_named(parts)} could not be reached.") from error
    except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol, ValueError) as error:
        raise OutboundError(f"{_named(parts)} did not answer in HTTP.") from error


def _parts(url: str) -> SplitResult:
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in url):
        raise Refused("An address must not contain spaces or line breaks.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refused("This is not an address that can be called.") from error
    if parts.scheme not in _PORTS:
        raise Refused("The address must begin with http:// or https://.")
    if "@" in parts.netloc:
        raise Refused("The address must not contain a user or password; enter the key by itself.")
    if not parts.hostname or port == 0:
        raise Refused("The address names no server.")
    try:
        host = parts.hostname.encode("idna").decode("ascii") if ":" not in parts.hostname else ""
    except UnicodeError as error:
        raise Refused("The address names no server.") from error
    if host and host != parts.hostname:
        parts = parts._replace(netloc=host if port is None else f"{host}:{port}")
    return parts._replace(path=parts.path or "/", fragment="")


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").rstrip(".")


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, _host(parts), _port(parts)


def _named(parts: SplitResult) -> str:
    """The server alone: paths and queries may hold secrets."""
    return f"{parts.scheme}://{parts.netloc}"


def _public_addresses(host: str, port: int) -> list[str]:
    """Where a connection to `host` may go."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Refused(f"There is no server called {host}.") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    named = {host.lower(), f"{host.lower()}:{port}"}
    if named & set(settings.OUTBOUND_ALLOWED_HOSTS):
        return addresses
    if not all(map(_is_public, addresses)):
        raise Refused(
            f"{host} is not a public address. An administrator can allow it by name, in "
            "OUTBOUND_ALLOWED_HOSTS."
        )
    return addresses


def _is_public(text: str) -> bool:
    address: _Address = ipaddress.ip_address(text.split("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address in _SIX_TO_FOUR or address.teredo is not None:
            return False
        if any(address in network for network in _CARRIERS):
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


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
        for address in _public_addresses(host.strip("[]").rstrip("."), port):
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
