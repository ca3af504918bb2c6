"""Intervals of one accuracy."""

from __future__ import annotations

import numpy as np

from apps.catalog.tables import Floats


def wilson(correct: Floats, answered: Floats, *, alpha: float = 0.05) -> tuple[Floats, Floats]:
    """Wilson's score interval of an accuracy, for each of many models.

    It speaks of the accuracy on all items like these if the labelled ones were drawn at random.

    Args:
        correct: [n_models], how many answers were right.
        answered: [n_models], how many labelled items the model was run on.
        alpha: 1 minus the level of the interval.

    Returns:
        The lower and the upper ends, [n_models] each; 0 and 1 where nothing was answered.

    Source: E. B. Wilson, JASA 22 (1927); computed by statsmodels.
    """
    answered = np.asarray(answered, dtype=float)
    known = answered > 0
    # Imported here: it takes a second, and web servers start without computing anything.
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(
        np.where(known, correct, 0), np.where(known, answered, 1), alpha=alpha, method="wilson"
    )
    return np.where(known, low, 0.0), np.where(known, high, 1.0)
