"""An endpoint is asked many questions; whatever it does, the run goes on or says why not."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from apps.inference.budgets import Purse
from apps.inference.endpoints.asking import Access
from apps.inference.endpoints.runner import Chat, EndpointRunner
from apps.inference.runners import Answer, Question, RunnerFailed
from tests.partners.server import Answering, Asked, always, chat, reply, serving

KEY = "sk-very-secret-key"


@pytest.fixture(autouse=True)
def _allowed(settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]


def questions(count: int) -> list[Question]:
    return [Question(f"item-{n}", f"prompt {n}") for n in range(count)]


def runner(url: str, **options: Any) -> EndpointRunner:
    names = ("concurrency", "timeout_seconds", "key")
    own = {name: options.pop(name) for name in names if name in options}
    access = Access(f"{url}/v1", **{"key": KEY, "timeout_seconds": 5, **own})
    settings = {"max_new_tokens": 20, "temperature": 0}
    options = {"backoff_seconds": 0.02, "purpose": "run-1", **options}
    return EndpointRunner(access, model="tiny", script=Chat("tiny", settings), **options)


def asked_of(url: str, count: int = 1, **options: Any) -> list[Answer]:
    with runner(url, **options) as ready:
        return sorted(ready.answers(questions(count)), key=lambda one: int(one.item_id[5:]))


async def echo(asked: Asked, out: asyncio.StreamWriter) -> None:
    out.write(reply(chat(asked.prompt.upper())))


def test_each_question_gets_its_answer_with_tokens_and_latency() -> None:
    with serving(echo) as server:
        found = asked_of(server.url, 50)
    assert [one.text for one in found] == [f"PROMPT {n}" for n in range(50)]
    assert {(one.input_tokens, one.output_tokens, one.failure) for one in found} == {(7, 3, "")}
    assert all(one.latency_ms and one.latency_ms > 0 for one in found)
    first = server.asked[0]
    assert (first.method, first.path) == ("POST", "/v1/chat/completions")
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert first.json["model"] == "tiny"
    assert (first.json["max_tokens"], first.json["temperature"]) == (20, 0)


def test_a_question_has_the_same_key_however_often_it_is_asked() -> None:
    with serving(echo) as server:
        asked_of(server.url, 3)
        asked_of(server.url, 3)
        asked_of(server.url, 3, purpose="run-2")
    keys = Counter(one.headers["idempotency-key"] for one in server.asked)
    assert sorted(keys.values()) == [1, 1, 1, 2, 2, 2]


def test_so_many_are_out_at_once_and_no_more() -> None:
    async def slow(asked: Asked, out: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        await echo(asked, out)

    with serving(slow) as server:
        asked_of(server.url, 60, concurrency=6)
    assert (server.most_open, server.connections) == (6, 6)


def test_tokens_that_are_not_counted_are_unknown() -> None:
    for usage in ({}, {"usage": {"prompt_tokens": -1, "completion_tokens": "3"}}, {"usage": 7}):
        body = chat("yes", None) | usage
        with serving(always(reply(body))) as server, runner(server.url) as ready:
            (found,) = ready.answers(questions(1))
        assert (found.text, found.input_tokens, found.output_tokens) == ("yes", None, None)
        assert any("does not count" in note for note in ready.notes)


@pytest.mark.parametrize("status", ["429 Too Many Requests", "500 Oops", "503 Busy", "529 Full"])
def test_what_may_pass_is_asked_again(status: str) -> None:
    seen: Counter[str] = Counter()

    async def moody(asked: Asked, out: asyncio.StreamWriter) -> None:
        seen[asked.prompt] += 1
        out.write(reply("busy", status) if seen[asked.prompt] < 3 else reply(chat("yes")))

    with serving(moody) as server:
        found = asked_of(server.url, 5)
    assert {one.text for one in found} == {"yes"}
    assert set(seen.values()) == {3}


def test_a_pause_that_the_endpoint_asks_for_is_made_by_all() -> None:
    moments: list[float] = []

    async def limited(asked: Asked, out: asyncio.StreamWriter) -> None:
        moments.append(time.monotonic())
        if len(moments) == 1:
            out.write(reply("slow down", "429 Too Many", Retry_After=1))
        else:
            out.write(reply(chat("yes")))

    with serving(limited) as server:
        found = asked_of(server.url, 4, concurrency=1)
    assert {one.text for one in found} == {"yes"}
    assert moments[1] - moments[0] >= 1.0


HTML = b"<!DOCTYPE html><html><body>Sign in</body></html>"
DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (reply(HTML), "a web page instead of a chat completion"),
        (reply(b'{"choices": [{"mess'), "broken JSON instead"),
        (reply(DEEP), "broken JSON instead"),
        (reply(b""), "answered nothing"),
        (reply(b"hello"), "not JSON"),
        (reply(b"data: {}\n\n"), "a stream"),
        (reply({"choices": []}), "holds no answer"),
        (reply({"choices": [None]}), "holds no answer"),
        (reply(chat("x") | {"choices": [{"message": {"content": None}}]}), "has no text"),
        (reply({"error": {"message": "the\nmodel is gone"}}), "“the model is gone”"),
        (
            reply({"error": {"message": "The model `x` does not exist"}}, "404 Not Found"),
            "answered 404: “The model `x` does not exist”",
        ),
        (reply("no", "418 Teapot"), "answered 418."),
        (reply("", "429 Too Many", Retry_After=3600), "asks for a pause of 3,600 s"),
        (reply("", "302 Found", Location="http://169.254.169.254/"), "redirects to"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "did not answer in HTTP"),
        (reply("always", "503 Busy"), "has a fault of its own (503)"),
    ],
)
def test_what_goes_wrong_is_said_in_one_sentence_and_the_run_goes_on(
    raw: bytes, sentence: str
) -> None:
    async def once(asked: Asked, out: asyncio.StreamWriter) -> None:
        out.write(raw if asked.prompt == "prompt 1" else reply(chat("yes")))

    with serving(once) as server:
        found = asked_of(server.url, 4, concurrency=2)
    assert [bool(one.failure) for one in found] == [False, True, False, False]
    assert sentence in found[1].failure
    assert found[1].failure.endswith(".")
    assert "\n" not in found[1].failure
    assert found[1].text == ""


async def hang(asked: Asked, out: asyncio.StreamWriter) -> None:
    if asked.prompt == "prompt 1":
        await asyncio.sleep(30)
    await echo(asked, out)


async def flood(asked: Asked, out: asyncio.StreamWriter) -> None:
    if asked.prompt == "prompt 1":
        out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n")
        for _ in range(1000):
            out.write(b"x" * 65536)
            await out.drain()
    await echo(asked, out)


async def endless(asked: Asked, out: asyncio.StreamWriter) -> None:
    if asked.prompt == "prompt 1":
        out.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1000):
            out.write(b"x" * 65536)
            await out.drain()
    await echo(asked, out)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [(hang, "took longer than 0.3 s"), (flood, "more than 4,194,304"), (endless, "more than 4,1")],
)
def test_an_endpoint_that_hangs_or_floods_costs_one_answer(
    answer: Answering, sentence: str
) -> None:
    with serving(answer) as server:
        found = asked_of(server.url, 4, timeout_seconds=0.3)
    assert [bool(one.failure) for one in found] == [False, True, False, False]
    assert sentence in found[1].failure
    assert server.prompts.count("prompt 1") <= 5


def test_a_slow_question_is_asked_twice_at_most() -> None:
    with serving(hang) as server:
        asked_of(server.url, 2, timeout_seconds=0.2)
    assert server.prompts.count("prompt 1") == 2


def test_a_run_of_failures_ends_it_with_the_reason() -> None:
    with serving(always(reply(HTML))) as server, runner(server.url, concurrency=4) as ready:
        found: list[Answer] = []
        with pytest.raises(RunnerFailed, match=r"25 questions in a row.*a web page"):
            found.extend(ready.answers(questions(400)))
    assert len(server.asked) < 50


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (reply({"error": {"message": f"bad key {KEY}"}}, "401 No"), "does not accept the key"),
        (reply({"error": {"code": "insufficient_quota"}}, "429 No"), "has no credit left"),
        (reply("", "402 Payment Required"), "has no credit left"),
    ],
)
def test_where_no_question_can_be_answered_none_is_wasted(raw: bytes, sentence: str) -> None:
    with serving(always(raw)) as server, runner(server.url, concurrency=2) as ready:
        with pytest.raises(RunnerFailed, match=sentence) as caught:
            list(ready.answers(questions(100)))
        assert KEY not in str(caught.value)
    assert len(server.asked) <= 4


def test_an_endpoint_that_repeats_its_key_does_not_make_it_public() -> None:
    with serving(always(reply(chat(f"my key is {KEY}")))) as server, runner(server.url) as ready:
        (found,) = ready.answers(questions(1))
        shown = [found.text, str(ready.facts), str(ready.notes), repr(ready._access)]
    assert found.text == "my key is [the key]"
    assert not [one for one in shown if KEY in one]


def test_another_model_than_the_one_asked_for_is_noted() -> None:
    body = chat("yes") | {"model": "somebody-else"}
    with serving(always(reply(body))) as server, runner(server.url) as ready:
        list(ready.answers(questions(1)))
    assert any("answers as “somebody-else”" in note for note in ready.notes)


def test_answers_that_were_cut_off_are_noted() -> None:
    body = chat("yes")
    body["choices"][0]["finish_reason"] = "length"
    with serving(always(reply(body))) as server, runner(server.url) as ready:
        list(ready.answers(questions(1)))
    assert any("cut off" in note for note in ready.notes)


def test_leaving_ends_the_calls_that_are_out() -> None:
    async def never(asked: Asked, out: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    with serving(never) as server:
        ready = runner(server.url, timeout_seconds=30)
        ended: list[float] = []

        def read() -> None:
            list(ready.answers(questions(5)))
            ended.append(time.monotonic())

        thread = threading.Thread(target=read)
        with ready:
            thread.start()
            while len(server.asked) < 5:
                time.sleep(0.01)
            left = time.monotonic()
        thread.join(5)
    assert ended[0] - left < 2


def test_questions_are_taken_as_they_are_needed() -> None:
    taken = 0

    def counted() -> Iterator[Question]:
        nonlocal taken
        for question in questions(500):
            taken += 1
            yield question

    with serving(echo) as server, runner(server.url, concurrency=4) as ready:
        answers = ready.answers(counted())
        for _ in range(10):
            next(answers)
        assert taken <= 10 + 2 * 4 + 1
        answers.close()  # type: ignore[attr-defined]


def dollars(tokens_in: int, tokens_out: int) -> Decimal:
    return Decimal(tokens_in + tokens_out) / 1000


def purse(cap: str) -> Purse:
    return Purse(Decimal(cap), Decimal(cap), dollars, max_tokens=20, total=1000)


def test_no_question_goes_out_that_could_cost_more_than_the_cap() -> None:
    money = purse("1.00")
    with serving(echo) as server, runner(server.url, purse=money) as ready:
        found: list[Answer] = []
        with pytest.raises(RunnerFailed, match=r"cap of \$1: (\d+) of 1,000 answered"):
            found.extend(ready.answers(questions(1000)))
    spent = sum(dollars(one.input_tokens or 0, one.output_tokens or 0) for one in found)
    assert len(server.asked) == len(found) == money.answered
    assert Decimal("0.90") < spent <= 1


def test_the_cap_holds_where_tokens_are_not_counted() -> None:
    with (
        serving(always(reply(chat("yes", None)))) as server,
        runner(server.url, purse=purse("1.00")) as ready,
        pytest.raises(RunnerFailed),
    ):
        list(ready.answers(questions(1000)))
    assert len(server.asked) < 60
