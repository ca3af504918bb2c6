"""What a replay found: curves over the labels, and the numbers read off them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats

SHARE = 0.9
"""Labels are counted until this share of the realisations has found a model that is good enough."""

WITHIN = 0.01
_ROUNDING = 1e-9
_REGRETS_AT = (10, 25, 50, 100)
_CUMULATED = 100
_Z = 1.959964


@dataclass(frozen=True)
class StopOutcome:
    """How a stopping rule did.

    Attributes:
        stopped: share of the realisations that it stopped within the budget.
        median_labels: of all realisations; None where it stopped fewer than half.
        correct: share of those it stopped that had named a model good enough; None without any.
    """

    stopped: float
    median_labels: int | None
    correct: float | None

    @classmethod
    def of(cls, labels: NDArray[np.int_], correct: NDArray[np.bool_]) -> StopOutcome:
        """From the labels at which each realisation stopped (-1: never), and whether rightly."""
        stopped = labels >= 0
        middle = np.sort(np.where(stopped, labels, np.iinfo(np.int64).max))[len(labels) // 2]
        return cls(
            stopped=float(stopped.mean()),
            median_labels=int(middle) if stopped.mean() > 0.5 else None,
            correct=float(correct[stopped].mean()) if stopped.any() else None,
        )


@dataclass(frozen=True, eq=False)
class MethodOutcome:
    """What one method did in all realisations.

    Attributes:
        regret: [n_realisations, budget], best accuracy minus that of the model named after each
            label, as a share of the pool.
        seconds: [n_realisations, budget], to suggest an item, take its label in and name a model.
        stopping: by the name of the rule.
    """

    regret: Floats
    seconds: Floats
    stopping: dict[str, StopOutcome]

    def success(self, within: float = 0.0) -> Floats:
        """[budget], the share of the realisations in which the model named is good enough."""
        return np.asarray((self.regret <= within + _ROUNDING).mean(axis=0))

    def curves(self) -> dict[str, list[float]]:
        """By label, 95% bands from the realisations: the share of them that named a best model and
        one within 1% (Wilson's interval), and the mean regret in points (a normal interval).

        Keys are `best`, `within_1pct` and `regret`, each also with `_low` and `_high`.
        """
        n = len(self.regret)
        found: dict[str, list[float]] = {}
        for name, share in (("best", self.success()), ("within_1pct", self.success(WITHIN))):
            centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
            half = _Z / (1 + _Z**2 / n) * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
            found |= _band(name, share, np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1))
        points = 100 * self.regret
        mean = points.mean(axis=0)
        error = _Z * points.std(axis=0, ddof=1 if n > 1 else 0) / np.sqrt(n)
        return found | _band("regret", mean, np.maximum(mean - error, 0), mean + error)

    def labels_to(self, within: float = 0.0) -> dict[str, int | None]:
        """Labels until the success reaches 90% at `first`, and stays there to the end of the budget
        (`sustained`); None where it never does."""
        enough = self.success(within) >= SHARE - _ROUNDING
        missed = np.flatnonzero(~enough)
        last = int(missed[-1]) + 1 if len(missed) else 0
        return {
            "first": int(enough.argmax()) + 1 if enough.any() else None,
            "sustained": last + 1 if last < len(enough) else None,
        }

    def as_dict(self) -> dict[str, Any]:
        """For JSON; regrets in points of accuracy (100 = all items)."""
        points = 100 * self.regret.mean(axis=0)
        budget = len(points)
        middle, high = np.percentile(self.seconds, [50, 95])
        return {
            "labels_to_best_90": self.labels_to(),
            "labels_to_within_1pct_90": self.labels_to(WITHIN),
            "cumulative_regret_100": (
                float(points[:_CUMULATED].sum()) if budget >= _CUMULATED else None
            ),
            "regret_at": {
                str(at): float(points[at - 1]) if budget >= at else None for at in _REGRETS_AT
            },
            "seconds_per_step": {"median": float(middle), "p95": float(high)},
            "stopping": {name: asdict(rule) for name, rule in self.stopping.items()},
        }


def _band(name: str, middle: Floats, low: Floats, high: Floats) -> dict[str, list[float]]:
    values = {name: middle, f"{name}_low": low, f"{name}_high": high}
    return {key: np.round(value, 5).tolist() for key, value in values.items()}


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a replay was and found; `methods` by name."""

    collection: str
    models: int
    items: int
    classes: int
    pool: int
    realisations: int
    budget: int
    seed: int
    methods: dict[str, MethodOutcome]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        plain = {name: value for name, value in vars(self).items() if name != "methods"}
        return plain | {"methods": {name: one.as_dict() for name, one in self.methods.items()}}
