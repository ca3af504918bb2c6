"""The best single model: one model for every prompt at any price."""

from __future__ import annotations

import numpy as np

from apps.catalog.tables import Mask

from .zero import Zero


class BestSingle(Zero):
    """Allows only the model with the best mean score on the training prompts, of equals the
    cheapest; what it expects of the models are their means."""

    NAME = "best-single"

    @property
    def allowed(self) -> Mask:
        """[n_models], which models may be chosen."""
        best = np.flatnonzero(self.mean_score == self.mean_score.max())
        cheapest = best[np.argmin(np.nan_to_num(self.mean_cost[best], nan=np.inf))]
        return np.asarray(np.arange(len(self.model_names)) == cheapest)
