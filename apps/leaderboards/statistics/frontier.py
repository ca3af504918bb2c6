"""Which models are worth their price."""

from __future__ import annotations

import numpy as np

from apps.catalog.tables import Floats, Mask


def pareto_frontier(price: Floats, accuracy: Floats) -> Mask:
    """The models that no other one beats on price without losing accuracy, or the other way round.

    A model is off the frontier where another costs no more and is no less accurate, and is better
    in one of the two. Equals stay on it together. An unknown price or accuracy (NaN) is left out.

    Args:
        price: [n_models], any one unit, NaN where it is not known.
        accuracy: [n_models], NaN where it is not known.

    Returns:
        A mask [n_models].
    """
    on = np.zeros(len(price), dtype=bool)
    known = np.flatnonzero(~(np.isnan(price) | np.isnan(accuracy)))
    best, paid = -np.inf, np.nan
    for index in known[np.lexsort((-accuracy[known], price[known]))]:
        if accuracy[index] > best:
            best, paid = accuracy[index], price[index]
            on[index] = True
        elif accuracy[index] == best and price[index] == paid:
            on[index] = True
    return on
