"""The one HTTP client of the product: it reaches what is public, or what an administrator named.

An address is checked where it is saved, and again for every connection and every redirect: the name is
resolved here, each address it resolves to must be public, and the connection goes to one of those very
addresses, so that a name cannot point elsewhere between the check and the call.

`call` asks once; a `Channel` asks one server many times, many at once.
"""

from .addresses import OutboundError, Refused, Reply, check_url
from .calling import MAX_BYTES, MAX_SECONDS, call
from .channel import Channel, TookTooLong

__all__ = [
    "MAX_BYTES",
    "MAX_SECONDS",
    "Channel",
    "OutboundError",
    "Refused",
    "Reply",
    "TookTooLong",
    "call",
    "check_url",
]
