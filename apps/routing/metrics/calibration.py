"""Whether expected scores can be taken at their word.

The Brier score (Brier 1950) and the expected calibration error over bins of equal width (Naeini et
al. 2015; Guo et al. 2017, arXiv 1706.04599), pooled over prompts and models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from apps.catalog.tables import Floats

N_BINS = 15


@dataclass(frozen=True, eq=False)
class Calibration:
    """Sums over bins of the expected score; those of several test parts can be added.

    Attributes:
        count, expected, observed: [N_BINS], outcomes in the bin, and the sums of their expected and
            of their actual scores.
        squares: the sum of squared differences.
    """

    count: Floats
    expected: Floats
    observed: Floats
    squares: float

    @classmethod
    def of(cls, expected: Floats, observed: Floats) -> Self:
        """From scores of one shape, expected ones in 0..1; NaN outcomes are left out."""
        known = ~np.isnan(observed)
        p, s = expected[known], observed[known]
        place = np.minimum((p * N_BINS).astype(int), N_BINS - 1)
        return cls(
            np.bincount(place, minlength=N_BINS).astype(np.float64),
            np.bincount(place, p, N_BINS).astype(np.float64),
            np.bincount(place, s, N_BINS).astype(np.float64),
            float(((p - s) ** 2).sum()),
        )

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.count + other.count,
            self.expected + other.expected,
            self.observed + other.observed,
            self.squares + other.squares,
        )

    @property
    def brier(self) -> float:
        """The mean squared difference."""
        return float(self.squares / self.count.sum())

    @property
    def ece(self) -> float:
        """The mean over outcomes of the distance between expected and actual mean of their bin."""
        return float(np.abs(self.expected - self.observed).sum() / self.count.sum())
