"""The length of the prompt and nothing else: the null model for unseen subjects and data sets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable

from .base import Embeddings
from .fitted import Fitted


class PromptLength(Fitted):
    """A straight line a model from the logarithm of the number of characters to the score."""

    NAME = "prompt-length"
    ARRAYS = ("slope", "middle")

    slope: Floats
    """[n_models], score per unit of log length."""
    middle: Floats
    """[n_models], the mean log length of the prompts a model was run on."""

    def _learn(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        self.slope, self.middle = _lines(outcomes, _log_lengths(embeddings))

    def _scores(self, embeddings: Embeddings) -> Floats:
        away = _log_lengths(embeddings)[:, None] - self.middle
        return np.asarray(self.mean_score + self.slope * away)

    def _add(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        slope, middle = _lines(outcomes, _log_lengths(embeddings))
        self.slope, self.middle = np.append(self.slope, slope), np.append(self.middle, middle)


def _log_lengths(embeddings: Embeddings) -> NDArray[np.float64]:
    return np.log1p([float(len(prompt)) for prompt in embeddings.prompts])


def _lines(outcomes: OutcomeTable, length: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Least squares over the prompts each model was run on; flat where all are equally long."""
    slope, middle = np.zeros(outcomes.n_models), np.zeros(outcomes.n_models)
    for model, ran in enumerate(outcomes.ran.T):
        x, y = length[ran], outcomes.score[ran, model]
        middle[model] = x.mean()
        spread = ((x - x.mean()) ** 2).sum()
        if spread > 1e-12:
            slope[model] = (x - x.mean()) @ (y - y.mean()) / spread
    return slope, middle
