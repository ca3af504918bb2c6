"""A small neural network from the embedding to all scores.

The MLP router of RouterBench (Hu et al. 2024, arXiv 2403.12031): one hidden layer of 100 ReLU
units, Adam with step 1e-3.
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

_HIDDEN = 100
_DECAY = 1e-4
_EPOCHS = 100


class Mlp(Fitted):
    """A network with one output a model, trained on the cross-entropy."""

    NAME = "mlp"
    ARRAYS = ("inner", "inner_bias", "outer", "outer_bias")

    inner: NDArray[np.float32]
    """[n_dimensions, 100]"""
    inner_bias: NDArray[np.float32]
    outer: NDArray[np.float32]
    """[100, n_models]"""
    outer_bias: NDArray[np.float32]

    def _learn(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        self.inner, self.inner_bias, self.outer, self.outer_bias = train(
            self._start,
            lambda p, x: (x @ p[0] + p[1]).relu() @ p[2] + p[3],
            outcomes,
            embeddings,
            seed=self.seed,
            rate=1e-3,
            decay=_DECAY,
            epochs=_EPOCHS,
        )

    def _start(self, random: torch.Generator) -> list[torch.Tensor]:
        import torch

        # He et al. 2015; rows of unit length have entries of 1 / sqrt(n_dimensions).
        inner = torch.randn(self.dimensions, _HIDDEN, generator=random) * 2**0.5
        outer = torch.randn(_HIDDEN, len(self.model_names), generator=random) / _HIDDEN**0.5
        bias = torch.from_numpy(logit(self.mean_score).astype(np.float32))
        return [inner, torch.zeros(_HIDDEN), 0.1 * outer, bias]

    def _scores(self, embeddings: Embeddings) -> Floats:
        hidden = np.maximum(embeddings.vectors @ self.inner + self.inner_bias, 0.0)
        return sigmoid((hidden @ self.outer + self.outer_bias).astype(np.float64))
