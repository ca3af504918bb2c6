"""k nearest neighbours.

Li, *Rethinking Predictive Modeling for LLM Routing: When Simple kNN Beats Complex Learned Routers*,
2025 (arXiv 2505.12601): a model's expected score on a prompt is its mean over the k training
prompts most alike by cosine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable
from apps.routing.duplicates import clusters
from apps.routing.metrics import hull

from .base import Embeddings, Forecast
from .fitted import Fitted

NEIGHBOURS = (10, 20, 40, 80, 160, 320)
"""What k is chosen from, as far as there are twice as many prompts."""

_CHUNK = 512
_LAMBDAS = np.concatenate([[0.0], np.geomspace(1e-2, 1e2, 24)])
"""Settings of the dial at which k is judged, in score per difference of the dearest model's and the
cheapest one's cost."""


class Knn(Fitted):
    """The mean over the k nearest training prompts on which the model was run.

    k is the one that routes the training prompts best when each is foretold by the others: by the
    area under the hull of the cost-quality curve, not by the error of the forecasts, which is
    smallest at a k that routes worse. Those forecasts are kept for the guard.

    Attributes:
        held_out: of the training prompts by the others; None where it was loaded, and once a model
            has joined.
    """

    NAME = "knn"
    ARRAYS = ("vectors", "scores")
    VALUES = ("k",)

    vectors: NDArray[np.float32]
    """[n_seen, n_dimensions]"""
    scores: Floats
    """[n_seen, n_models], NaN where a model was not run."""
    k: int
    held_out: Forecast | None = None

    def _learn(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        self.vectors = embeddings.vectors.astype(np.float32)
        self.scores = outcomes.score
        tried = [k for k in NEIGHBOURS if 2 * k <= outcomes.n_prompts] or [NEIGHBOURS[0]]
        foretold = self._by_the_others(tried, clusters(embeddings.prompts))
        cost = np.broadcast_to(self.mean_cost, outcomes.score.shape)
        worth = [self._routed(one, outcomes.score) for one in foretold]
        best = int(np.argmax(worth))
        self.k = tried[best]
        self.held_out = Forecast(score=foretold[best], cost=cost)

    def _add(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """The new model's prompts join those seen; the others were not run on them."""
        seen, models = self.scores.shape
        scores = np.full((seen + outcomes.n_prompts, models + 1), np.nan)
        scores[:seen, :models] = self.scores
        scores[seen:, models:] = outcomes.score
        self.scores = scores
        self.vectors = np.vstack([self.vectors, embeddings.vectors.astype(np.float32)])
        self.held_out = None

    def _forecast(self, embeddings: Embeddings) -> Forecast:
        mean = np.empty((len(embeddings.prompts), len(self.model_names)))
        error = np.empty_like(mean)
        patterns = _run_alike(self.scores)
        most = max(len(seen) for _, seen in patterns)
        for start in range(0, len(mean), _CHUNK):
            rows = slice(start, start + _CHUNK)
            alike = embeddings.vectors[rows] @ self.vectors.T
            for columns, seen in patterns:
                # A model that joined from few prompts has as near neighbours as the others.
                k = max(NEIGHBOURS[0], round(self.k * len(seen) / most))
                near = _nearest(alike[:, seen], k)
                found = self.scores[np.ix_(seen, columns)][near]
                mean[rows, columns] = found.mean(axis=1)
                error[rows, columns] = found.std(axis=1) / np.sqrt(near.shape[1])
        return Forecast(score=mean, cost=np.broadcast_to(self.mean_cost, mean.shape), error=error)

    def _by_the_others(self, tried: list[int], kin: NDArray[np.intp]) -> list[Floats]:
        """For each k, forecasts of the training prompts by the other ones, [n_seen, n_models].

        Of the neighbours, those count on which a model was run; its mean, where there are none.
        Prompts with the same `kin` [n_seen] are near-duplicates and say nothing of each other.
        """
        n, models = self.scores.shape
        known = ~np.isnan(self.scores)
        values = np.where(known, self.scores, 0.0)
        found = [np.empty((n, models)) for _ in tried]
        most = min(tried[-1], n - 1)
        for start in range(0, n, _CHUNK):
            rows = slice(start, min(start + _CHUNK, n))
            alike = self.vectors[rows] @ self.vectors.T
            alike[kin[rows, None] == kin] = -np.inf
            near = _nearest(alike, most)
            order = np.argsort(-np.take_along_axis(alike, near, axis=1), axis=1)
            near = np.take_along_axis(near, order, axis=1)
            other = np.isfinite(np.take_along_axis(alike, near, axis=1))[..., None]
            begin, total, count = 0, np.zeros((len(near), models)), np.zeros((len(near), models))
            for place, k in enumerate(tried):
                step, counts = near[:, begin:k], other[:, begin:k]
                total = total + (values[step] * counts).sum(axis=1)
                count = count + (known[step] & counts).sum(axis=1)
                mean = np.where(count > 0, total / np.maximum(count, 1), self.mean_score)
                found[place][rows] = mean
                begin = k
        return found

    def _routed(self, foretold: Floats, score: Floats) -> float:
        """What routing by these forecasts is worth: the area under the hull, or without costs the
        mean score."""
        rows = np.arange(len(score))
        spread = np.ptp(self.mean_cost)
        if not spread > 0:
            return float(np.nanmean(score[rows, np.argmax(foretold, axis=1)]))
        chosen = [np.argmax(foretold - step * self.mean_cost / spread, axis=1) for step in _LAMBDAS]
        quality = [float(np.nanmean(score[rows, one])) for one in chosen]
        cost = [float(self.mean_cost[one].mean()) for one in chosen]
        cheapest = int(np.argmin(self.mean_cost))
        curve = hull([*cost, self.mean_cost[cheapest]], [*quality, self.mean_score[cheapest]])
        return curve.mean(float(self.mean_cost.min()), float(self.mean_cost.max()))


def _nearest(alike: NDArray[np.float32], k: int) -> NDArray[np.intp]:
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
