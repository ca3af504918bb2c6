"""How far a router may be trusted at each setting of the dial, learnt from prompts held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, Mask, OutcomeTable
from apps.routing.duplicates import kin
from apps.routing.methods.base import Forecast

TRUST = (1.0, 0.5, 0.0)
"""The shares of a router's opinion that the guard chooses from; 0 is one model for all prompts."""

CAUTION = 0.5
"""Standard errors taken from a gain where held-out prompts are like those to come."""

DOUBT = 100
"""Kinds of prompts from which on that is all: with as many it is twice as much, with fewer more.
The trust at each setting is the best of several, and from few prompts the best of noise pays."""

CAUTION_BETWEEN_GROUPS = 1.0
"""Standard errors, between groups, taken from a gain where groups stand for the prompts to come."""

STEPS = 64


def dial_steps(cost: Floats) -> Floats:
    """Settings of the dial worth trying, ascending, the first of them 0: [n_steps], score per USD.

    From where money hardly counts to where only the cheapest model is left.

    Args:
        cost: [n_models], the mean cost of each model, NaN where unknown.
    """
    known = np.unique(cost[~np.isnan(cost)])
    gaps = np.diff(known)
    gaps = gaps[gaps > 0]
    if not gaps.size:
        return np.zeros(1)
    spread = known[-1] - known[0]
    nearest = max(float(gaps.min()), spread / 1e3)
    return np.concatenate([[0.0], np.geomspace(1e-3 / spread, 3.0 / nearest, STEPS - 1)])


@dataclass(frozen=True, eq=False)
class Guard:
    """What holds a router back where it did not pay on prompts it had not seen.

    At each setting the opinion of the router is blended with what is known without looking at the
    prompt: `trust * forecast + (1 - trust) * mean`. With no trust left the decision is the best
    single model at that setting, so that the curve is the zero router's.

    Attributes:
        model_names: [n_models], in the order of the forecasts.
        score, cost: [n_models], each model's means over the prompts learnt from; NaN where unknown.
        lambdas: [n_steps], ascending from 0, in score per US dollar.
        trust: [n_steps], one of `TRUST` each.
    """

    model_names: tuple[str, ...]
    score: Floats
    cost: Floats
    lambdas: Floats
    trust: Floats

    @classmethod
    def learn(
        cls,
        held_out: Forecast,
        outcomes: OutcomeTable,
        *,
        clusters: Sequence[str] | None = None,
    ) -> Self:
        """Learn from forecasts of prompts that the router was not trained on.

        At each setting the trust is the one with the largest mean paired gain over the best single
        model less a margin: half a standard error, more of it from few prompts, near-duplicates
        counting as one; or, where `clusters` are given, a whole one between clusters. Where no gain
        is left above 0 there is no trust.

        Args:
            held_out: forecasts of the prompts of `outcomes`, each made without its outcome.
            outcomes: what the models made of them.
            clusters: [n_prompts], groups of prompts (tasks, say) that stand for the prompts to come.

        Raises:
            ValueError: the shapes differ, or a model has no outcome.
        """
        from .choice import choose

        level = means(outcomes)
        _check(held_out, outcomes)
        lambdas = dial_steps(level.cost)
        trust = np.zeros(len(lambdas))
        paid = realised_cost(held_out, outcomes)
        if clusters is None:
            codes = kin(outcomes.prompts, 2)
            caution = CAUTION * (1 + DOUBT / (int(codes.max()) + 1))
        else:
            codes = np.unique(list(clusters), return_inverse=True)[1]
            caution = CAUTION_BETWEEN_GROUPS
        rows = np.arange(outcomes.n_prompts)
        for step, lambda_ in enumerate(lambdas):
            worth = outcomes.score - (lambda_ * paid if lambda_ else 0.0)
            single = _best_single(level, lambda_)
            best = 0.0
            for share in TRUST[:-1]:
                view = blended(held_out, level, share)
                gain = worth[rows, choose(view, lambda_)] - worth[:, single]
                margin = _less_margin(gain, codes, caution)
                if margin > best:
                    best, trust[step] = margin, share
        return cls(outcomes.model_names, level.score, level.cost, lambdas, trust)

    def trust_at(self, lambda_: float | Floats) -> Floats:
        """The trust at settings between the steps: that of the nearest one, in the logarithm."""
        if len(self.lambdas) == 1:
            return np.broadcast_to(self.trust[0], np.shape(lambda_)).astype(float)
        positive = np.log(self.lambdas[1:])
        middle = (positive[1:] + positive[:-1]) / 2
        with np.errstate(divide="ignore"):
            place = np.searchsorted(middle, np.log(np.asarray(lambda_, dtype=float)))
        nearest = np.where(np.asarray(lambda_) < self.lambdas[1] / 2, 0, place + 1)
        return self.trust[nearest]

    def view(self, forecast: Forecast, lambda_: float) -> Forecast:
        """The forecast as far as it is trusted at a setting.

        Raises:
            ValueError: a forecast of another number of models.
        """
        if forecast.score.shape[1] != len(self.model_names):
            raise ValueError(
                f"The guard knows {len(self.model_names)} models, the forecast has "
                f"{forecast.score.shape[1]}."
            )
        return blended(forecast, self._level, float(self.trust_at(lambda_)))

    def joined(self, name: str, score: float, cost: float) -> Self:
        """The guard with one more model, trusted as the others are.

        Args: the model's mean score and mean cost, NaN where that is unknown.
        """
        return replace(
            self,
            model_names=(*self.model_names, name),
            score=np.append(self.score, score),
            cost=np.append(self.cost, cost),
        )

    @property
    def _level(self) -> Level:
        return Level(self.score, self.cost)

    def as_dict(self) -> dict[str, Any]:
        """The whole state in JSON's types."""
        return {
            "model_names": list(self.model_names),
            "score": self.score.tolist(),
            "cost": [None if np.isnan(value) else value for value in self.cost.tolist()],
            "lambdas": self.lambdas.tolist(),
            "trust": self.trust.tolist(),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Read back what `as_dict` gave.

        Raises:
            ValueError: something else.
        """
        try:
            guard = cls(
                tuple(str(name) for name in state["model_names"]),
                *(
                    np.array(state[key], dtype=float)
                    for key in ("score", "cost", "lambdas", "trust")
                ),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("This is not the saved state of a guard.") from error
        n_models = len(guard.model_names)
        if not len(guard.score) == len(guard.cost) == n_models or not (
            len(guard.lambdas) == len(guard.trust) > 0
        ):
            raise ValueError("This is not the saved state of a guard: its parts do not match.")
        return guard


@dataclass(frozen=True, eq=False)
class Level:
    """Each model's mean score and cost, [n_models]: all that can be said without the prompt."""

    score: Floats
    cost: Floats


def means(outcomes: OutcomeTable) -> Level:
    """The level of the models.

    Raises:
        ValueError: a model without any outcome.
    """
    ran = outcomes.ran
    if not ran.any(axis=0).all():
        name = outcomes.model_names[int(np.flatnonzero(~ran.any(axis=0))[0])]
        raise ValueError(f"The model `{name}` has no outcome at all.")
    return Level(np.nanmean(outcomes.score, axis=0), mean_cost(outcomes.cost))


def mean_cost(cost: Floats) -> Floats:
    """The mean of the known costs of each model, NaN where none is known."""
    known = ~np.isnan(cost)
    count = known.sum(axis=0)
    total = np.where(known, cost, 0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def blended(forecast: Forecast, level: Level, trust: float) -> Forecast:
    """`trust` of the forecast, the rest of the level; without trust the level's costs too."""
    if trust == 1:
        return forecast
    score = trust * forecast.score + (1 - trust) * level.score
    cost = forecast.cost if trust else np.broadcast_to(level.cost, forecast.cost.shape)
    return Forecast(score=score, cost=cost)


def realised_cost(forecast: Forecast, outcomes: OutcomeTable) -> Floats:
    """[n_prompts, n_models], what was paid; what was expected where that is not known."""
    return np.where(np.isnan(outcomes.cost), forecast.cost, outcomes.cost)


def _best_single(level: Level, lambda_: float) -> int:
    worth = level.score - (lambda_ * level.cost if lambda_ else 0.0)
    return int(np.argmax(np.nan_to_num(worth, nan=-np.inf)))


def _less_margin(gain: Floats, codes: NDArray[np.intp], caution: float) -> float:
    """The mean of the known gains less so many standard errors between what shares a code."""
    known: Mask = ~np.isnan(gain)
    n = int(known.sum())
    if n < 2:
        return 0.0
    mean = float(gain[known].mean())
    sums = np.bincount(codes, np.where(known, gain - mean, 0.0))
    if len(sums) < 2:
        return 0.0
    spread = float(np.sqrt((sums**2).sum() * len(sums) / (len(sums) - 1)) / n)
    return mean - caution * spread


def _check(forecast: Forecast, outcomes: OutcomeTable) -> None:
    if forecast.score.shape != outcomes.score.shape:
        raise ValueError(
            "The forecasts are of {} prompts × {} models, the outcomes of {} × {}.".format(
                *forecast.score.shape, *outcomes.score.shape
            )
        )
