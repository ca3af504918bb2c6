"""Ask a cheap model first, and a dearer one where a judge does not accept the answer.

Chen, Zaharia and Zou, *FrugalGPT*, 2023 (arXiv 2305.05176): a chain of at most three models, of
which the answer is kept that a scorer rates above a threshold; chain and thresholds are chosen on
training prompts under a budget. The judge is that of RouterBench (Hu et al., 2024, arXiv
2403.12031): it knows the score of an answer, but errs at a given rate; other than there, each of its
verdicts is paid for.

The judge is simulated. What a cascade brings with it is what it would bring with a real judge of
that error rate: measure that rate on your own answers before you believe it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable
from apps.routing.metrics import hull

from .base import Embeddings
from .fitted import column_means
from .replayed import Replayed

LONGEST = 3
_THRESHOLDS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Chain:
    """Models in the order in which they are asked, and from which reading on an answer is kept."""

    models: tuple[int, ...]
    threshold: float


class Cascade:
    """Chains on the hull of cost and quality over the training prompts; each is a setting.

    Attributes:
        judge_error: share of answers that the judge reads as one minus their score.
        judge_cost: US dollars a verdict; the mean cost of the cheapest model where None was given.
        chains: from the one that costs most.
    """

    def __init__(
        self, *, seed: int = 0, judge_error: float = 0.1, judge_cost: float | None = None
    ) -> None:
        """Raises ValueError for an error rate outside 0..1, or a negative price."""
        if not 0 <= judge_error <= 1 or (judge_cost is not None and not judge_cost >= 0):
            raise ValueError(
                f"A judge that errs at a rate of {judge_error} and costs {judge_cost}: the rate is "
                "within 0..1, the cost not negative."
            )
        self.seed = seed
        self.judge_error = judge_error
        self.judge_cost = judge_cost
        self.chains: tuple[Chain, ...] = ()

    def fit(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """See `Replay.fit`; the prompts' texts do not matter."""
        outcomes = _complete(outcomes)
        price = column_means(outcomes.cost)
        if self.judge_cost is None:
            self.judge_cost = float(price.min())
        by_price = [int(model) for model in np.argsort(price, kind="stable")]
        graded = not np.isin(outcomes.score, (0.0, 1.0)).all()
        chains = [
            Chain(models, threshold)
            for length in range(1, min(LONGEST, len(by_price)) + 1)
            for models in combinations(by_price, length)
            for threshold in (_THRESHOLDS if graded and length > 1 else (0.5,))
        ]
        read = self._read(outcomes)
        points = np.array([self._means(chain, outcomes, read) for chain in chains])
        frontier = hull(points[:, 0], points[:, 1])
        at = [
            int(np.argmin(np.hypot(points[:, 0] - cost, points[:, 1] - quality)))
            for cost, quality in zip(frontier.cost, frontier.quality, strict=True)
        ]
        self.chains = tuple(chains[place] for place in dict.fromkeys(reversed(at)))

    def replay(self, outcomes: OutcomeTable, embeddings: Embeddings) -> Replayed:
        """See `Replay.replay`."""
        if not self.chains:
            raise ValueError("This cascade has not been trained.")
        if not outcomes.ran.all() or np.isnan(outcomes.cost).any():
            raise ValueError(
                "A cascade is replayed on prompts whose every outcome and cost is known."
            )
        read = self._read(outcomes)
        played = [self._play(chain, outcomes, read) for chain in self.chains]
        return Replayed(
            score=np.array([score for score, _ in played]),
            cost=np.array([cost for _, cost in played]),
        )

    def _read(self, outcomes: OutcomeTable) -> Floats:
        """What the judge reads [n_prompts, n_models]; it errs anew on each prompt, by its id."""
        draws = np.array(
            [
                np.random.default_rng([self.seed, zlib.crc32(name.encode())]).random(
                    outcomes.n_models
                )
                for name in outcomes.prompt_ids
            ]
        )
        return np.where(draws < self.judge_error, 1 - outcomes.score, outcomes.score)

    def _play(self, chain: Chain, outcomes: OutcomeTable, read: Floats) -> tuple[Floats, Floats]:
        """Score and cost [n_prompts] of what a chain does."""
        asking: NDArray[np.bool_] = np.ones(outcomes.n_prompts, dtype=bool)
        score, cost = np.zeros((2, outcomes.n_prompts))
        for model in chain.models:
            score = np.where(asking, outcomes.score[:, model], score)
            cost = cost + asking * outcomes.cost[:, model]
            if model != chain.models[-1]:  # the last answer is kept, whatever a judge may say
                cost = cost + asking * (self.judge_cost or 0.0)
                asking = asking & (read[:, model] < chain.threshold)
        return score, cost

    def _means(self, chain: Chain, outcomes: OutcomeTable, read: Floats) -> tuple[float, float]:
        score, cost = self._play(chain, outcomes, read)
        return float(cost.mean()), float(score.mean())


def _complete(outcomes: OutcomeTable) -> OutcomeTable:
    """The prompts of which every outcome and every cost is known.

    Raises:
        ValueError: there are fewer than 20.
    """
    known = outcomes.ran.all(axis=1) & ~np.isnan(outcomes.cost).any(axis=1)
    if known.sum() < 20:
        raise ValueError(
            f"A cascade is chosen on prompts whose every outcome and cost is known: {known.sum()} "
            "are too few, at least 20 are needed."
        )
    return outcomes.subset(prompts=np.flatnonzero(known))
