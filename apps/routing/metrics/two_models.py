"""How much of the gap between a weak and a strong model a router recovers, by calls to the strong.

Ong et al., *RouteLLM: Learning to Route LLMs with Preference Data*, 2024 (arXiv 2406.18665).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from apps.catalog.tables import Floats


@dataclass(frozen=True, eq=False)
class GapCurve:
    """The performance gap recovered by the share of calls to the strong model.

    Attributes:
        share: [n_points], ascending from 0 (weak alone) to 1 (strong alone).
        recovered: [n_points], (quality - weak) / (strong - weak): 0 at the weak model's quality, 1
            at the strong one's; above 1 where the router is better than both.
    """

    share: Floats
    recovered: Floats

    def apgr(self) -> float:
        """The average gap recovered over all shares; one half for a router that draws lots."""
        return float(np.trapezoid(self.recovered, self.share))

    def cpt(self, part: float) -> float:
        """The smallest share of strong calls that recovers this part of the gap, in 0..1.

        The first crossing of the straight pieces: the curve need not rise everywhere.
        """
        reached = np.flatnonzero(self.recovered >= part)
        if not reached.size:
            return float("nan")
        right = int(reached[0])
        if right == 0:
            return float(self.share[0])
        x, y = self.share[right - 1 : right + 1], self.recovered[right - 1 : right + 1]
        return float(x[0] + (part - y[0]) / (y[1] - y[0]) * (x[1] - x[0]))


def gap_curve(share: ArrayLike, quality: ArrayLike, *, weak: float, strong: float) -> GapCurve:
    """The curve through operating points, the two models alone among them.

    Args:
        share: [n_points], of calls to the strong model.
        quality: [n_points], the mean score there; of points with one share the mean counts.
        weak, strong: the mean scores of the two models.

    Raises:
        ValueError: the strong model is no better than the weak one, so there is no gap.
    """
    if strong <= weak:
        raise ValueError("The strong model is no better than the weak one on these prompts.")
    ends = np.array([0.0, 1.0]), np.array([weak, strong])
    inner = (np.asarray(share) > 0) & (np.asarray(share) < 1)
    x = np.concatenate([ends[0], np.asarray(share, dtype=np.float64)[inner]])
    y = np.concatenate([ends[1], np.asarray(quality, dtype=np.float64)[inner]])
    shares, place = np.unique(x, return_inverse=True)
    means = np.bincount(place, y) / np.bincount(place)
    return GapCurve(shares, (means - weak) / (strong - weak))
