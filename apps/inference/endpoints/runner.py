"""Candidates that answer over HTTP: many questions at once, no more than is paid for.

The calls are made by an event loop in a thread of its own, so that slow keeping of answers never looks like
a slow endpoint. Not more than twice as many questions are out, or answered and not yet taken, as may be
asked at once.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from hashlib import sha256
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Protocol, Self

from apps.inference.budgets import Purse
from apps.inference.endpoints import protocol
from apps.inference.endpoints.asking import Access, Asker, Got
from apps.inference.endpoints.permit import Permit
from apps.inference.endpoints.protocol import Fault, Said
from apps.inference.endpoints.sharing import Deleted, Share
from apps.inference.runners.base import Answer, Question, RunnerFailed, Unaffordable

MAX_FAILURES_IN_A_ROW = 25
_SWITCH_SECONDS = 0.0005
_TEND_SECONDS, _HURRIED_SECONDS = 0.5, 0.1  # between two renewals of a share
_MOST_NAMES = 3  # that an endpoint's model goes by, told in the notes


class Script(Protocol):
    """What is asked for a question, and what the endpoint's words come to.

    Attributes:
        classes: what `Answer.label` counts. notes: as of `Runner`; may grow.
    """

    classes: Sequence[str]
    notes: list[str]

    def bodies(self, question: Question) -> list[dict[str, Any]]:
        """The requests that a question takes, one after the other."""

    def answer(self, question: Question, said: Sequence[Said]) -> Answer:
        """The answer, or its failure, when all of them have one; tokens and latency are put to it."""


class Chat:
    """The question itself; the answer is what comes back."""

    def __init__(self, model: str, settings: Mapping[str, Any]) -> None:
        self.classes: Sequence[str] = ()
        self.notes: list[str] = []
        self._model, self._settings = model, settings

    def bodies(self, question: Question) -> list[dict[str, Any]]:
        """See `Script.bodies`."""
        return [protocol.chat(self._model, question.prompt, self._settings)]

    def answer(self, question: Question, said: Sequence[Said]) -> Answer:
        """See `Script.answer`."""
        return Answer(question.item_id, text=said[0].text)


class EndpointRunner:
    """Asks an endpoint for chat completions.

    Args:
        script: what is asked for a question. model: the name that is asked for.
        purpose: what the calls are for; with the item it makes the key by which an endpoint that knows
            such keys recognises a question that it has answered before.
        share: its part of what the endpoint may be asked; None: all of it.
        purse: what may still be spent; None: as much as it takes.
    """

    def __init__(
        self,
        access: Access,
        *,
        model: str,
        script: Script,
        purpose: str,
        share: Share | None = None,
        purse: Purse | None = None,
        backoff_seconds: float = 1.0,
    ) -> None:
        self.notes: list[str] = []
        self.classes = script.classes
        self.facts: dict[str, Any] = {"endpoint": access.base_url, "model": model}
        self._access, self._model, self._script, self._purpose = access, model, script, purpose
        self._purse, self._backoff = purse, backoff_seconds
        self._share, self._tend_at = share, 0.0
        self._permit = Permit(0 if share else access.concurrency)
        self._crew: _Crew | None = None
        self._open: int | None = None  # questions that are out or answered and not yet taken
        self._stopped = False
        self._in_a_row = 0
        self._names: Counter[str] = Counter()
        self._cut = self._uncounted = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped = True
        if self._crew is not None:
            self._crew.stop()
        if self._share is not None:
            self._share.release()

    def tend(self, fenced: Callable[[], AbstractContextManager[None]]) -> None:
        """See `Runner.tend`: renews its part of the endpoint, larger or smaller as others come and go."""
        asked_at = time.monotonic()
        if self._share is None or asked_at < self._tend_at:
            return
        permit, most = self._permit, self._access.concurrency
        held = permit.held
        try:
            with fenced():
                grant = self._share.claim(
                    wanted=most if self._open is None else min(most, self._open),
                    held=held,
                    waiting=most if self._open is None else permit.waiting,
                    in_stock=permit.in_stock,
                )
        except Deleted as error:
            raise RunnerFailed(str(error)) from error
        moments = None if grant.turns is None else [asked_at + after for after in grant.turns]
        # Somebody waits for what is to be given back, or this does.
        hurried = grant.slots < held or not grant.slots
        permit.allow(grant.slots, asked_at + grant.seconds, moments)
        self._tend_at = asked_at + (
            _HURRIED_SECONDS if hurried else min(_TEND_SECONDS, grant.seconds / 4)
        )

    def answers(self, questions: Iterable[Question]) -> Iterator[Answer]:
        """See `Runner.answers`."""
        waiting = iter(questions)
        following = next(waiting, None)
        open_ones, most = 0, 2 * self._access.concurrency
        with _Crew(self._access, self._permit, self._backoff) as crew:
            self._crew = crew
            while not self._stopped:
                batch: list[_Asked] = []
                while following and open_ones < most:
                    bodies = self._script.bodies(following)
                    if not self._affordable(following, bodies):
                        break
                    batch.append((following, bodies, self._key(following)))
                    open_ones += 1
                    following = next(waiting, None)
                self._open = open_ones
                crew.put(batch)
                if not open_ones:
                    if following and self._purse:
                        raise Unaffordable(self._purse.sentence)
                    return
                for question, got in crew.take():
                    open_ones -= 1
                    yield self._answer(question, got)
                    self._watch(got[-1].outcome)

    def _affordable(self, question: Question, bodies: list[dict[str, Any]]) -> bool:
        if self._purse is None:
            return True
        texts = [message["content"] for body in bodies for message in body["messages"]]
        return self._purse.reserve(question.item_id, texts, calls=len(bodies))

    def _key(self, question: Question) -> str:
        return sha256(f"{self._purpose}\n{question.item_id}".encode()).hexdigest()[:40]

    def _answer(self, question: Question, got: Sequence[Got]) -> Answer:
        outcomes = [one.outcome for one in got]
        if self._purse is not None:
            self._purse.settle(question.item_id, outcomes)
        said = [one for one in outcomes if isinstance(one, Said)]
        last = outcomes[-1]
        if isinstance(last, Fault):
            answer = Answer(question.item_id, failure=last.sentence)
        else:
            answer = self._script.answer(question, said)
        for one in said:
            self._count(one)
        self._note()
        return replace(
            answer,
            input_tokens=_sum([one.input_tokens for one in outcomes]),
            output_tokens=_sum([one.output_tokens for one in outcomes]),
            calls=len(got),
            latency_ms=None if answer.failure else _sum([one.latency_ms for one in got]),
        )

    def _watch(self, outcome: Said | Fault) -> None:
        """Stop where nothing can be expected any more."""
        if isinstance(outcome, Said):
            self._in_a_row = 0
            return
        self._in_a_row += 1
        if outcome.final:
            raise RunnerFailed(outcome.sentence)
        if self._in_a_row >= MAX_FAILURES_IN_A_ROW:
            raise RunnerFailed(
                f"Stopped after {self._in_a_row} questions in a row without an answer. The last one: "
                f"{outcome.sentence}"
            )

    def _count(self, said: Said) -> None:
        self._cut += said.cut
        self._uncounted += said.input_tokens is None or said.output_tokens is None
        if said.model and (said.model in self._names or len(self._names) < _MOST_NAMES):
            self._names[said.model] += 1

    def _note(self) -> None:
        notes = list(self._script.notes)
        if self._names and set(self._names) != {self._model}:
            names = ", ".join(f"“{name}”" for name in self._names)
            notes.append(
                f"Asked for “{self._model}”; the endpoint says that it answers as {names}."
            )
        if self._cut:
            notes.append("Some answers were cut off at the limit of tokens.")
        if self._uncounted:
            notes.append(
                "The endpoint does not count the tokens of every answer: those are unknown."
            )
        self.notes = notes


def _sum(numbers: Sequence[Any]) -> Any:
    """Their sum; None where one is unknown."""
    return None if any(one is None for one in numbers) else sum(numbers)


_Asked = tuple[Question, list[dict[str, Any]], str]
_Answered = tuple[Question, list[Got]]


class _Crew:
    """The event loop, and as many workers as may ask at once."""

    def __init__(self, access: Access, permit: Permit, backoff: float) -> None:
        self._access, self._permit, self._backoff = access, permit, backoff
        self._loop = asyncio.new_event_loop()
        self._todo: asyncio.Queue[_Asked] = asyncio.Queue()
        self._done: SimpleQueue[_Answered | BaseException | None] = SimpleQueue()
        self._main: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="endpoint", daemon=True)

    def __enter__(self) -> Self:
        # Each call lets other threads run; 5 ms until this one has its turn again is a third of the pace.
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join(10)
        sys.setswitchinterval(self._interval)

    def put(self, batch: list[_Asked]) -> None:
        """Have these asked."""
        if batch:
            self._soon(self._add, batch)

    def take(self) -> list[_Answered]:
        """What has been answered, at least one; nothing once it is stopped."""
        found = [self._done.get()]
        while not self._done.empty():
            found.append(self._done.get())
        for one in found:
            if isinstance(one, BaseException):
                raise one
        return [one for one in found if isinstance(one, tuple)]

    def stop(self) -> None:
        """End all calls at once; from any thread."""
        self._soon(self._cancel)
        self._done.put(None)

    def _soon(self, do: Callable[..., None], *given: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(do, *given)
        except RuntimeError:
            return  # it has ended already

    def _add(self, batch: list[_Asked]) -> None:
        for one in batch:
            self._todo.put_nowait(one)

    def _cancel(self) -> None:
        if self._main is not None:
            self._main.cancel()

    def _run(self) -> None:
        try:
            self._main = self._loop.create_task(self._work())
            self._loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            self._done.put(error)
        finally:
            self._loop.close()

    async def _work(self) -> None:
        asking = Asker(self._access, self._permit, backoff_seconds=self._backoff)
        async with asking as asker, asyncio.TaskGroup() as group:
            for _ in range(self._access.concurrency):
                group.create_task(self._worker(asker))

    async def _worker(self, asker: Asker) -> None:
        while True:
            question, bodies, key = await self._todo.get()
            got: list[Got] = []
            for number, body in enumerate(bodies):
                got.append(await asker.ask(body, idempotency_key=f"{key}-{number}"))
                if isinstance(got[-1].outcome, Fault):
                    break
            self._done.put((question, got))
