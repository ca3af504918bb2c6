"""MODEL SELECTOR: label the items that tell the candidates apart."""

from __future__ import annotations

import numpy as np

from apps.catalog.tables import Floats, PredictionTable

from .base import LabelledPool, Suggestions
from .device import AUTO, resolved
from .votes import Votes

DEFAULT_EPSILON = 0.46
"""The authors' value where none was tuned on the pool."""


class ModelSelector(LabelledPool):
    """The item whose label is expected to leave the least doubt about which model is best.

    The best model is right on any item with probability 1 - epsilon; nothing is assumed of the
    others. So a label multiplies the posterior weight of every model that predicted it by
    gamma = (1 - epsilon) / epsilon, and the next item minimises the expected entropy of the
    posterior over all classes with equal weights:

        (1/C) sum_c H[ p(j) gamma^(model j predicted c) / Z_c ]

    With W the weight of the models that predicted c, S their sum of p log2 p, T that sum over all
    models and Z = gamma W + 1 - W, the entropy of one class has the closed form

        H_c = log2 Z - (gamma (S + W log2 gamma) + T - S) / Z,

    so that one weighted count of the votes scores all items, and classes that nobody predicted for
    an item add the same H = -T for every item: only the at most n_models classes with votes matter.

    Decisions that the paper leaves open:

    * A batch is the k best items at the present posterior. It costs one pass and can be labelled by
      several people in any order; items in it may be alike, which labelling one by one avoids.
    * Items on which all models that were run agree are set aside, as in the paper; they fill the
      batch at random where fewer than k others are left.
    * A model that was not run on an item has no vote in it and no agreement with its label: its
      weight stays, as after a wrong answer. The posterior is thus gamma^correct, and ranks models
      as the decision does. Where the only difference is who was run, the item counts as agreed.
    * The decision is the model with the most right answers, not the mode of the posterior. The
      posterior is not calibrated (it stays far below 0.9 long after the choice is right), so no
      P(best) is stated.

    Args:
        table: the predictions of the candidates.
        seed: for ties and fillings.
        epsilon: in (0, 0.5]; 0.5 learns nothing from labels.
        device: where to compute; see `device.resolved`.

    Raises:
        ValueError: epsilon out of its range, or no such device.

    Source: P. Okanovic, A. Kirsch, J. Kasper, T. Hoefler, A. Krause, N. M. Gürel, "All models are
    wrong, some are useful: model selection with limited labels", AISTATS 2025, arXiv 2410.13609.
    """

    def __init__(
        self,
        table: PredictionTable,
        *,
        seed: int = 0,
        epsilon: float = DEFAULT_EPSILON,
        device: str = AUTO,
    ) -> None:
        if not 0 < epsilon <= 0.5:
            raise ValueError(f"Epsilon is {epsilon:g}; it must be above 0 and at most 0.5.")
        super().__init__(table, seed=seed)
        self._gamma = (1 - epsilon) / epsilon
        self._votes = Votes.of(table.predictions, device=resolved(device, table.predictions.size))

    def suggest(self, k: int) -> Suggestions:
        """See `SelectionMethod.suggest`: disputed items by their score, then others at random."""
        is_open = self.unlabelled()
        scores = np.full(self.table.n_items, -np.inf)
        scores[self._votes.items] = -self.expected_entropy_change()
        items = np.flatnonzero(is_open)
        return self.draw(scores[items], items, k)

    def posterior(self) -> Floats:
        """[n_models], the weight of each model: proportional to gamma^correct."""
        return np.exp(self._log_posterior())

    def expected_entropy_change(self) -> Floats:
        """Sum over classes of H_c - H, in bits, for each disputed item: lower is better.

        This is C times (expected entropy after the label - entropy now).
        """
        log_p = self._log_posterior()
        p = np.exp(log_p)
        # Imported here: it takes a second, and web servers start without computing anything.
        from scipy.special import xlogy

        p_log_p = xlogy(p, p) / np.log(2)
        total = p_log_p.sum()
        weight, spread = self._votes.sums(p), self._votes.sums(p_log_p)
        gamma = self._gamma
        z = gamma * weight + 1 - weight
        inner = gamma * (spread + weight * np.log2(gamma)) + total - spread
        return self._votes.by_item(np.log2(z) - inner / z + total)

    def _log_posterior(self) -> Floats:
        weights = self.correct * np.log(self._gamma)
        from scipy.special import logsumexp

        return np.asarray(weights - logsumexp(weights))
