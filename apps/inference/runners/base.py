"""What a runner promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self


@dataclass(frozen=True)
class Question:
    """An item to put to a model; `image` holds the bytes of a picture."""

    item_id: str
    prompt: str
    image: bytes | None = None


@dataclass(frozen=True)
class Answer:
    """What came of a question. `failure` is one sentence where nothing did; the rest is unknown then.

    Attributes:
        label: an index into the classes that the runner was opened with.
        probabilities: of every one of those classes, 0..1.
        loss: nats a token.
        calls: how many calls it took of what is paid by the call.
        latency_ms: what the question took; of questions answered together, its part.
    """

    item_id: str
    text: str = ""
    label: int | None = None
    probabilities: tuple[float, ...] | None = None
    loss: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: float | None = None
    failure: str = ""
    calls: int = 1


class RunnerFailed(Exception):
    """No question can be answered, however often it is tried; the text is a sentence for the owner."""


class Unaffordable(RunnerFailed):
    """No further question can be paid: the money is gone, and nothing is wrong with the model."""


class Runner(Protocol):
    """A model that answers, within its context. Leaving that frees whatever it holds, at once.

    `__enter__` and `answers` run in threads of their own, without the database: `__exit__` may come from
    another one meanwhile, and then they end soon, with or without an exception. `answers` may be called
    several times, one call after the other.

    Attributes:
        notes: what a reader of the numbers should know, as sentences; may grow while it answers.
        classes: what `Answer.label` counts; none where answers are no classes.
        facts: how it was run, as JSON: device, revision, library versions.
    """

    notes: list[str]
    classes: Sequence[str]
    facts: dict[str, Any]

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def tend(self, fenced: Callable[[], AbstractContextManager[None]]) -> None:
        """Called about twice a second, or more often, by a thread with the database, before and while it
        answers. What it reads and writes there happens inside `fenced()`: under the job's lease.
        """

    def answers(self, questions: Iterable[Question]) -> Iterator[Answer]:
        """One answer a question, in any order, as they come; questions are taken as they are needed.

        Raises:
            RunnerFailed: trying again would not help. Anything else is tried again later.
        """
