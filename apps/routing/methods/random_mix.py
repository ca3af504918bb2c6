"""Lots are drawn: the null model that every router must beat."""

from __future__ import annotations

import zlib

import numpy as np

from apps.catalog.tables import Floats, OutcomeTable

from .base import Embeddings, Forecast
from .fitted import Fitted


class RandomMix(Fitted):
    """Ranks the models by a lot drawn for each prompt; two equal prompts draw the same.

    What it states as expected scores are the models' means.
    """

    NAME = "random-mix"

    def _forecast(self, embeddings: Embeddings) -> Forecast:
        shape = (len(embeddings.prompts), len(self.model_names))
        return Forecast(
            score=self._lots(embeddings),
            cost=np.broadcast_to(self.mean_cost, shape),
            probability=np.broadcast_to(self.mean_score, shape),
        )

    def _lots(self, embeddings: Embeddings) -> Floats:
        """Uniform in 0..1 from the text, the model's place and the seed."""
        models = len(self.model_names)
        lots = np.empty((len(embeddings.prompts), models))
        for row, prompt in enumerate(embeddings.prompts):
            text = zlib.crc32(prompt.encode("utf-8", "surrogatepass"))
            lots[row] = np.random.default_rng((self.seed, text)).random(models)
        return lots

    def _add(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """Its means are all there is to know of a model."""
