"""The budget dial: a sum of money to a setting of the dial, and feedback from what was spent.

The spend at each setting is measured on prompts held out, and the setting is where that curve meets
the budget: EERO's idea of meeting a budget by a quantile of held-out scores (arXiv 2402.03779).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, Mask, OutcomeTable
from apps.routing.methods.base import Forecast

from .choice import a_prompt, choose
from .guard import Guard, realised_cost


@dataclass(frozen=True)
class Aim:
    """Where the dial is put for a budget.

    Attributes:
        lambdas: two neighbouring settings, the one that spends more first.
        share: of the prompts that go by the first setting; the others go by the second.
        spend: expected US dollars a prompt.
        score: expected score, as on the prompts held out.
        miss: how far the spend may be off, as a share of it, in 19 cases of 20 (two standard
            errors), for the number of prompts asked about.
    """

    lambdas: tuple[float, float]
    share: float
    spend: float
    score: float
    miss: float

    def draw(self, rng: np.random.Generator) -> float:
        """The setting for one prompt."""
        return self.lambdas[0] if rng.random() < self.share else self.lambdas[1]


@dataclass(frozen=True, eq=False)
class Dial:
    """What each setting of the dial spent and scored on prompts held out.

    Attributes:
        guard: the guard that the settings were tried under.
        lambdas: [n_steps], ascending from 0, in score per US dollar.
        spend: [n_steps], US dollars a prompt, never rising: settings that spend more than a smaller
            one are left out.
        spread: [n_steps], the standard deviation of a prompt's spend.
        score: [n_steps], the mean score.
        n_prompts: how many prompts were held out.
    """

    guard: Guard
    lambdas: Floats
    spend: Floats
    spread: Floats
    score: Floats
    n_prompts: int

    @classmethod
    def learn(
        cls,
        held_out: Forecast,
        outcomes: OutcomeTable,
        guard: Guard,
        *,
        allowed: Mask | None = None,
    ) -> Self:
        """Measure every setting on prompts held out.

        Args:
            held_out: forecasts of the prompts of `outcomes`, each made without its outcome.
            allowed: [n_models], where only some models may ever be chosen.

        Raises:
            ValueError: a model whose cost is not known, or nothing was run.
        """
        paid = realised_cost(held_out, outcomes)
        if np.isnan(guard.cost if allowed is None else guard.cost[allowed]).any():
            unknown = guard.model_names[int(np.flatnonzero(np.isnan(guard.cost))[0])]
            raise ValueError(f"The cost of `{unknown}` is unknown, so no budget can be kept.")
        lambdas = _finer(guard.lambdas)
        rows = np.arange(outcomes.n_prompts)
        spend, spread, score = (np.zeros(len(lambdas)) for _ in range(3))
        for step, lambda_ in enumerate(lambdas):
            chosen = choose(held_out, lambda_, guard=guard, allowed=allowed)
            costs, scores = paid[rows, chosen], outcomes.score[rows, chosen]
            spend[step], spread[step] = np.nanmean(costs), np.nanstd(costs)
            score[step] = np.nanmean(scores) if not np.isnan(scores).all() else np.nan
        # Where the guard takes trust away, a larger setting can spend more: no budget asks for it,
        # and one that lies between its neighbours must not be met by it.
        kept = spend <= np.minimum.accumulate(spend)
        return cls(guard, lambdas[kept], spend[kept], spread[kept], score[kept], outcomes.n_prompts)

    @property
    def least(self) -> float:
        """US dollars a prompt, below which no budget can be kept: the cheapest setting."""
        return float(self.spend[-1])

    @property
    def most(self) -> float:
        """US dollars a prompt that the dial spends where money does not count."""
        return float(self.spend[0])

    def aim(self, budget: float, *, prompts: int | None = None) -> Aim:
        """Where to put the dial.

        Args:
            budget: US dollars a prompt.
            prompts: how many prompts will be paid from it; `miss` allows for their chance. Without
                it `miss` is that of the long run.

        Raises:
            ValueError: a budget below the cheapest model, or not a number.
        """
        if not 0 <= budget < np.inf:
            raise ValueError(f"A budget of {budget:g} US dollars a prompt is not an amount.")
        if budget < self.least * (1 - 1e-9):
            name = self.guard.model_names[int(np.nanargmin(self.guard.cost))]
            raise ValueError(
                f"A budget of {a_prompt(budget)} is below the cheapest model: {name} costs "
                f"{a_prompt(self.least)}."
            )
        high, low, share = self._between(budget)
        spend = share * self.spend[high] + (1 - share) * self.spend[low]
        spread = max(self.spread[high], self.spread[low])
        chance = 1 / self.n_prompts + (1 / prompts if prompts else 0.0)
        return Aim(
            lambdas=(float(self.lambdas[high]), float(self.lambdas[low])),
            share=float(share),
            spend=float(spend),
            score=float(share * self.score[high] + (1 - share) * self.score[low]),
            miss=float(2 * spread * np.sqrt(chance) / spend) if spend > 0 else 0.0,
        )

    def as_dict(self) -> dict[str, Any]:
        """The whole state in JSON's types."""
        return {
            "guard": self.guard.as_dict(),
            "lambdas": self.lambdas.tolist(),
            "spend": self.spend.tolist(),
            "spread": self.spread.tolist(),
            "score": [None if np.isnan(value) else value for value in self.score.tolist()],
            "n_prompts": self.n_prompts,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Read back what `as_dict` gave.

        Raises:
            ValueError: something else.
        """
        try:
            parts = [
                np.array(state[key], dtype=float) for key in ("lambdas", "spend", "spread", "score")
            ]
            guard, n_prompts = Guard.from_dict(state["guard"]), int(state["n_prompts"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("This is not the saved state of a budget dial.") from error
        if len({len(part) for part in parts}) != 1 or not len(parts[0]):
            raise ValueError("This is not the saved state of a budget dial: parts do not match.")
        lambdas, spend, spread, score = parts
        return cls(guard, lambdas, spend, spread, score, n_prompts)

    def _between(self, budget: float) -> tuple[int, int, float]:
        """The last step that spends at least the budget, the next one, and the first one's share."""
        if budget >= self.spend[0]:
            return 0, 0, 1.0
        low = int(np.searchsorted(-self.spend, -budget))
        if low >= len(self.spend):
            return len(self.spend) - 1, len(self.spend) - 1, 1.0
        high = max(low - 1, 0)
        step = self.spend[high] - self.spend[low]
        return high, low, float((budget - self.spend[low]) / step) if step > 0 else 1.0


class Purse:
    """A sum for a known number of prompts, spent evenly: aims again after each that was paid.

    Example: `purse = Purse(dial, total=5.0, prompts=1000, seed=0)`, then for each prompt
    `purse.next()` gives the setting to choose by and `purse.paid(usd)` says what it cost.
    """

    def __init__(self, dial: Dial, *, total: float, prompts: int, seed: int = 0) -> None:
        """Raises ValueError where the sum is below the cheapest model, or there is no prompt."""
        if prompts < 1:
            raise ValueError(f"A budget for {prompts} prompts: at least one is needed.")
        dial.aim(total / prompts)
        self._dial = dial
        self._left = float(total)
        self._prompts = prompts
        self._rng = np.random.default_rng(seed)

    def next(self) -> float:
        """The setting of the dial for the next prompt, by what is left."""
        share = self._left / max(self._prompts, 1)
        return self._dial.aim(max(share, self._dial.least)).draw(self._rng)

    def paid(self, usd: float) -> None:
        """A prompt was answered and cost this much.

        Raises:
            ValueError: a negative amount, or not a number.
        """
        if not 0 <= usd < np.inf:
            raise ValueError(f"A prompt cannot have cost {usd:g} US dollars.")
        self._left -= usd
        self._prompts -= 1


def _finer(lambdas: Floats) -> Floats:
    """Three settings between each two, so that neighbours hardly differ."""
    if len(lambdas) < 3:
        return lambdas
    positive: NDArray[np.float64] = np.log(lambdas[1:])
    places = np.linspace(0, len(positive) - 1, 4 * (len(positive) - 1) + 1)
    return np.concatenate([[0.0], np.exp(np.interp(places, np.arange(len(positive)), positive))])
