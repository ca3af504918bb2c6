"""Result cards: numbers with all that they follow from, to be recomputed by whoever has the data.

A room describes its kind of result by a `Recount` in its `cards.py`. A card names the data by their
content hashes and holds none of them.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, ClassVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules

FORMAT = 1
TOLERANCE = 1e-9
"""By how much of itself a number may differ and still be the same: another processor rounds otherwise."""

_PACKAGES = ("numpy", "scipy", "scikit-learn", "torch")
MOST_BYTES = 256 << 20
"""Of a card."""

_MOST_SHOWN = 20

Progress = Callable[[int, int, str], None]


class CardError(Exception):
    """Why a card says nothing here, in one sentence."""


@dataclass(frozen=True)
class Claim:
    """What a card says of an object, ready for JSON.

    Attributes:
        kind: the name of its `Recount`.
        id, name: of the object.
        priced_on: the day whose prices count, in ISO form.
        inputs: content hashes of items, predictions, labels or outcomes, and the prices used.
        parameters: what was asked, the seed apart.
        result: the numbers; nothing that was measured by a clock.
    """

    kind: str
    id: str
    name: str
    priced_on: str
    inputs: dict[str, Any]
    parameters: dict[str, Any]
    seed: int
    result: dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """What a recount came to: `same`, where nothing of `differences` is left; `note` says what was done."""

    same: bool
    note: str
    differences: tuple[str, ...] = ()


class Recount(ABC):
    """How the cards of one kind of result are made and recomputed."""

    kind: ClassVar[str]

    @abstractmethod
    def find(self, pk: UUID) -> Any:
        """The object of this installation, or None."""

    @abstractmethod
    def inputs(self, target: Any, claim: Claim) -> dict[str, Any]:
        """What the object rests on now, in the form of `Claim.inputs`, at the claim's prices."""

    @abstractmethod
    def result(self, target: Any, claim: Claim, progress: Progress) -> dict[str, Any]:
        """Compute what was asked again, from the data. Raises ValueError where they do not allow it."""

    def kept(self, target: Any, claim: Claim) -> dict[str, Any] | None:
        """The result that was kept for the claim's inputs, where the data have moved on since."""
        return None


_recounts: dict[str, Recount] = {}


def register(recount: type[Recount]) -> type[Recount]:
    """Class decorator: cards of this kind can be verified."""
    _recounts[recount.kind] = recount()
    return recount


def card_of(claim: Claim) -> dict[str, Any]:
    """The card, sealed with a hash of its content."""
    content = {
        "assay_card": FORMAT,
        "made_at": timezone.now().isoformat(),
        "versions": {
            "assay": version("assay"),
            "python": platform.python_version(),
            **{name: version(name) for name in _PACKAGES},
        },
        **_plain(asdict(claim)),
    }
    return {**content, "seal": _digest(content)}


def verify(content: bytes, progress: Progress = lambda done, total, message: None) -> Finding:
    """Recompute a card's numbers from the data of this installation.

    Raises:
        CardError: no card, a card that was changed, or one of something that is not here.
    """
    claim = _read(content)
    autodiscover_modules("cards")
    recount = _recounts.get(claim.kind)
    if recount is None:
        raise CardError(f"This version of Assay knows no results of the kind {claim.kind!r}.")
    try:
        target = recount.find(UUID(claim.id))
        if target is None:
            raise CardError(
                f"The {claim.kind} {claim.name!r} of this card is not in this installation."
            )
        return _compared(recount, target, claim, progress)
    except (
        AttributeError,
        LookupError,
        OverflowError,
        TypeError,
        ValueError,
        ValidationError,
    ) as error:
        raise CardError(f"What this card asks cannot be computed here: {_said(error)}") from error


def _compared(recount: Recount, target: Any, claim: Claim, progress: Progress) -> Finding:
    moved = _differences(claim.inputs, _plain(recount.inputs(target, claim)), "inputs")
    if not moved:
        found = _plain(recount.result(target, claim, progress))
        wrong = _differences(claim.result, found, "result")
        return Finding(not wrong, "Computed again from the data.", wrong)
    kept = recount.kept(target, claim)
    if kept is None:
        note = "The data are others than those of the card, so nothing was computed."
        return Finding(False, note, moved)
    wrong = _differences(claim.result, _plain(kept), "result")
    note = "The data have moved on since; compared with the numbers that were kept for those of the card."
    return Finding(not wrong, note, wrong)


def _read(content: bytes) -> Claim:
    if len(content) > MOST_BYTES:
        raise CardError(f"A card has at most {MOST_BYTES >> 20} MiB.")
    try:
        card = json.loads(content)
        seal = card.pop("seal")
        number = card.pop("assay_card")
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        raise CardError("This file is no result card of Assay.") from None
    if number != FORMAT:
        raise CardError(f"This card has the format {number!r}; this version reads {FORMAT}.")
    if seal != _digest({"assay_card": number, **card}):
        raise CardError(
            "This card was changed after it was made: its seal does not fit its content."
        )
    del card["made_at"], card["versions"]
    try:
        claim = Claim(**card)
    except TypeError:
        raise CardError("This file is no result card of Assay.") from None
    texts = (claim.kind, claim.id, claim.name, claim.priced_on)
    maps = (claim.inputs, claim.parameters, claim.result)
    formed = all(isinstance(text, str) for text in texts)
    formed = formed and all(isinstance(one, dict) for one in maps)
    if not formed or type(claim.seed) is not int:
        raise CardError("This file is no result card of Assay.")
    return claim


def _digest(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """As it comes back from JSON: lists for tuples, texts for keys."""
    return json.loads(json.dumps(value))


def _differences(said: Any, found: Any, where: str) -> tuple[str, ...]:
    """Where two plain values differ, at most the first few places."""
    differing: list[str] = []
    for line in _walk(said, found, where):
        differing.append(line)
        if len(differing) == _MOST_SHOWN:
            break
    return tuple(differing)


def _walk(said: Any, found: Any, where: str) -> Iterator[str]:
    if isinstance(said, dict) and isinstance(found, dict):
        for key in sorted(said.keys() | found.keys()):
            if key not in said:
                yield f"{where}.{key}: not on the card, {_short(found[key])} here"
            elif key not in found:
                yield f"{where}.{key}: {_short(said[key])} on the card, not here"
            else:
                yield from _walk(said[key], found[key], f"{where}.{key}")
    elif isinstance(said, list) and isinstance(found, list):
        if len(said) != len(found):
            yield f"{where}: {len(said):,} entries on the card, {len(found):,} here"
        for place, pair in enumerate(zip(said, found, strict=False)):
            yield from _walk(*pair, f"{where}[{place}]")
    elif not _equal(said, found):
        yield f"{where}: {_short(said)} on the card, {_short(found)} here"


def _equal(said: Any, found: Any) -> bool:
    numbers = (int, float)
    if type(said) in numbers and type(found) in numbers:
        both_nan = said != said and found != found
        return both_nan or math.isclose(said, found, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(said) is type(found) and bool(said == found)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _said(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    return str(error) or type(error).__name__
