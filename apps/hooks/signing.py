"""How a message is signed, so that its receiver knows that it is ours and new.

`Assay-Signature: t=<seconds since 1970>,v1=<hex>`, where the hex is HMAC-SHA256 over `<t>.<body>` with
the webhook's secret. A receiver computes the same and refuses a `t` that is more than five minutes old.
"""

from __future__ import annotations

import hashlib
import hmac


def signature(secret: str, body: bytes, at: int) -> str:
    """The value of the header."""
    said = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={said.hexdigest()}"
