"""What each model will cost on a prompt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, Mask

PENALTY = 10.0


@dataclass(frozen=True, eq=False)
class Costs:
    """Ridge regression of the logarithm of the cost, back on the scale of money by smearing.

    Duan, *Smearing estimate: a nonparametric retransformation method*, JASA 1983. Models without
    known or with free prompts keep their mean.

    Attributes:
        mean: [n_models], US dollars, NaN where unknown.
        middle, slopes, smear: [n_models], [n_features, n_models], [n_models]; slopes of 0 where
            nothing can be foretold but the mean.
    """

    mean: Floats
    middle: Floats
    slopes: Floats
    smear: Floats

    @classmethod
    def learn(
        cls, z: Floats, cost: Floats, mean: Floats, fold: NDArray[np.intp]
    ) -> tuple[Costs, Floats]:
        """And its forecasts of the same prompts, each by the other folds, [n, n_models].

        Args: z [n, n_features], cost [n, n_models] with NaN, mean [n_models], fold [n].
        """
        known = ~np.isnan(cost)
        usable = (known.sum(axis=0) > 1) & (np.nan_to_num(cost, nan=1.0) > 0).all(axis=0)
        logs = np.log(np.where(known & usable, cost, 1.0))
        counts = np.maximum(known.sum(axis=0), 1)
        middle = np.where(usable, (logs * known).sum(axis=0) / counts, 0.0)
        rest = np.where(known & usable, logs - middle, 0.0)
        cross = np.zeros_like(rest)
        for number in np.unique(fold):
            own = fold == number
            cross[own] = z[own] @ _ridge(z[~own], rest[~own])
        slope = (cross * rest).sum(axis=0) / np.maximum((cross**2).sum(axis=0), 1e-12)
        slope = np.asarray(np.clip(slope, 0, 1))
        ratio = np.where(
            known & usable, np.where(known, cost, 1) / np.exp(middle + cross * slope), 0
        )
        smear = np.where(usable, ratio.sum(axis=0) / counts, 1.0)
        costs = cls(mean, middle, _ridge(z, rest) * slope, smear)
        return costs, costs._priced(middle + cross * slope)

    def foretell(self, z: Floats) -> Floats:
        """[n_prompts, n_models], US dollars; NaN where a model's cost is not known."""
        return self._priced(self.middle + z @ self.slopes)

    def _priced(self, logs: Floats) -> Floats:
        by_prompt = np.exp(logs) * self.smear
        constant = np.broadcast_to(self.mean, by_prompt.shape)
        return np.asarray(np.where(self._by_prompt, by_prompt, constant), dtype=np.float64)

    @property
    def _by_prompt(self) -> Mask:
        return np.asarray(np.any(self.slopes != 0, axis=0))


def _ridge(z: Floats, targets: Floats) -> Floats:
    return np.asarray(np.linalg.solve(z.T @ z + PENALTY * np.eye(z.shape[1]), z.T @ targets))
