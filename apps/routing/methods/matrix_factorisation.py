"""Matrix factorisation of models by prompts.

Ong et al., *RouteLLM*, 2024 (arXiv 2406.18665), in the pointwise form of Zhuang et al.,
*EmbedLLM: Learning Compact Representations of Large Language Models*, 2025 (arXiv 2410.02223):
delta(m, x) = w . (P_m * W e(x)) + b_m, trained on right and wrong instead of on who won, because
scores are to be foretold; Gaussian noise is added to e(x) in training.
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

_FACTORS = 128
_NOISE = 0.1
_RATE = 1e-3
_DECAY = 1e-5
_EPOCHS = 100


class MatrixFactorisation(Fitted):
    """128 factors; models are unit vectors, weighed by factor."""

    NAME = "matrix-factorisation"
    ARRAYS = ("prompts", "models", "bias")

    prompts: NDArray[np.float32]
    """[n_dimensions, 128]"""
    models: NDArray[np.float32]
    """[128, n_models], the weights of the factors multiplied in."""
    bias: NDArray[np.float32]
    """[n_models]"""

    def _learn(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        self.prompts, models, weights, self.bias = train(
            self._start,
            lambda p, x: (x @ p[0]) @ (p[1] / p[1].norm(dim=0) * p[2][:, None]) + p[3],
            outcomes,
            embeddings,
            seed=self.seed,
            rate=_RATE,
            decay=_DECAY,
            epochs=_EPOCHS,
            noise=_NOISE,
        )
        self.models = models / np.linalg.norm(models, axis=0) * weights[:, None]

    def _start(self, random: torch.Generator) -> list[torch.Tensor]:
        import torch

        bias = torch.from_numpy(logit(self.mean_score).astype(np.float32))
        return [
            torch.randn(self.dimensions, _FACTORS, generator=random),
            torch.randn(_FACTORS, len(self.model_names), generator=random),
            torch.full((_FACTORS,), _FACTORS**-0.5),
            bias,
        ]

    def _scores(self, embeddings: Embeddings) -> Floats:
        margin = (embeddings.vectors @ self.prompts) @ self.models + self.bias
        return sigmoid(margin.astype(np.float64))
