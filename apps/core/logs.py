"""What must never stand in a log: the secrets of addresses."""

import re
from typing import Any

_SECRET = re.compile(r"(/(?:s|signin|invitations|accounts/password/reset/key)/)[^/\s\"'?]+")


def hide_secrets(_logger: Any, _method: str, rendered: str) -> str:
    """The rendered log line without the secret parts of share, invitation and sign-in addresses."""
    return _SECRET.sub(r"\1…", rendered)
