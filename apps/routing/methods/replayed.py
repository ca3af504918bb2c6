"""What decides otherwise than from a forecast, played on recorded outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from apps.catalog.tables import Floats, OutcomeTable

from .base import Embeddings


@dataclass(frozen=True, eq=False)
class Replayed:
    """What each setting of a dial would have brought and cost, the best one first.

    Attributes:
        score: [n_settings, n_prompts], of the answer that was kept.
        cost: [n_settings, n_prompts], US dollars for all that was called.
    """

    score: Floats
    cost: Floats


class Replay(Protocol):
    """A way to decide that sees more than a prompt (answers, say), or has a dial of its own.

    It is evaluated beside the routers, and does not serve: it has no forecast to decide from.
    """

    def fit(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """Learn from outcomes, as `Router.fit`.

        Raises:
            ValueError: one sentence, where there is too little to learn from.
        """

    def replay(self, outcomes: OutcomeTable, embeddings: Embeddings) -> Replayed:
        """Decide on other prompts, whose every outcome is recorded.

        Raises:
            ValueError: an outcome that is needed was not recorded.
        """


class ReplayFactory(Protocol):
    """How one is made: `REPLAYS["cascade-judge-error-10"](seed=0)`."""

    def __call__(self, *, seed: int = 0) -> Replay:
        """One at its start, untrained."""
