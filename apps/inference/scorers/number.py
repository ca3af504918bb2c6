"""The number that an answer comes to."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from .base import MAX_ANSWER, Score, told, yes_or_no

_NUMBER = re.compile(
    r"(?<![\w.])[-+−]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:\.\d+)?(?:[eE][-+]?\d{1,3})?(?![\w])"
)


def numbers(text: str) -> list[float]:
    """The numbers that stand in a text, in their order: 1,234.5, -3, .5, 6e-7."""
    found = []
    for match in _NUMBER.finditer(text[:MAX_ANSWER]):
        digits = match[0].replace(",", "").replace("−", "-")
        try:
            value = float(digits)
        except ValueError:
            continue  # empty, or a sign alone
        if math.isfinite(value):
            found.append(value)
    return found


@dataclass(frozen=True)
class Numeric:
    """The last number of the answer is the reference's, within either tolerance."""

    absolute: float = field(
        default=1e-9,
        metadata=told("Absolute tolerance", "A number this close to the reference is right."),
    )
    relative: float = field(
        default=1e-6,
        metadata=told(
            "Relative tolerance",
            "So is one this close as a share of the larger of the two: 0.01 for one percent.",
        ),
    )

    def check(self, reference: str) -> None:
        """See `Scorer.check`."""
        if not numbers(reference):
            raise ValueError(f"The reference `{reference[:80]}` holds no number.")

    def score(self, answer: str, reference: str) -> Score:
        """See `Scorer.score`."""
        said, wanted = numbers(answer), numbers(reference)[-1]
        if not said:
            return yes_or_no(False, "holds no number")
        close = math.isclose(said[-1], wanted, rel_tol=self.relative, abs_tol=self.absolute)
        return yes_or_no(close, f"{said[-1]:g} for {wanted:g}")
