"""What a run may spend: no question goes out that could take it over its cap."""

from __future__ import annotations

from collections.abc import Callable
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
        cap, left: US dollars. instructions: sent with every question. max_tokens: of an answer.
        answered, total: of the run so far.
    """

    cap: Decimal
    left: Decimal
    cost: Cost
    instructions: str = ""
    max_tokens: int | None = None
    answered: int = 0
    total: int = 0
    _aside: dict[str, Decimal] = field(default_factory=dict, init=False)
    _sum: Decimal = field(default=Decimal(0), init=False)

    def reserve(self, item_id: str, prompt: str) -> bool:
        """Put aside what a question may cost at most; False where that is not left."""
        most = self.cost(self._tokens(prompt), self.max_tokens or UNLIMITED_TOKENS)
        if self._sum + most > self.left:
            return False
        self._aside[item_id] = most
        self._sum += most
        return True

    def settle(self, item_id: str, prompt: str, outcome: Said | Fault) -> None:
        """Pay for what a question came to, and free the rest of what was put aside."""
        self._sum -= self._aside.pop(item_id)
        tokens_in, tokens_out = outcome.input_tokens, outcome.output_tokens
        if isinstance(outcome, Said):
            self.answered += 1
            tokens_in = self._tokens(prompt) if tokens_in is None else tokens_in
            tokens_out = reckoned(outcome.text) if tokens_out is None else tokens_out
        if tokens_in or tokens_out:
            self.left -= self.cost(tokens_in or 0, tokens_out or 0)

    @property
    def sentence(self) -> str:
        """Why no further question goes out."""
        return (
            f"Stopped at the cap of ${self.cap.normalize():f}: {self.answered:,} of {self.total:,} "
            "answered. Raise the cap to go on."
        )

    def _tokens(self, prompt: str) -> int:
        return reckoned(prompt) + reckoned(self.instructions) + _AROUND


def reckoned(text: str) -> int:
    """Tokens of a text, rather too many."""
    return len(text.encode("utf-8", "replace")) // _BYTES_A_TOKEN + 1
