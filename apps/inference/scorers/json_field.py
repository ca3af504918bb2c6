"""A field of the JSON in an answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from .base import MAX_ANSWER, Score, told, yes_or_no
from .text import normalised

_STARTS = 50  # braces at which JSON is looked for


@dataclass(frozen=True)
class JsonField:
    """A field of the first JSON object or list in the answer is the reference.

    `path`: names and places joined by dots, `items.0.price`. Numbers are compared as numbers, texts
    but for their form.
    """

    path: str = field(
        metadata=told(
            "Field of the JSON", "Names and places joined by dots, for example items.0.price."
        )
    )

    def check(self, reference: str) -> None:
        """See `Scorer.check`."""
        if not self.path:
            raise ValueError("Say which field to compare, for example items.0.price.")

    def score(self, answer: str, reference: str) -> Score:
        """See `Scorer.score`."""
        value = _first_json(answer[:MAX_ANSWER])
        if value is None:
            return yes_or_no(False, "holds no JSON")
        for step in self.path.split("."):
            try:
                value = value[int(step)] if isinstance(value, list) else value[step]
            except (KeyError, IndexError, ValueError, TypeError):
                return yes_or_no(False, f"has no field {self.path}")
        return yes_or_no(_same(value, reference))


def _first_json(text: str) -> Any:
    decoder = json.JSONDecoder()
    starts = [place for place, letter in enumerate(text) if letter in "{["][:_STARTS]
    for start in starts:
        try:
            return decoder.raw_decode(text, start)[0]
        except (ValueError, RecursionError):
            continue
    return None


def _same(value: Any, reference: str) -> bool:
    try:
        wanted = json.loads(reference)
    except (ValueError, RecursionError):
        wanted = reference
    if isinstance(value, str) and isinstance(wanted, str):
        return normalised(value) == normalised(wanted)
    if isinstance(value, str):
        return normalised(value) == normalised(reference)
    return type(value) in (type(wanted), *_alike(wanted)) and value == wanted


def _alike(wanted: Any) -> tuple[type, ...]:
    return (int, float) if type(wanted) in (int, float) else ()
