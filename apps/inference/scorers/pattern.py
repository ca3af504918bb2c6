"""A pattern in the answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from .base import MAX_ANSWER, Score, told, yes_or_no

MAX_SECONDS = 0.2
_MAX_PATTERN = 2_000


@dataclass(frozen=True)
class Pattern:
    """The reference, a regular expression, is found in the answer. Patterns that take long fail."""

    ignore_case: bool = field(
        default=False, metadata=told("Ignore case", "Small and capital letters are the same.")
    )

    def check(self, reference: str) -> None:
        """See `Scorer.check`."""
        import regex

        if not reference or len(reference) > _MAX_PATTERN:
            raise ValueError(f"A pattern has 1 to {_MAX_PATTERN:,} characters.")
        try:
            regex.compile(reference)
        except (regex.error, RecursionError, OverflowError) as error:
            raise ValueError(f"The pattern `{reference[:80]}` is not one: {error}.") from error

    def score(self, answer: str, reference: str) -> Score:
        """See `Scorer.score`."""
        import regex

        flags = regex.IGNORECASE if self.ignore_case else 0
        try:
            found = regex.search(
                reference, answer[:MAX_ANSWER], flags=flags, timeout=MAX_SECONDS, concurrent=True
            )
        except TimeoutError:
            return yes_or_no(False, f"the pattern took longer than {MAX_SECONDS:g} s")
        return yes_or_no(found is not None, "is found" if found else "is not found")
