"""The option that an answer chooses."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .base import MAX_ANSWER, Score, yes_or_no

_NAMED = re.compile(
    r"(?:answer|option|choice)(?:\s+is|\s*[:=])?\s*[(\[*\"']*(?-i:(?![ai]\s+\w))([A-Z])\b(?![\w'])",
    re.IGNORECASE,
)
_FIRST = re.compile(r"^\W{0,3}([A-Z])(?:[).:,\]*]|\s*$)")
_ALONE = re.compile(r"(?<![\w'])([B-HJ-Z]|[AI](?=[).:,\]*]|\s*$))(?![\w'])")


def chosen(answer: str) -> str | None:
    """The letter that an answer chooses; None where it names none, or several without saying which.

    In this order: the last "answer is C" or its like; a letter at the beginning; the only letter
    that stands alone.
    """
    text = answer[:MAX_ANSWER].strip()
    if named := _NAMED.findall(text):
        return str(named[-1]).upper()
    if first := _FIRST.match(text):
        return first[1]
    alone = set(_ALONE.findall(text))
    return alone.pop() if len(alone) == 1 else None


@dataclass(frozen=True)
class MultipleChoice:
    """The answer chooses the reference's letter."""

    def check(self, reference: str) -> None:
        """See `Scorer.check`."""
        if not re.fullmatch(r"\s*\(?[A-Za-z]\)?\s*", reference):
            raise ValueError(f"The reference `{reference[:80]}` is not a letter.")

    def score(self, answer: str, reference: str) -> Score:
        """See `Scorer.score`."""
        wanted = reference.strip(" ()\t\n").upper()
        letter = chosen(answer)
        return yes_or_no(letter == wanted, f"chooses {letter}" if letter else "chooses none")
