"""What leaves the house: only to public addresses or those named, never for longer or more than allowed."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from apps.core.outbound import OutboundError, Refused, call, check_url


@contextmanager
def serving(
    answer: Callable[[socket.socket], None], seen: list[bytes] | None = None
) -> Iterator[str]:
    """A server on loopback that reads a request, keeps it in `seen` and lets `answer` do the rest."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def loop() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(5)
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(65536)
                length = re.search(rb"content-length: (\d+)", request, re.IGNORECASE)
                end = request.index(b"\r\n\r\n") + 4 + int(length[1] if length else 0)
                while len(request) < end:
                    request += connection.recv(65536)
                if seen is not None:
                    seen.append(request)
                answer(connection)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopped.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(6)


def reply(body: bytes, status: str = "200 OK", head: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body


@pytest.fixture
def allowed(settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://localhost./", "http://[::1]/",
        "http://[::ffff:127.0.0.1]/", "http://[::ffff:a9fe:a9fe]/", "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/", "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/",
        "http://127.1/", "http://169.254.169.254/latest/meta-data", "http://10.0.0.1/",
        "http://172.16.3.4/", "http://192.168.1.1:8080/", "http://100.64.0.1/", "http://0.0.0.0/",
        "http://224.0.0.1/", "http://[fe80::1]/", "http://[fd00::1]/", "http://255.255.255.255/",
    ],
)  # fmt: skip
def test_no_spelling_of_a_private_address_is_called(url: str) -> None:
    with pytest.raises(Refused, match="is not a public address"):
        check_url(url)
    with pytest.raises(Refused, match="is not a public address"):
        call("GET", url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://example.org/", "begin with http:// or https://"),
        ("file:///etc/passwd", "begin with http:// or https://"),
        ("example.org", "begin with http:// or https://"),
        ("http://user:secret@example.org/", "must not contain a user or password"),
        ("http://", "names no server"),
        ("http://example.org:99999/", "not an address"),
        ("http://example.org/\r\nX: y", "spaces or line breaks"),
        ("http://[::1", "not an address"),
        ("http://no-such-host.invalid/", "There is no server called no-such-host.invalid"),
    ],
)
def test_what_is_no_address_is_said_in_a_sentence(url: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as caught:
        check_url(url)
    assert "secret" not in str(caught.value)


def test_a_public_address_may_be_saved() -> None:
    assert check_url(" https://93.184.215.14/v1 ") == "https://93.184.215.14/v1"
    assert check_url("http://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/").startswith("http://[2606:")


def test_an_administrator_allows_a_server_by_name(settings: Any) -> None:
    with serving(lambda one: one.sendall(reply(b"hello"))) as url:
        settings.OUTBOUND_ALLOWED_HOSTS = [url.removeprefix("http://")]
        found = call("GET", f"{url}/path?q=1", headers={"Authorization": "Bearer k"})
        assert (found.status, found.body) == (200, b"hello")
        settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1:1"]
        with pytest.raises(Refused):
            call("GET", url)


@pytest.mark.usefixtures("allowed")
def test_what_is_posted_arrives_whole() -> None:
    seen: list[bytes] = []
    busy = reply(b"{}", "429 Too Many Requests", "Retry-After: 7\r\n")
    with serving(lambda one: one.sendall(busy), seen) as url:
        found = call("POST", url, content=b"x" * 300_000)
    assert (found.status, found.headers["retry-after"]) == (429, "7")
    assert seen[0].endswith(b"x" * 300_000)


@pytest.mark.usefixtures("allowed")
def test_a_redirect_to_a_private_address_is_refused() -> None:
    away = reply(b"", "302 Found", "Location: http://169.254.169.254/latest\r\n")
    refused = pytest.raises(Refused, match=r"169\.254\.169\.254 is not a public address")
    with serving(lambda one: one.sendall(away)) as url, refused:
        call("GET", url)


@pytest.mark.usefixtures("allowed")
def test_a_key_is_not_sent_on_to_another_server() -> None:
    seen: list[bytes] = []
    with serving(lambda one: one.sendall(reply(b"other")), seen) as other:
        away = reply(b"", "302 Found", f"Location: {other}/x\r\n")
        with serving(lambda one: one.sendall(away)) as url:
            found = call("GET", url, headers={"Authorization": "Bearer secret"})
            assert (found.body, found.url) == (b"other", f"{other}/x")
            with pytest.raises(Refused, match="give that address instead"):
                call("POST", url, content=b"secret")
    assert len(seen) == 1
    assert b"secret" not in seen[0]


@pytest.mark.usefixtures("allowed")
def test_redirects_in_a_circle_end() -> None:
    def again(connection: socket.socket) -> None:
        connection.sendall(reply(b"", "302 Found", "Location: /again\r\n"))
        threading.Event().wait(0.1)  # then it closes, without having said so

    tired = pytest.raises(OutboundError, match="redirects more than 3 times")
    with serving(again) as url, tired:
        call("GET", url)


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(60):
        connection.sendall(b"x")
        threading.Event().wait(0.05)


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("answer", [lambda one: one.recv(1), drip], ids=["hangs", "drips"])
def test_a_server_that_never_finishes_is_left(answer: Callable[[socket.socket], None]) -> None:
    with serving(answer) as url, pytest.raises(OutboundError, match="took too long"):
        call("GET", url, max_seconds=0.4)


@pytest.mark.usefixtures("allowed")
def test_an_answer_without_end_is_cut_off() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x" * 65536)

    with serving(flood) as url, pytest.raises(OutboundError, match="more than 100,000 bytes"):
        call("GET", url, max_bytes=100_000)


@pytest.mark.usefixtures("allowed")
def test_what_is_not_http_is_said() -> None:
    refused = pytest.raises(OutboundError, match="did not answer in HTTP")
    with serving(lambda one: one.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")) as url, refused:
        call("GET", f"{url}/?key=secret")


def test_a_name_that_points_elsewhere_after_the_check_is_not_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter(["93.184.215.14", "127.0.0.1"])

    def rebinding(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    check_url("http://rebinding.example/")
    with pytest.raises(Refused, match="not a public address"):
        call("GET", "http://rebinding.example/")


@pytest.mark.usefixtures("allowed")
def test_an_address_with_other_letters_is_called_in_ascii() -> None:
    seen: list[bytes] = []
    with serving(lambda c: c.sendall(reply(b"ok")), seen) as base:
        assert call("GET", check_url(f"{base}/é?q=日")).body == b"ok"
    assert seen[0].startswith(b"GET /%C3%A9?q=%E6%97%A5 HTTP/1.1")


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("target", ["http://[::1", "//[", "http://[fe80::1%\xe9]/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_to_what_is_no_address_is_said_in_a_sentence(method: str, target: str) -> None:
    head = f"Location: {target}\r\n"
    with (
        serving(lambda c: c.sendall(reply(b"", "302 Found", head))) as base,
        pytest.raises(Refused),
    ):
        call(method, base, content=b"x" if method == "POST" else None)
