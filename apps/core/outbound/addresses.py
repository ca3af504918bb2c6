"""Which addresses may be called: what is public, or what an administrator named."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from django.conf import settings

_PORTS = {"http": 80, "https": 443}
# Ranges of IPv6 whose last 32 bits are an IPv4 address that is reached through them.
_CARRIERS = tuple(map(ipaddress.IPv6Network, ("::ffff:0:0/96", "::/96", "64:ff9b::/96")))
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# What stands in an address as it is; other letters are written as the bytes of their UTF-8.
_ASCII = "".join(map(chr, range(33, 127)))

# What answers a request by sending it elsewhere.
REDIRECTS = (301, 302, 303, 307, 308)


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
    parts = parts_of(url.strip())
    public_addresses(host_of(parts), port_of(parts))
    return parts.geturl()


def elsewhere(parts: SplitResult, target: str) -> Refused:
    """Why what was sent to one address is not sent on to another."""
    there = server_of(joined(parts, target))
    return Refused(f"{server_of(parts)} redirects to {there}; give that address instead.")


def joined(parts: SplitResult, target: str) -> SplitResult:
    """Where `target`, as a server named it, leads from `parts`. Raises Refused."""
    try:
        url = urljoin(parts.geturl(), target)
    except ValueError as error:
        raise Refused(f"{server_of(parts)} redirects to what is not an address.") from error
    return parts_of(url)


def parts_of(url: str) -> SplitResult:
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
    if not parts.netloc.isascii():
        raise Refused("The address names no server.")
    try:
        path, query = quote(parts.path or "/", safe=_ASCII), quote(parts.query, safe=_ASCII)
    except UnicodeError as error:
        raise Refused("This is not an address that can be called.") from error
    return parts._replace(path=path, query=query, fragment="")


def host_of(parts: SplitResult) -> str:
    return (parts.hostname or "").rstrip(".")


def port_of(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def origin_of(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, host_of(parts), port_of(parts)


def server_of(parts: SplitResult) -> str:
    """The server alone: paths and queries may hold secrets."""
    return f"{parts.scheme}://{parts.netloc}"


def public_addresses(host: str, port: int) -> list[str]:
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
