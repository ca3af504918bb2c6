"""The OpenAI protocol's chat completions: what is sent, and what any reply comes to. No network, no waiting.

Source: the field names and statuses of OpenAI's public API reference, and what servers that claim to be
compatible (vLLM, transformers serve, llama.cpp, gateways) really send.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from apps.core.outbound import Reply

PATH = "/chat/completions"
MAX_REPLY_BYTES = 4 * 2**20
MAX_WAIT_SECONDS = 120.0
"""A server that asks for a longer pause is not waited for."""

_AGAIN = {408, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}
_SAID = 200  # characters of an endpoint's own words that are repeated
_MOST_TOKENS = 2**31 - 1


@dataclass(frozen=True)
class Said:
    """An answer. Tokens are None where the endpoint does not count them; `model`: as it calls itself."""

    text: str
    input_tokens: int | None
    output_tokens: int | None
    model: str
    cut: bool
    """Whether the limit of tokens ended it."""


@dataclass(frozen=True)
class Fault:
    """Why there is no answer, in one sentence.

    `again`: another try may bring one, after `wait` seconds where the endpoint names them; `final`: no
    question will be answered, however often it is put. Tokens where they were used all the same.
    """

    sentence: str
    again: bool = False
    wait: float | None = None
    final: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None


def chat(model: str, prompt: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request. `settings`: as `clean_settings` makes them."""
    messages = [{"role": "user", "content": prompt}]
    if instructions := settings.get("instructions"):
        messages.insert(0, {"role": "system", "content": instructions})
    body: dict[str, Any] = {"model": model, "messages": messages}
    for name in ("temperature", "top_p", "seed"):
        if settings.get(name) is not None:
            body[name] = settings[name]
    if (limit := settings.get("max_new_tokens")) is not None:
        body[settings.get("limit_name") or "max_tokens"] = limit
    return body


def encoded(body: Mapping[str, Any]) -> bytes:
    """As JSON in UTF-8; what is no Unicode is replaced."""
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def read(reply: Reply) -> Said | Fault:
    """What a reply comes to."""
    found = _object(reply.body)
    if reply.status != 200:
        return _refusal(reply, found)
    if found is None:
        return Fault(f"The endpoint answered {_form(reply.body)} instead of a chat completion.")
    usage = found.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    tokens = _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))
    choices = found.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        told = _told(found)
        return Fault(
            f"The endpoint answered with an error: {told}"
            if told
            else "The endpoint's reply holds no answer.",
            input_tokens=tokens[0],
            output_tokens=tokens[1],
        )
    message = first.get("message")
    text = _text(message.get("content")) if isinstance(message, dict) else None
    if text is None:
        return Fault("The endpoint's answer has no text.", False, None, False, *tokens)
    model = found.get("model")
    named = model if isinstance(model, str) else ""
    return Said(
        _storable(text), *tokens, _storable(named[:200]), first.get("finish_reason") == "length"
    )


def _refusal(reply: Reply, found: dict[str, Any] | None) -> Fault:
    status, told = reply.status, _told(found)
    because = f": {told}" if told else "."
    if status == 401:
        return Fault(f"The endpoint does not accept the key (401){because}", final=True)
    if status == 402 or (status == 429 and _code(found) == "insufficient_quota"):
        return Fault(
            f"The account at the endpoint has no credit left ({status}){because}", final=True
        )
    if status not in _AGAIN:
        return Fault(f"The endpoint answered {status}{because}")
    wait = _retry_after(reply.headers.get("retry-after", ""))
    if wait is not None and wait > MAX_WAIT_SECONDS:
        return Fault(f"The endpoint answered {status} and asks for a pause of {wait:,.0f} s.")
    what = (
        "The endpoint is asked too much" if status == 429 else "The endpoint has a fault of its own"
    )
    return Fault(f"{what} ({status}){because}", again=True, wait=wait)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _form(body: bytes) -> str:
    start = body[:500].lstrip().lower()
    if not start:
        return "nothing"
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<body")):
        return "a web page"
    if start.startswith(b"data:"):
        return "a stream"
    return "broken JSON" if start.startswith((b"{", b"[")) else "something that is not JSON"


def _told(found: dict[str, Any] | None) -> str:
    """The endpoint's own words about an error, in one line, ending as a sentence; empty without any."""
    error = (found or {}).get("error", (found or {}).get("detail"))
    words = error.get("message") if isinstance(error, dict) else error
    if not isinstance(words, str) or not words.strip():
        return ""
    line = " ".join("".join(c if c.isprintable() else " " for c in _storable(words)).split())
    return f"“{line[:_SAID].rstrip('.')}{'…' if len(line) > _SAID else ''}”."


def _code(found: dict[str, Any] | None) -> str:
    error = (found or {}).get("error")
    return str(error.get("code") or error.get("type")) if isinstance(error, dict) else ""


def _text(content: Any) -> str | None:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        texts = [part for part in parts if isinstance(part, str)]
        return "".join(texts) if texts else None
    return None


def _count(value: Any) -> int | None:
    """A number of tokens; None where there is none, or it cannot be one."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= _MOST_TOKENS else None


def _storable(text: str) -> str:
    """`text` as a database takes it."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _retry_after(value: str) -> float | None:
    """Seconds, from a number of them or a date; None where it says neither."""
    text = value.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text[:12])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
