"""What a scorer promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

MAX_ANSWER = 100_000
"""Characters of an answer that are looked at; more says nothing and costs time."""


@dataclass(frozen=True)
class Score:
    """How good an answer is: `value` in 0..1, and in one phrase why."""

    value: float
    why: str


def told(label: str, helping: str) -> dict[str, str]:
    """What a form says of a setting: the metadata of a scorer's field."""
    return {"label": label, "help": helping}


class Scorer(Protocol):
    """A way to compare an answer with what was expected. Its settings are its fields, `told` in metadata."""

    def check(self, reference: str) -> None:
        """Raise ValueError, in one sentence, where no answer could be compared with `reference`."""

    def score(self, answer: str, reference: str) -> Score:
        """Compare; any answer is legal, and `reference` has passed `check`."""


def yes_or_no(right: bool, why: str = "") -> Score:
    """1 or 0."""
    return Score(float(right), why or ("matches" if right else "differs"))
