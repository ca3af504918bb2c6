"""What a kind of model promises: how it is checked and opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from apps.inference.models import ModelSource, Run
    from apps.inference.runners import Runner

    from .settings import Setting


class Gives(StrEnum):
    """What an answer is."""

    LABEL = "label"  # a class of the dataset: predictions
    TEXT = "text"  # words, which a scorer compares with a reference: outcomes
    LOSS = "loss"  # nats a token, scored against guessing: outcomes


class Kind(Protocol):
    """A way to run models; `ModelSource.kind` and `Run.source.kind` name it.

    Attributes:
        title: for people, "Text classifier".
        settings: what can be set for a run, as its form shows it.
        reads_images: whether items need a picture; else they need a text.
        local: whether weights are loaded here: such runs go to the queue `gpu` where one is served.
        chunk: answers are kept so many at a time, always the same ones: a kill repeats one chunk. 1:
            each is kept as it comes.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def gives(self) -> Gives: ...
    @property
    def settings(self) -> Sequence[Setting]: ...
    @property
    def reads_images(self) -> bool: ...
    @property
    def local(self) -> bool: ...
    @property
    def chunk(self) -> int: ...

    def clean(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The settings of a run with defaults filled in.

        Raises:
            ValidationError: by the name of the setting, one sentence.
        """

    def check(self, source: ModelSource) -> None:
        """Raise ValidationError where a source cannot be run by this kind."""

    def open(self, run: Run, classes: Sequence[str]) -> Runner:
        """The model, ready to answer.

        Args:
            classes: the dataset's, in the order that `Answer.label` counts; none where it names none:
                then the model's own are taken, and the runner has them as `classes`.

        Raises:
            RunnerFailed: it cannot be opened, however often it is tried.
        """


@dataclass(frozen=True)
class Estimate:
    """What a run will probably take: US dollars (None: no price is known) and tokens, low to high."""

    prompts: int
    input_tokens: tuple[int, int]
    output_tokens: tuple[int, int]
    usd: tuple[float, float] | None

    def as_dict(self) -> dict[str, Any]:
        """As `Run.estimate` keeps it."""
        return asdict(self)
