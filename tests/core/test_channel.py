"""Many calls to one server: over few connections, never longer, larger or elsewhere than allowed."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from apps.core.outbound import Channel, OutboundError, Refused, Reply, TookTooLong
from tests.partners.server import Answering, Asked, always, reply, serving

T = TypeVar("T")


@pytest.fixture(autouse=True)
def _allowed(settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]


def within(url: str, do: Callable[[Channel], Awaitable[T]], size: int = 4) -> T:
    async def inside() -> T:
        async with Channel(url, size=size) as channel:
            return await do(channel)

    return asyncio.run(inside())


def once(url: str, **options: Any) -> Reply:
    return within(url, lambda channel: channel.call("POST", "/chat", **options))


def many(url: str, count: int, size: int) -> list[Reply]:
    async def all_of(channel: Channel) -> list[Reply]:
        calls = [channel.call("POST", "/chat", content=b"%d" % n) for n in range(count)]
        return list(await asyncio.gather(*calls))

    return within(url, all_of, size)


def test_what_is_asked_arrives_whole_and_each_call_gets_its_own_answer() -> None:
    async def echo(asked: Asked, out: asyncio.StreamWriter) -> None:
        out.write(reply(asked.body, Retry_After=7))

    with serving(echo) as server:
        found = once(f"{server.url}/v1/?kind=a", content=b"x" * 900_000, headers={"X-Key": "k"})
        answers = many(server.url, 200, size=3)
    assert (found.status, found.body) == (200, b"x" * 900_000)
    assert found.headers["retry-after"] == "7"
    assert (server.asked[0].path, server.asked[0].headers["x-key"]) == ("/v1/chat?kind=a", "k")
    assert [one.body for one in answers] == [b"%d" % n for n in range(200)]


def test_connections_are_kept_and_never_more_than_allowed() -> None:
    async def slow(asked: Asked, out: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.01)
        out.write(reply(b"ok"))

    with serving(slow) as server:
        many(server.url, 60, size=5)
    assert (server.connections, server.most_open) == (5, 5)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + reply(b"abcde"),
    ],
    ids=["in chunks", "after a hint"],
)
def test_replies_of_other_forms_are_read(raw: bytes) -> None:
    with serving(always(raw)) as server:
        answers = many(server.url, 6, size=1)
    assert {one.body for one in answers} == {b"abcde"}
    assert server.connections == 1


def test_a_reply_may_end_with_its_connection() -> None:
    async def close(asked: Asked, out: asyncio.StreamWriter) -> None:
        out.write(b"HTTP/1.1 200 OK\r\n\r\nabc")
        out.close()

    with serving(close) as server:
        assert [one.body for one in many(server.url, 3, size=1)] == [b"abc"] * 3
    assert server.connections == 3


def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one() -> None:
    with serving(always(reply(b"right") + reply(b"poison"))) as server:
        answers = many(server.url, 3, size=1)
    assert [one.body for one in answers] == [b"right"] * 3
    assert server.connections == 3


async def hang(asked: Asked, out: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def drip(asked: Asked, out: asyncio.StreamWriter) -> None:
    out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        out.write(b"x")
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("answer", [hang, drip])
def test_a_server_that_never_finishes_is_left(answer: Answering) -> None:
    with serving(answer) as server, pytest.raises(TookTooLong, match=r"longer than 0\.3 s"):
        once(server.url, max_seconds=0.3)


async def flood(asked: Asked, out: asyncio.StreamWriter) -> None:
    out.write(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(400):
        out.write(b"x" * 65536)
        await out.drain()


LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n" + b"x" * 70_000
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n" + b"x" * 70_000


@pytest.mark.parametrize("answer", [flood, always(LARGE), always(CHUNKS)])
def test_an_answer_without_end_is_cut_off(answer: Answering) -> None:
    with (
        serving(answer) as server,
        pytest.raises(OutboundError, match="more than 1,000,000 bytes"),
    ):
        once(server.url, max_bytes=1_000_000)


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 9,
    ],
)
def test_what_is_not_http_is_said(raw: bytes) -> None:
    with serving(always(raw)) as server, pytest.raises(OutboundError, match="answer in HTTP"):
        once(f"{server.url}/?key=secret")


def test_a_connection_that_breaks_is_said() -> None:
    async def cut(asked: Asked, out: asyncio.StreamWriter) -> None:
        out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
        out.close()

    async def shut(asked: Asked, out: asyncio.StreamWriter) -> None:
        out.close()

    for answer in (cut, shut):
        with serving(answer) as server, pytest.raises(OutboundError, match="broke the connection"):
            once(server.url)
    with pytest.raises(OutboundError, match="could not be reached"):
        once(server.url)


def test_a_connection_that_was_closed_meanwhile_is_not_used_again() -> None:
    async def last(asked: Asked, out: asyncio.StreamWriter) -> None:
        out.write(reply(b"ok"))
        asyncio.get_running_loop().call_later(0.05, out.close)

    async def two(channel: Channel) -> None:
        await channel.call("POST", "/")
        await asyncio.sleep(0.3)
        assert (await channel.call("POST", "/")).body == b"ok"

    with serving(last) as server:
        within(server.url, two)
    assert server.connections == 2


def test_what_was_sent_is_not_sent_on_to_another_address() -> None:
    with serving(always(reply(b"other"))) as other:
        away = reply(b"", "307 Temporary Redirect", Location=f"{other.url}/x")
        with serving(always(away)) as server, pytest.raises(Refused, match="give that address"):
            once(server.url, content=b"secret")
    assert not other.asked


def test_each_connection_is_checked_where_it_goes(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = []
    with serving(always(reply(b"ok"))) as server:
        for url in (server.url, server.url.replace("127.0.0.1", "localhost"), "http://[::1]:9/"):
            with pytest.raises(Refused, match="is not a public address"):
                once(url)
        port = int(server.url.rsplit(":", 1)[1])

        def rebound(host: str, port: int, **_: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", rebound)
        with pytest.raises(Refused, match="is not a public address"):
            once(f"http://rebinding.example:{port}/")
    assert not server.asked


def test_a_header_cannot_smuggle_another() -> None:
    with serving(always(reply(b"ok"))) as server, pytest.raises(ValueError, match="line breaks"):
        once(server.url, headers={"X": "a\r\nY: b"})
    assert not server.asked


def test_a_redirect_to_what_is_no_address_is_said() -> None:
    async def away(asked: Asked, out: asyncio.StreamWriter) -> None:
        out.write(reply(b"", "302 Found", Location="http://[::1"))

    with serving(away) as server, pytest.raises(Refused, match="not an address"):
        once(server.url)


def test_a_base_address_with_other_letters_is_called_in_ascii() -> None:
    with serving(always(reply(b"ok"))) as server:
        assert once(f"{server.url}/é?team=日").body == b"ok"
    assert server.asked[0].path == "/%C3%A9/chat?team=%E6%97%A5"
