"""`auto`, our own router and the default.

A ridge regression, the nearest neighbours and a table of the tasks that a prompt looks like are
weighed by how they did on prompts held out (stacking, Breiman 1996), and what they say together is
shrunk, factor by factor of the models' differences, to the part that held up. What was tried is in
`docs/decisions/0012-the-auto-router.md`.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable
from apps.routing.methods.base import Embeddings, Forecast
from apps.routing.methods.fitted import Fitted
from apps.routing.methods.tasks import task_labels

from .blend import expert_weights, factor_shrinkage, level_weights, relevance
from .costs import Costs
from .experts import EXPERTS, Expert, Lesson, cross_fitted
from .features import Features

FOLDS = 4
LEAST = 16
"""Prompts below which nothing can be held out."""

_FEATURES = ("idf", "axes", "surface_mean", "surface_scale", "middle", "scale")


class Auto(Fitted):
    """Stacked experts over meaning, wording and surface, shrunk to what held up.

    Attributes:
        held_out: forecasts of the training prompts by what was learnt from the other folds; None
            where it was loaded.
    """

    NAME = "auto"
    ARRAYS = (
        *_FEATURES,
        *(f"{name}_{part.name}" for name, kind in EXPERTS.items() for part in fields(kind)),
        "cost_middle",
        "cost_slopes",
        "cost_smear",
    )

    held_out: Forecast | None = None

    def _learn(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        n = outcomes.n_prompts
        if n < LEAST:
            raise ValueError(f"{n} prompts are too few to learn from: at least {LEAST}.")
        features = Features.learn(embeddings.prompts, embeddings.vectors, self.seed)
        blocks = features.blocks(embeddings.prompts, embeddings.vectors)
        for name, array in features.state.items():
            setattr(self, name, array)
        fold = np.random.default_rng(self.seed).permutation(n) % FOLDS
        costs, cost = Costs.learn(blocks.whole, outcomes.cost, self.mean_cost, fold)
        self.cost_middle, self.cost_slopes = costs.middle, costs.slopes
        self.cost_smear = costs.smear

        weights = relevance(self.mean_score, self.mean_cost)
        residual = _filled(outcomes.score - self.mean_score, weights)
        lesson = Lesson(blocks, residual, weights, _task_codes(outcomes))
        said = [cross_fitted(kind, lesson, fold) for kind in EXPERTS.values()]
        score = np.tile(self.mean_score, (n, 1))
        for (name, kind), opinion, by in zip(
            EXPERTS.items(), said, _blend(said, residual, weights), strict=True
        ):
            expert = kind.learn(lesson).through(by)
            for part in fields(expert):
                setattr(self, f"{name}_{part.name}", getattr(expert, part.name))
            score += opinion @ by
        self.held_out = Forecast(score=score, cost=cost)

    def _forecast(self, embeddings: Embeddings) -> Forecast:
        features = Features({name: getattr(self, name) for name in _FEATURES})
        blocks = features.blocks(embeddings.prompts, embeddings.vectors)
        score = self.mean_score + sum(expert.foretell(blocks) for expert in self._experts())
        costs = Costs(self.mean_cost, self.cost_middle, self.cost_slopes, self.cost_smear)
        return Forecast(score=score, cost=costs.foretell(blocks.whole))

    def _experts(self) -> list[Expert]:
        return [
            kind(*(getattr(self, f"{name}_{part.name}") for part in fields(kind)))
            for name, kind in EXPERTS.items()
        ]


def _blend(said: list[Floats], residual: Floats, weights: Floats) -> list[Floats]:
    """A matrix [n_models, n_models] for each expert, to be applied to what it says from the right.

    Which model is better comes from the relevant differences, shrunk; how hard a prompt is for all
    of them, from the level.
    """
    share = expert_weights(said, residual, weights)
    together = np.sum([part * one for part, one in zip(share, said, strict=True)], axis=0)
    shrink = factor_shrinkage(together, residual, weights)
    mean = np.full((len(weights), len(weights)), 1 / len(weights))
    return [
        part * shrink @ (np.eye(len(weights)) - mean) + height * mean
        for part, height in zip(share, level_weights(said, residual), strict=True)
    ]


def _filled(residual: Floats, weights: Floats) -> Floats:
    """Where a model was not run it is taken to have done as the others on that prompt."""
    known = ~np.isnan(residual)
    share = np.where(known, weights, 0.0)
    total = share.sum(axis=1, keepdims=True)
    common = (np.where(known, residual, 0.0) * share).sum(axis=1, keepdims=True)
    return np.where(known, residual, common / np.maximum(total, 1e-12) * (total > 1e-12))


def _task_codes(outcomes: OutcomeTable) -> NDArray[np.intp] | None:
    """Each prompt's task as a number; None where there are not two tasks."""
    labels = task_labels(outcomes)
    return None if labels is None else np.unique(list(labels), return_inverse=True)[1]
