"""The cost-quality curve of a router, its hull, and the areas and savings read off it.

Hu et al., *RouterBench: A Benchmark for Multi-LLM Routing System*, 2024 (arXiv 2403.12031). Two
operating points can be mixed by chance, so everything below a chord between them can be had: the
curve is the concave envelope of the points, cut so that quality never falls with cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from apps.catalog.tables import Floats


@dataclass(frozen=True, eq=False)
class Hull:
    """A non-decreasing concave curve through its vertices, flat to their right.

    Attributes:
        cost: [n_vertices], strictly ascending.
        quality: [n_vertices], strictly ascending.
    """

    cost: Floats
    quality: Floats

    def at(self, cost: ArrayLike) -> Floats:
        """The quality to be had at these costs; left of the first vertex, the first vertex's."""
        wanted = np.asarray(cost, dtype=np.float64)
        return np.asarray(np.interp(wanted, self.cost, self.quality))

    def mean(self, low: float, high: float) -> float:
        """AIQ: the mean quality over costs from `low` to `high`, in the unit of quality.

        The bounds belong to a benchmark, not to a router: with bounds of their own, the areas of
        two routers could not be compared.
        """
        return mean_between(self.cost, self.quality, low, high)

    def log_mean(self, low: float, high: float) -> float:
        """The mean quality over the logarithm of the cost: every halving counts the same.

        The integral of the straight pieces is exact.
        """
        cost = _knots(self.cost, low, high)
        quality = self.at(cost)
        slope = np.diff(quality) / np.diff(cost)
        start = quality[:-1] - slope * cost[:-1]
        area = (start * np.diff(np.log(cost)) + slope * np.diff(cost)).sum()
        return float(area / np.log(high / low))

    def cost_of(self, quality: float) -> float:
        """The least cost at which this quality is to be had; NaN where it is not."""
        if quality > self.quality[-1] + 1e-12:
            return float("nan")
        return float(np.interp(quality, self.quality, self.cost))


def mean_between(cost: Floats, quality: Floats, low: float, high: float) -> float:
    """The mean quality over costs from `low` to `high` along the straight pieces between points.

    Args:
        cost, quality: [n_points], the cost ascending; beside the ends the quality stays as there.
    """
    knots = _knots(cost, low, high)
    return float(np.trapezoid(np.interp(knots, cost, quality), knots) / (high - low))


def _knots(cost: Floats, low: float, high: float) -> Floats:
    return np.concatenate([[low], cost[(cost > low) & (cost < high)], [high]])


def hull(cost: ArrayLike, quality: ArrayLike) -> Hull:
    """The non-decreasing concave envelope of operating points.

    Args:
        cost, quality: [n_points], at least one, all finite.
    """
    x, y = np.asarray(cost, dtype=np.float64), np.asarray(quality, dtype=np.float64)
    order = np.lexsort((-y, x))
    x, y = x[order], y[order]
    better = np.concatenate([[True], y[1:] > np.maximum.accumulate(y)[:-1]])
    kept: list[tuple[float, float]] = []
    for point in zip(x[better].tolist(), y[better].tolist(), strict=True):
        while len(kept) > 1 and _below(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    return Hull(np.array([c for c, _ in kept]), np.array([q for _, q in kept]))


def _below(
    left: tuple[float, float], middle: tuple[float, float], right: tuple[float, float]
) -> bool:
    """Whether the middle point lies on or below the chord of its neighbours."""
    return (middle[1] - left[1]) * (right[0] - left[0]) <= (right[1] - left[1]) * (
        middle[0] - left[0]
    )
