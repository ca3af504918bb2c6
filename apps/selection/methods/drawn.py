"""What methods share that draw each item with a known probability, without replacement."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from apps.catalog.tables import NOT_LABELLED, Floats, Mask, PredictionTable

from .base import Indices, LabelledPool, Suggestions


@dataclass(frozen=True)
class Draw:
    """An item that was drawn and is labelled, and its probability among those not drawn before."""

    item: int
    probability: float


class Drawn(LabelledPool, ABC):
    """One item at a time, drawn in proportion to weights from the items not drawn before.

    The draws are a chain that the seed and the labels alone decide: each draw whose item has a label
    is followed by the next one; the first whose item has none is the suggestion. So a session that
    is read back, its labels in any order, arrives at the same chain, and the chain carries the
    probabilities that unbiased estimates need. An item labelled for another reason stays in the
    draws until its turn comes, and is then passed without asking.

    A batch of several is another draw from the items without a label (see `sample`): its
    probabilities are exact too, but belong to no chain.
    """

    def __init__(self, table: PredictionTable, *, seed: int = 0) -> None:
        super().__init__(table, seed=seed)
        self.chain: list[Draw] = []
        self._free = np.ones(table.n_items, dtype=bool)
        self._waiting: Draw | None = None

    @abstractmethod
    def weights(self) -> Floats:
        """[n_items], not negative, after the draws of `self.chain`; only ratios matter."""

    def drawn(self, draw: Draw, label: int) -> None:
        """Called with each new draw of the chain and its label."""

    def suggest(self, k: int) -> Suggestions:
        """See `SelectionMethod.suggest`."""
        left = self.unlabelled()
        if k == 1 and left.any():
            draw = self.follow()
            return Suggestions(np.array([draw.item]), np.array([draw.probability]))
        self.follow()
        items = np.flatnonzero(left)
        random = np.random.default_rng((self._seed, self.n_labelled, 2))
        places, probabilities = sample(self.weights()[items], k, random)
        return Suggestions(items[places], probabilities)

    def follow(self) -> Draw:
        """Go on with the chain to the first item without a label; the last draw where there is none."""
        while True:
            if self._waiting is None:
                if not self._free.any():
                    return self.chain[-1]
                self._waiting = self._next()
            label = int(self.labels[self._waiting.item])
            if label == NOT_LABELLED:
                return self._waiting
            draw, self._waiting = self._waiting, None
            self.chain.append(draw)
            self._free[draw.item] = False
            self.drawn(draw, label)

    def _next(self) -> Draw:
        items = np.flatnonzero(self._free)
        random = np.random.default_rng((self._seed, len(self.chain)))
        places, probabilities = sample(self.weights()[items], 1, random)
        return Draw(int(items[places[0]]), float(probabilities[0]))


def sample(weights: Floats, k: int, random: np.random.Generator) -> tuple[Indices, Floats]:
    """Up to k distinct places in proportion to the weights, and the exact probability of each.

    A place is drawn with probability min(1, c w), c such that they sum to k (systematic sampling in
    random order). Places of weight 0 are drawn, all alike, only where too few others are left.

    Args:
        weights: [n], finite and not negative.
        k: how many; all of them where n is less.

    Raises:
        ValueError: k is less than 1.

    Source: W. G. Madow, "On the theory of systematic sampling, II", 1949.
    """
    if k < 1:
        raise ValueError(f"At least one item must be asked for, not {k}.")
    positive = weights > 0
    wanted = min(k, len(weights))
    if (n_positive := int(positive.sum())) <= wanted:
        chances = positive.astype(float)
        if wanted > n_positive:
            chances[~positive] = (wanted - n_positive) / (len(weights) - n_positive)
    else:
        chances = _inclusion(weights, wanted)
    order = random.permutation(len(weights))
    ends = np.cumsum(chances[order])
    steps = (random.random() + np.arange(wanted)) * (ends[-1] / max(wanted, 1)) if wanted else []
    places = order[np.searchsorted(ends, steps, side="right")]
    places = places[np.argsort(-weights[places], kind="stable")]
    return places, chances[places]


def _inclusion(weights: Floats, wanted: int) -> Floats:
    """Probabilities in proportion to the weights that sum to `wanted`, none above 1."""
    sure: Mask = np.zeros(len(weights), dtype=bool)
    while True:
        chances = weights * ((wanted - sure.sum()) / weights[~sure].sum())
        chances[sure] = 1.0
        over = (chances >= 1) & ~sure
        if not over.any():
            return np.asarray(chances)
        sure |= over
