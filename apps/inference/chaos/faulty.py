"""An OpenAI-compatible server on loopback that hangs, lies and floods, and remembers what it was asked.

What it does with a question follows from the seed, the model, the prompt and how often it was asked: the same
in every trial, and right in the end. It lives in a thread of the process that started it, and ends with that.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from random import Random
from typing import Any

SECONDS = 0.05  # an answer takes
SHARE = 0.25  # of the questions that meet with a fault
TOKENS_OUT = 3
STRANGER = "somebody-else"
_HANGS = 30.0
_PART = b"x" * 65_536
_MUCH = 256  # parts: 16 MiB, four times what is read of a reply
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_KEY = re.compile(rb"idempotency-key: *(\S+)", re.IGNORECASE)

# What goes out for a question (the body it was asked with); whatever it leaves open is closed after it.
Fault = Callable[[asyncio.StreamWriter, dict[str, Any]], Awaitable[None]]


def answer_to(prompt: str) -> str:
    """The right answer, by which any other is told."""
    return f"Answer {sha256(prompt.encode()).hexdigest()[:8]}"


def prompt_of(body: dict[str, Any]) -> str:
    """The user's words."""
    return str(body["messages"][-1]["content"])


def completion(body: dict[str, Any], **instead: Any) -> dict[str, Any]:
    """The right reply; `instead` replaces parts of it."""
    prompt = prompt_of(body)
    message = {"role": "assistant", "content": answer_to(prompt)}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": len(prompt),
            "completion_tokens": TOKENS_OUT,
            "total_tokens": len(prompt) + TOKENS_OUT,
        },
        **instead,
    }


def framed(
    content: bytes, status: str = "200 OK", *, length: int | None = None, more: str = ""
) -> bytes:
    """A reply in HTTP; `length`: the one that it claims to have."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(content) if length is None else length}\r\n{more}\r\n"
    return head.encode() + content


def _json(body: dict[str, Any]) -> bytes:
    return framed(json.dumps(body).encode())


async def _says_nothing(out: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    await asyncio.sleep(_HANGS)


async def _stops_in_the_middle(out: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    whole = _json(completion(body))
    out.write(whole[: len(whole) // 2])
    await asyncio.sleep(_HANGS)


async def _drips(out: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    for place in range(200):
        out.write(_json(completion(body))[place : place + 1])
        await asyncio.sleep(_HANGS / 200)


async def _breaks_json(out: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    out.write(framed(json.dumps(completion(body)).encode()[:-40]))


async def _sends_a_page(out: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    out.write(framed(b"<!DOCTYPE html><html><body>Sign in</body></html>"))


async def _cuts_the_body(out: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    whole = json.dumps(completion(body)).encode()
    out.write(framed(whole[:-40], length=len(whole)))
    out.close()


async def _hides_an_error(out: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    out.write(_json({"error": {"message": "The model is gone."}}))


async def _answers_nothing(out: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    out.write(_json(completion(body, choices=[], usage=None)))


async def _counts_wrongly(out: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    out.write(_json(completion(body, usage={"prompt_tokens": -5, "completion_tokens": "many"})))


async def _is_another_model(out: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    out.write(_json(completion(body, model=STRANGER)))


async def _never_ends(out: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    out.write(b"HTTP/1.1 200 OK\r\n\r\n")
    await _pour(out)


async def _claims_two_gigabytes(out: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    out.write(framed(b"", length=2**31))
    await _pour(out)


async def _has_endless_headers(out: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    out.write(b"HTTP/1.1 200 OK\r\nX-Much: ")
    await _pour(out)


async def _pour(out: asyncio.StreamWriter) -> None:
    for _ in range(_MUCH):
        out.write(_PART)
        await out.drain()
    out.close()


async def _is_asked_too_much(out: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    out.write(framed(b"slow down", "429 Too Many Requests", more="Retry-After: 0.2\r\n"))


HANGS: tuple[Fault, ...] = (_says_nothing, _stops_in_the_middle, _drips)
LIES: tuple[Fault, ...] = (
    _breaks_json, _sends_a_page, _cuts_the_body, _hides_an_error, _answers_nothing, _counts_wrongly,
    _is_another_model,
)  # fmt: skip
FLOODS: tuple[Fault, ...] = (
    _never_ends, _claims_two_gigabytes, _has_endless_headers, _is_asked_too_much,
)  # fmt: skip
_ANSWERING = (
    _counts_wrongly,
    _is_another_model,
)  # the words are right, what stands beside them is not


class Faulty:
    """The server. `asked`: how often each (model, prompt) was; `keys`: those that it came with.

    `without_tokens`, `by_stranger`: questions that were answered with a wrong count, or in another name.
    `moments`: when it was asked; `most_open`: the most questions that it had before it at once.
    """

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self.keys: defaultdict[tuple[str, str], set[bytes]] = defaultdict(set)
        self.met: Counter[str] = Counter()
        self.without_tokens: set[tuple[str, str]] = set()
        self.by_stranger: set[tuple[str, str]] = set()
        self.moments: list[float] = []
        self.open = self.most_open = 0
        self._faults, self._seed = tuple(faults), seed
        self._port: int = 0
        self._started = threading.Event()

    def start(self) -> str:
        """Listen; the base address."""
        threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="faulty", daemon=True
        ).start()
        self._started.wait()
        return f"http://127.0.0.1:{self._port}/v1"

    def busiest(self, seconds: float) -> int:
        """The most questions in any such time."""
        first = most = 0
        for last, moment in enumerate(self.moments):
            while self.moments[first] < moment - seconds:
                first += 1
            most = max(most, last - first + 1)
        return most

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._started.set()
        await server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        """Requests, one after the other; whoever hangs up is not answered and does not count any more."""
        following = asyncio.ensure_future(reader.read(1))
        with suppress(asyncio.IncompleteReadError, OSError):
            while not out.is_closing() and (first := await following):
                head = first + await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = json.loads(await reader.readexactly(int(length[1]) if length else 0))
                following = asyncio.ensure_future(reader.read(1))
                answering = asyncio.ensure_future(self._answer(head, body, out))
                self.moments.append(time.monotonic())
                self.open += 1
                self.most_open = max(self.most_open, self.open)
                await asyncio.wait({answering, following}, return_when=asyncio.FIRST_COMPLETED)
                self.open -= 1
                if not answering.done():
                    answering.cancel()
                    break
                answering.result()
        await asyncio.gather(following, return_exceptions=True)
        out.close()

    async def _answer(self, head: bytes, body: dict[str, Any], out: asyncio.StreamWriter) -> None:
        question = str(body["model"]), prompt_of(body)
        self.asked[question] += 1
        if key := _KEY.search(head):
            self.keys[question].add(key[1])
        fault = self._fault(question)
        if fault is None or fault in _ANSWERING:
            await asyncio.sleep(SECONDS)
        if fault is None:
            out.write(_json(completion(body)))
        else:
            self.met[fault.__name__.strip("_").replace("_", " ")] += 1
            if fault is _counts_wrongly:
                self.without_tokens.add(question)
            if fault is _is_another_model:
                self.by_stranger.add(question)
            await fault(out, body)
        if not out.is_closing():
            await out.drain()

    def _fault(self, question: tuple[str, str]) -> Fault | None:
        rng = Random(f"{self._seed} {question} {self.asked[question]}")
        if not self._faults or rng.random() >= SHARE:
            return None
        return rng.choice(self._faults)
