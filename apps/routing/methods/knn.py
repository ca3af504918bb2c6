"""k nearest neighbours.

Li, *Rethinking Predictive Modeling for LLM Routing: When Simple kNN Beats Complex Learned Routers*,
2025 (arXiv 2505.12601): a model's expected score on a prompt is its mean over the k training
prompts most alike by cosine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable

from .base import Embeddings, Forecast
from .fitted import Fitted

_CHUNK = 1024


class Knn(Fitted):
    """The mean over the 40 nearest training prompts on which the model was run."""

    NAME = "knn"
    ARRAYS = ("vectors", "scores")
    VALUES = ("k",)

    vectors: NDArray[np.float32]
    """[n_seen, n_dimensions]"""
    scores: Floats
    """[n_seen, n_models], NaN where a model was not run."""

    def __init__(self, *, seed: int = 0, k: int = 40) -> None:
        """See `Fitted`; `k` neighbours count."""
        super().__init__(seed=seed)
        self.k = k

    def _learn(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        self.vectors = embeddings.vectors.astype(np.float32)
        self.scores = outcomes.score

    def _add(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """The new model's prompts join those seen; the others were not run on them."""
        seen, models = self.scores.shape
        scores = np.full((seen + outcomes.n_prompts, models + 1), np.nan)
        scores[:seen, :models] = self.scores
        scores[seen:, models:] = outcomes.score
        self.scores = scores
        self.vectors = np.vstack([self.vectors, embeddings.vectors.astype(np.float32)])

    def _forecast(self, embeddings: Embeddings) -> Forecast:
        mean = np.empty((len(embeddings.prompts), len(self.model_names)))
        error = np.empty_like(mean)
        for start in range(0, len(mean), _CHUNK):
            rows = slice(start, start + _CHUNK)
            alike = embeddings.vectors[rows] @ self.vectors.T
            for columns, seen in _run_alike(self.scores):
                near = nearest(alike[:, seen], self.k)
                found = self.scores[np.ix_(seen, columns)][near]
                mean[rows, columns] = found.mean(axis=1)
                error[rows, columns] = found.std(axis=1) / np.sqrt(near.shape[1])
        return Forecast(score=mean, cost=np.broadcast_to(self.mean_cost, mean.shape), error=error)


def nearest(alike: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """The columns of the k largest numbers of each row, [n_rows, min(k, n_columns)], unordered."""
    if k >= alike.shape[1]:
        return np.broadcast_to(np.arange(alike.shape[1]), alike.shape)
    return np.argpartition(-alike, k - 1, axis=1)[:, :k]


def _run_alike(scores: Floats) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Models in groups that were run on the same prompts, each with those prompts."""
    patterns, of = np.unique(~np.isnan(scores), axis=1, return_inverse=True)
    return [
        (np.flatnonzero(of.ravel() == place), np.flatnonzero(pattern))
        for place, pattern in enumerate(patterns.T)
    ]
