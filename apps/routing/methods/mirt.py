"""Multidimensional item response theory with items described by their embedding.

Song et al., *IRT-Router: Effective and Interpretable Multi-LLM Routing via Item Response Theory*,
2025 (arXiv 2506.01048): P(m right on x) = sigmoid(a(x) . theta_m - b(x)), a(x) = softplus(A e(x)),
b(x) = B e(x). The abilities theta_m are free here, not read from a description of the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable

from .base import Embeddings
from .fitted import Fitted, logit, sigmoid
from .gradient import train

if TYPE_CHECKING:
    import torch

_TRAITS = 25
_RATE = 1e-2
_DECAY = 1e-5
_EPOCHS = 100
_NEWTON_STEPS = 20


class Mirt(Fitted):
    """25 traits. A new model's ability is fitted alone, prompts keep what they discriminate."""

    NAME = "mirt"
    ARRAYS = ("discrimination", "offset", "difficulty", "ability")

    discrimination: NDArray[np.float32]
    """[n_dimensions, 25], A"""
    offset: NDArray[np.float32]
    """[25]"""
    difficulty: NDArray[np.float32]
    """[n_dimensions + 1], B and its intercept."""
    ability: NDArray[np.float32]
    """[25, n_models], theta"""

    def _learn(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        def margin(p: list[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
            traits = (x @ p[0] + p[1]).exp().log1p()
            return traits @ p[3] - (x @ p[2][:-1] + p[2][-1])[:, None]

        self.discrimination, self.offset, self.difficulty, self.ability = train(
            self._start,
            margin,
            outcomes,
            embeddings,
            seed=self.seed,
            rate=_RATE,
            decay=_DECAY,
            epochs=_EPOCHS,
        )

    def _start(self, random: torch.Generator) -> list[torch.Tensor]:
        import torch

        level = torch.from_numpy(logit(self.mean_score).astype(np.float32))
        # softplus of about -3 is .05: traits start small, and each model at its mean.
        small = float(np.log1p(np.exp(-3.0)))
        ability = level / (_TRAITS * small) + torch.randn(_TRAITS, len(level), generator=random)
        return [
            torch.randn(self.dimensions, _TRAITS, generator=random),
            torch.full((_TRAITS,), -3.0),
            torch.zeros(self.dimensions + 1),
            ability,
        ]

    def _traits(self, embeddings: Embeddings) -> tuple[Floats, Floats]:
        """Discriminations [n_prompts, 25] and difficulties [n_prompts]."""
        x = embeddings.vectors.astype(np.float64)
        difficulty = x @ self.difficulty[:-1] + self.difficulty[-1]
        return np.logaddexp(0.0, x @ self.discrimination + self.offset), difficulty

    def _scores(self, embeddings: Embeddings) -> Floats:
        traits, difficulty = self._traits(embeddings)
        return sigmoid(traits @ self.ability - difficulty[:, None])

    def _add(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """Newton's steps to the ability that is likeliest where abilities are distributed as those
        of the known models."""
        ran = outcomes.ran[:, 0]
        traits, difficulty = self._traits(embeddings)
        traits, difficulty, wins = traits[ran], difficulty[ran], outcomes.score[ran, 0]
        centre = self.ability.mean(axis=1).astype(np.float64)
        spread = self.ability.astype(np.float64) - centre[:, None]
        precision = np.linalg.inv(np.cov(spread, bias=True) + 0.1 * np.eye(_TRAITS))
        theta = centre.copy()
        for _ in range(_NEWTON_STEPS):
            p = sigmoid(traits @ theta - difficulty)
            slope = traits.T @ (wins - p) - precision @ (theta - centre)
            bend = (traits * (p * (1 - p))[:, None]).T @ traits + precision
            step = np.linalg.solve(bend, slope)
            theta += step / max(1.0, float(np.linalg.norm(step)) / 5.0)
            if np.abs(step).max() < 1e-8:
                break
        self.ability = np.column_stack([self.ability, theta.astype(np.float32)])
