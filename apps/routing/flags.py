"""`[Flag: ...]` in a prompt: what its writer asks of the model, taken out of the text.

Hari and Thomson, *Tryage: Real-time, Intelligent Routing of User Prompts to Large Language Models*,
2023 (arXiv 2308.11601), let users write `[Flag: Small model]` into the prompt. A flag with a number,
a date or a name is a limit that a model must meet; one without is a wish, weighed against the score.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from apps.routing.decision import NO_CONSTRAINTS, Constraints, Trait

WEIGHT = 0.1
"""Of a wish: the expected score given up for the model with the least of a trait against the one
with the most."""

EXAMPLES = (
    "small model",
    "at most 8B parameters",
    "recent model",
    "released since 2025-06",
    "fast",
    "within 500 ms",
    "concise",
    "at most 200 tokens",
    "licence apache-2.0 or mit",
    "self-hosted",
)
"""Flags as people write them, one of each kind; for help texts."""

# The white space before a flag goes with it. It is looked at from its start only, so that a long run
# of spaces takes time in proportion to its length, not to the square of it.
_FLAG = re.compile(r"(?:(?<![ \t])[ \t]+)?\[\s*flag\s*:\s*([^\]\n]{0,200})\]", re.IGNORECASE)
_WISHES = {
    Trait.SIZE: ("small", "smaller", "small model", "smaller model", "small size"),
    Trait.AGE: ("recent", "recent model", "new", "new model", "newer model", "latest model"),
    Trait.LATENCY: ("fast", "fast model", "low latency", "quick", "quick answer"),
    Trait.VERBOSITY: ("concise", "short", "short answer", "brief", "low verbosity", "terse"),
}
_TIMES = {"k": 10**3, "thousand": 10**3, "m": 10**6, "million": 10**6, "b": 10**9, "billion": 10**9}
_TIME = "|".join(_TIMES)
_WEIGHTS = "(?:parameters|params|weights)"
_NUMBER = r"(?:at most|up to|max(?:imum)?|under|below|within|<=?)\s*(\d{1,9}(?:\.\d{1,6})?)\s*"


def read_flags(prompt: str, more: Iterable[str] = ()) -> tuple[str, Constraints, tuple[str, ...]]:
    """The prompt without its flags, what they ask for, and the flags as written.

    Args:
        more: further flags that did not stand in the prompt, without brackets.

    Raises:
        ValueError: one sentence: a flag that is not known, or two that contradict each other.
    """
    written = [found.strip() for found in _FLAG.findall(prompt)] + [flag.strip() for flag in more]
    said = tuple(dict.fromkeys(written))
    asked = NO_CONSTRAINTS
    meant: dict[str, str] = {}
    for flag in said:
        for name, value in _meaning(flag).items():
            if name == "wishes":
                asked = replace(asked, wishes={**asked.wishes, **value})
                continue
            if getattr(asked, name) not in (None, value):
                raise ValueError(f"The flags “{meant[name]}” and “{flag}” contradict each other.")
            meant[name] = flag
            asked = replace(asked, **{name: value})
    return (_FLAG.sub("", prompt).strip() if said else prompt), asked, said


def _meaning(flag: str) -> Mapping[str, Any]:
    words = " ".join(flag.casefold().split())
    for trait, ways in _WISHES.items():
        if words in ways:
            return {"wishes": {trait: WEIGHT}}
    for pattern, meaning in _LIMITS:
        if found := pattern.fullmatch(words):
            return meaning(found)
    raise ValueError(
        f"“{flag[:80]}” is not a flag that is known; flags are, for example: {'; '.join(EXAMPLES)}."
    )


def _parameters(found: re.Match[str]) -> dict[str, Any]:
    return {"most_parameters": round(float(found[1]) * _TIMES.get(found[2] or "", 1))}


def _released(found: re.Match[str]) -> dict[str, Any]:
    year, month, day = (int(part or 1) for part in found.groups())
    try:
        return {"released_since": date(year, month, day)}
    except ValueError as error:
        raise ValueError(f"“{found[0]}” names no date of the calendar.") from error


def _latency(found: re.Match[str]) -> dict[str, Any]:
    return {"most_latency_ms": float(found[1]) * (1 if found[2].startswith("m") else 1000)}


def _licences(found: re.Match[str]) -> dict[str, Any]:
    names = re.split(r"\s*(?:,|\bor\b)\s*", found[1])
    return {"licences": frozenset(name for name in names if name)}


_Meaning = Callable[[re.Match[str]], dict[str, Any]]
_LIMITS: tuple[tuple[re.Pattern[str], _Meaning], ...] = (
    (
        re.compile(
            _NUMBER
            + r"(?:(k|m|b|thousand|million|billion)\b\s*)?(?:parameters|params|weights)?(?<!\d)"
        ),
        _parameters,
    ),
    (
        re.compile(r"(?:released )?(?:since|after) (\d{4})(?:-(\d{2})(?:-(\d{2}))?)?"),
        _released,
    ),
    (re.compile(_NUMBER + r"(ms|milliseconds?|s|seconds?)"), _latency),
    (
        re.compile(_NUMBER + r"(?:output )?tokens"),
        lambda found: {"most_output_tokens": float(found[1])},
    ),
    (re.compile(r"licen[cs]e[: ]\s*([a-z0-9.+, -]{1,100})"), _licences),
    (re.compile(r"self[- ]hosted|local|local model|on-prem"), lambda _: {"self_hosted": True}),
    (re.compile(r"not self[- ]hosted|hosted|hosted model"), lambda _: {"self_hosted": False}),
)
