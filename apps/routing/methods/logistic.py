"""Logistic regression from the embedding to each model's score.

The logistic router of arXiv 2505.12601's comparison. A graded score counts as that share of a win.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable

from .base import Embeddings
from .fitted import Fitted, logit, sigmoid

_PENALTY = 1.0
_STEPS = 200


class Logistic(Fitted):
    """One logistic regression a model, all fitted at once; ridge penalty 1 on the weights."""

    NAME = "logistic"
    ARRAYS = ("weights", "intercept")

    weights: NDArray[np.float64]
    """[n_dimensions, n_models]"""
    intercept: Floats
    """[n_models]"""

    def _learn(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        from scipy.optimize import minimize

        x = embeddings.vectors.astype(np.float64)
        ran = outcomes.ran
        wins = np.where(ran, outcomes.score, 0.0)
        shape = (self.dimensions + 1, outcomes.n_models)

        def loss(flat: Floats) -> tuple[float, Floats]:
            weights, intercept = flat.reshape(shape)[:-1], flat.reshape(shape)[-1]
            margin = x @ weights + intercept
            away = np.where(ran, sigmoid(margin) - wins, 0.0)
            cost = np.where(ran, np.logaddexp(0.0, margin) - wins * margin, 0.0).sum()
            slope = np.vstack([x.T @ away + _PENALTY * weights, away.sum(axis=0)])
            return float(cost + 0.5 * _PENALTY * (weights**2).sum()), slope.ravel()

        start = np.zeros(shape)
        start[-1] = logit(self.mean_score)
        found = minimize(
            loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}
        )
        self.weights, self.intercept = found.x.reshape(shape)[:-1], found.x.reshape(shape)[-1]

    def _scores(self, embeddings: Embeddings) -> Floats:
        return sigmoid(embeddings.vectors.astype(np.float64) @ self.weights + self.intercept)
