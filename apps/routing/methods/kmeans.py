"""Clusters of prompts and a table of each model's mean in them.

Jitkrittum et al., *Universal Model Routing for Efficient LLM Inference* (UniRoute), 2025 (arXiv
2502.08773); Zhang et al., *The Avengers*, 2025 (arXiv 2505.19797), route the same way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable

from .base import Embeddings
from .fitted import Fitted, column_means

_CLUSTERS = 32
_PRIOR = 5.0
"""Prompts' worth of weight of a model's mean over all clusters."""


class KMeans(Fitted):
    """32 clusters by k-means; a new model needs its outcomes on some prompts and nothing else."""

    NAME = "kmeans"
    ARRAYS = ("centres", "table")

    centres: NDArray[np.float32]
    """[n_clusters, n_dimensions]"""
    table: Floats
    """[n_clusters, n_models]"""

    def _learn(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        from sklearn.cluster import KMeans as Clustering

        vectors = embeddings.vectors.astype(np.float32)
        count = min(_CLUSTERS, len(np.unique(vectors, axis=0)))
        clustering = Clustering(n_clusters=count, n_init=1, random_state=self.seed)
        self.centres = clustering.fit(vectors).cluster_centers_.astype(np.float32)
        self.table = self._rows(outcomes, embeddings, self.mean_score)

    def _scores(self, embeddings: Embeddings) -> Floats:
        return self.table[self._nearest(embeddings)]

    def _add(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        new = self._rows(outcomes, embeddings, column_means(outcomes.score))
        self.table = np.hstack([self.table, new])

    def _nearest(self, embeddings: Embeddings) -> NDArray[np.intp]:
        """The cluster of each prompt, [n_prompts]."""
        # Of the squared distance, what does not depend on the cluster is left out.
        away = (self.centres**2).sum(axis=1) - 2 * embeddings.vectors @ self.centres.T
        return np.asarray(np.argmin(away, axis=1))

    def _rows(self, outcomes: OutcomeTable, embeddings: Embeddings, mean: Floats) -> Floats:
        member = np.eye(len(self.centres))[:, self._nearest(embeddings)]
        total = member @ np.where(outcomes.ran, outcomes.score, 0.0)
        return np.asarray((total + _PRIOR * mean) / (member @ outcomes.ran + _PRIOR))
