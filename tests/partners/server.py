"""A server on loopback that speaks HTTP, or does whatever a test has it do."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request as it came. `connection`: counted from 0."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def prompt(self) -> str:
        """The last message of a chat."""
        return str(self.json["messages"][-1]["content"])


Answering = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """What was asked so far, and how many requests were open at once."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    most_open: int = 0

    @property
    def prompts(self) -> list[str]:
        return [one.prompt for one in self.asked]


def reply(body: bytes | str | dict[str, Any], status: str = "200 OK", **headers: object) -> bytes:
    """A whole reply; a dict goes out as JSON."""
    data = json.dumps(body) if isinstance(body, dict) else body
    raw = data.encode() if isinstance(data, str) else data
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(raw)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + raw


def chat(text: str, usage: tuple[int, int] | None = (7, 3), **more: Any) -> dict[str, Any]:
    """A chat completion."""
    found: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "tiny",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
        ],
    }
    if usage is not None:
        found["usage"] = {
            "prompt_tokens": usage[0],
            "completion_tokens": usage[1],
            "total_tokens": sum(usage),
        }
    return found | more


def always(raw: bytes) -> Answering:
    """Answers everything with the same bytes."""

    async def answer(asked: Asked, out: asyncio.StreamWriter) -> None:
        out.write(raw)

    return answer


@contextmanager
def serving(answer: Answering) -> Iterator[Server]:
    """A server in a thread of its own. `answer` writes; a connection is kept until either side ends it."""
    server = Server()
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, server.connections = server.connections, server.connections + 1
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                asked = await _request(reader, number)
                server.asked.append(asked)
                server.open_now += 1
                server.most_open = max(server.most_open, server.open_now)
                try:
                    await answer(asked, writer)
                    await writer.drain()
                finally:
                    server.open_now -= 1
                if writer.is_closing():
                    break
        writer.close()

    async def main() -> None:
        listener = await asyncio.start_server(connected, "127.0.0.1", 0)
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(main())
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


async def _request(reader: asyncio.StreamReader, connection: int) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, headers, body, connection)
