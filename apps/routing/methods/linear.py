"""Ridge regression from the embedding to each model's score.

The linear router of RouterBench (arXiv 2403.12031) and of arXiv 2505.12601.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable

from .base import Embeddings
from .fitted import Fitted

_PENALTY = 10.0


class Linear(Fitted):
    """One ridge regression a model, penalty 10 on the weights, none on the intercept."""

    NAME = "linear"
    ARRAYS = ("weights", "intercept")

    weights: NDArray[np.float64]
    """[n_dimensions, n_models]"""
    intercept: Floats
    """[n_models]"""

    def _learn(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        vectors = embeddings.vectors.astype(np.float64)
        self.weights = np.empty((self.dimensions, outcomes.n_models))
        self.intercept = np.empty(outcomes.n_models)
        patterns, of = np.unique(outcomes.ran, axis=1, return_inverse=True)
        for place, ran in enumerate(patterns.T):
            models = np.flatnonzero(of.ravel() == place)
            x, y = vectors[ran], outcomes.score[np.ix_(ran, models)]
            middle = x.mean(axis=0)
            gram = (x - middle).T @ (x - middle) + _PENALTY * np.eye(self.dimensions)
            self.weights[:, models] = np.linalg.solve(gram, (x - middle).T @ (y - y.mean(axis=0)))
            self.intercept[models] = y.mean(axis=0) - middle @ self.weights[:, models]

    def _scores(self, embeddings: Embeddings) -> Floats:
        return embeddings.vectors.astype(np.float64) @ self.weights + self.intercept
