"""The best single model: one model for every prompt at any price."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .base import Forecast
from .zero import Zero


class BestSingle(Zero):
    """Names the model with the best mean score on the training prompts; of equals the cheapest."""

    NAME = "best-single"

    def choose(self, forecast: Forecast, lam: float) -> NDArray[np.intp]:
        """The same model for each prompt, [n_prompts]."""
        best = np.flatnonzero(self.mean_score == self.mean_score.max())
        cheapest = best[np.argmin(np.nan_to_num(self.mean_cost[best], nan=np.inf))]
        return np.full(len(forecast.score), cheapest, dtype=np.intp)
