"""The zero router: the same mixture of models for every prompt, whatever the prompt says.

Hu et al., *RouterBench: A Benchmark for Multi-LLM Routing System*, 2024 (arXiv 2403.12031): the
non-decreasing convex hull of the single models. A router that does not beat it learned nothing.
"""

from __future__ import annotations

import numpy as np

from apps.catalog.tables import Floats, OutcomeTable

from .base import Embeddings
from .fitted import Fitted


class Zero(Fitted):
    """Expects of every prompt each model's mean on the training prompts.

    What it deploys at a willingness to pay is the best single model there; the mixtures between two
    of them are the hull of its cost-quality curve.
    """

    NAME = "zero"

    def _scores(self, embeddings: Embeddings) -> Floats:
        return np.tile(self.mean_score, (len(embeddings.prompts), 1))

    def _add(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """Its means are all there is to know of a model."""
