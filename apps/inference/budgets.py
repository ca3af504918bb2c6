"""What a run may spend: no question goes out that could take it over its cap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from apps.inference.endpoints.protocol import Fault, Said

# US dollars of a call, from its tokens in and out.
Cost = Callable[[int, int], Decimal]

UNLIMITED_TOKENS = 4_096
"""What an answer without a limit is reckoned at."""

_BYTES_A_TOKEN = 2  # fewer than common tokenizers take: where nothing is counted, more is reckoned
_AROUND = 20  # tokens that the protocol puts around a question


@dataclass
class Purse:
    """Money for the questions of a run. What each one may cost at most is put aside while it is out.

    Tokens that an endpoint does not count are reckoned by the length of the texts: the cap holds for
    such answers as well, though what they cost stays unknown.

    Attributes:
        cap, left: US dollars. max_tokens: of one call's answer. answered, total: of the run so far.
    """

    cap: Decimal
    left: Decimal
    cost: Cost
    max_tokens: int | None = None
    answered: int = 0
    total: int = 0
    _aside: dict[str, tuple[Decimal, int]] = field(default_factory=dict, init=False)
    _sum: Decimal = field(default=Decimal(0), init=False)

    def reserve(self, item_id: str, texts: Sequence[str], *, calls: int) -> bool:
        """Put aside what the calls of a question may cost at most; False where that is not left.

        `texts`: all that is sent.
        """
        tokens = sum(map(reckoned, texts)) + calls * _AROUND
        most = self.cost(tokens, calls * (self.max_tokens or UNLIMITED_TOKENS))
        most += (calls - 1) * self.cost(0, 0)  # what each call costs by itself
        if self._sum + most > self.left:
            return False
        self._aside[item_id] = (most, tokens // calls)
        self._sum += most
        return True

    def settle(self, item_id: str, outcomes: Sequence[Said | Fault]) -> None:
        """Pay for what a question came to, and free the rest of what was put aside."""
        most, tokens = self._aside.pop(item_id)
        self._sum -= most
        for outcome in outcomes:
            tokens_in, tokens_out = outcome.input_tokens, outcome.output_tokens
            if isinstance(outcome, Said):
                tokens_in = tokens if tokens_in is None else tokens_in
                tokens_out = reckoned(outcome.text) if tokens_out is None else tokens_out
            if tokens_in or tokens_out:
                self.left -= self.cost(tokens_in or 0, tokens_out or 0)
        self.answered += isinstance(outcomes[-1], Said)

    @property
    def sentence(self) -> str:
        """Why no further question goes out."""
        return (
            f"Stopped at the cap of ${self.cap.normalize():f}: {self.answered:,} of {self.total:,} "
            "answered. Raise the cap to go on."
        )


def reckoned(text: str) -> int:
    """Tokens of a text, rather too many."""
    return len(text.encode("utf-8", "replace")) // _BYTES_A_TOKEN + 1
