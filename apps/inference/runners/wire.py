"""What a worker and a model's process say to each other: frames of JSON and bytes, never pickles."""

from __future__ import annotations

import json
import struct
from typing import IO, Any

_HEAD = struct.Struct("<II")
_MOST = 1 << 30


def send(stream: IO[bytes], message: dict[str, Any], content: bytes = b"") -> None:
    """Write one frame and flush it."""
    text = json.dumps(message, separators=(",", ":")).encode()
    stream.write(_HEAD.pack(len(text), len(content)) + text + content)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Read one frame; None where the other side has ended.

    Raises:
        ValueError: what comes is no frame.
    """
    head = _exactly(stream, _HEAD.size)
    if head is None:
        return None
    size, more = _HEAD.unpack(head)
    if size > _MOST or more > _MOST:
        raise ValueError("A frame of the model's process is too large.")
    text, content = _exactly(stream, size), _exactly(stream, more)
    if text is None or content is None:
        return None
    message = json.loads(text)
    if not isinstance(message, dict):
        raise ValueError("A frame of the model's process is no object.")
    return message, content


def _exactly(stream: IO[bytes], size: int) -> bytes | None:
    parts = []
    while size:
        part = stream.read(size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
