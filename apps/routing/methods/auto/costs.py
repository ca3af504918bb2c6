"""What each model will cost on a prompt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, Mask

from .experts import penalised

PENALTY = 10.0


@dataclass(frozen=True, eq=False)
class Costs:
    """Ridge regression of the logarithm of the cost, back on the scale of money by smearing.

    Duan, *Smearing estimate: a nonparametric retransformation method*, JASA 1983. Models without
    known or with free prompts keep their mean.

    Attributes:
        mean: [n_models], US dollars, NaN where unknown.
        middle, slopes: [n_models] and [n_features, n_models], of the logarithm.
        trust: [n_models], the share of the slopes that held up on prompts held out.
        smear: [n_models], the factor that keeps the mean; 0 where a model keeps its mean.
    """

    mean: Floats
    middle: Floats
    slopes: Floats
    trust: Floats
    smear: Floats

    @classmethod
    def learn(cls, z: Floats, cost: Floats, fold: NDArray[np.intp]) -> tuple[Costs, Floats]:
        """And its forecasts of the same prompts, each by the other folds, [n_prompts, n_models].

        Args: z [n_prompts, n_features], cost [n_prompts, n_models] with NaN where unknown, fold
        [n_prompts].
        """
        known = ~np.isnan(cost)
        count = known.sum(axis=0)
        mean = np.where(known, cost, 0).sum(axis=0) / np.where(count, count, np.nan)
        usable = (count > 1) & (np.where(known, cost, 1.0) > 0).all(axis=0)
        logs = np.log(np.where(known & usable, cost, 1.0))
        middle = logs.sum(axis=0) / np.maximum(count, 1)
        rest = np.where(known & usable, logs - middle, 0.0)
        said = _cross_fitted(z, rest, fold)
        slope = (said * rest).sum(axis=0) / np.maximum((said**2).sum(axis=0), 1e-12)
        trust = np.asarray(np.clip(slope, 0, 1))
        left = np.where(known & usable, np.exp(rest - trust * said), 0.0)
        costs = cls(
            mean,
            middle,
            penalised(z, rest, PENALTY),
            trust,
            left.sum(axis=0) / np.maximum(count, 1),
        )
        return costs, costs._priced(said)

    def foretell(self, z: Floats, strange: Floats) -> Floats:
        """[n_prompts, n_models], US dollars; NaN where a model's cost is not known.

        Of a strange prompt the mean is all that is known: slopes mislead there.
        """
        said = self._priced(z @ self.slopes)
        return said + strange[:, None] * (self.mean - said)

    def joined(self, z: Floats, cost: Floats) -> Costs:
        """With one more model, whose cost moves with the prompt as the others' do on average.

        Args: z [n_few, n_features], cost [n_few] with NaN where unknown.
        """
        known = ~np.isnan(cost)
        by_itself = self.smear > 0
        mean, middle, smear, trust = np.nan, 0.0, 0.0, 0.0
        slopes = np.zeros(len(self.slopes))
        if known.any():
            mean = float(cost[known].mean())
        if by_itself.any() and known.any() and (cost[known] > 0).all():
            slopes = (self.slopes * self.trust)[:, by_itself].mean(axis=1)
            said = z[known] @ slopes
            middle, trust = float(np.mean(np.log(cost[known]) - said)), 1.0
            smear = float(np.mean(cost[known] / np.exp(middle + said)))
            usual = self.mean[by_itself] / np.exp(self.middle[by_itself]) / self.smear[by_itself]
            mean = float(np.exp(middle) * smear * usual.mean())
        return Costs(
            np.append(self.mean, mean),
            np.append(self.middle, middle),
            np.column_stack([self.slopes, slopes]),
            np.append(self.trust, trust),
            np.append(self.smear, smear),
        )

    def _priced(self, said: Floats) -> Floats:
        by_prompt = np.exp(self.middle + self.trust * said) * self.smear
        by_itself: Mask = self.smear > 0
        return np.where(by_itself, by_prompt, np.broadcast_to(self.mean, by_prompt.shape))


def _cross_fitted(z: Floats, targets: Floats, fold: NDArray[np.intp]) -> Floats:
    said = np.zeros_like(targets)
    for number in np.unique(fold):
        own = fold == number
        said[own] = z[own] @ penalised(z[~own], targets[~own], PENALTY)
    return said
