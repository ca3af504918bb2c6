"""Forecasts of prompts that a router was not trained on, for the guard and the dial to learn from."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from apps.catalog.tables import Floats, OutcomeTable
from apps.routing.duplicates import folds
from apps.routing.methods.base import Embeddings, Forecast, Router, RouterFactory

FOLDS = 4


@runtime_checkable
class ForecastsItself(Protocol):
    """A router that made held-out forecasts of its training prompts while it was fitted."""

    @property
    def held_out(self) -> Forecast | None:
        """Of the prompts of `fit`, in their order; None after `load` and `add_model`."""


def held_out_forecast(
    make: RouterFactory,
    outcomes: OutcomeTable,
    embeddings: Embeddings,
    *,
    fitted: Router | None = None,
    seed: int = 0,
) -> Forecast:
    """Forecasts of every prompt by a router trained on the other folds of four; near-duplicates
    are in one fold.

    A router that was fitted on the same prompts and kept such forecasts is asked for them instead.

    Args:
        make: makes the router, as in the registry.
        fitted: one made by `make` and fitted on `outcomes`.

    Raises:
        ValueError: fewer than 8 prompts, or what `fit` and `forecast` raise.
    """
    if isinstance(fitted, ForecastsItself) and fitted.held_out is not None:
        return fitted.held_out
    if outcomes.n_prompts < 2 * FOLDS:
        raise ValueError(
            f"{outcomes.n_prompts} prompts are too few to hold some out: at least {2 * FOLDS}."
        )
    fold = folds(outcomes.prompts, FOLDS, seed)
    parts: list[Forecast] = []
    rows = [np.flatnonzero(fold == number) for number in range(FOLDS)]
    for own in rows:
        rest = np.setdiff1d(np.arange(outcomes.n_prompts), own)
        router = make(seed=seed)
        router.fit(outcomes.subset(prompts=rest), embeddings.subset(rest))
        parts.append(router.forecast(untold(embeddings.subset(own))))
    order = np.argsort(np.concatenate(rows))

    def joined(values: list[Floats]) -> Floats:
        return np.concatenate(values)[order]

    def joined_if_stated(values: list[Floats | None]) -> Floats | None:
        stated = [value for value in values if value is not None]
        return joined(stated) if len(stated) == len(values) else None

    return Forecast(
        score=joined([part.score for part in parts]),
        cost=joined([part.cost for part in parts]),
        error=joined_if_stated([part.error for part in parts]),
        probability=joined_if_stated([part.probability for part in parts]),
    )


def untold(embeddings: Embeddings) -> Embeddings:
    """The same prompts without their tasks, as new ones come."""
    return Embeddings(embeddings.prompts, embeddings.vectors, embeddings.encoder)
