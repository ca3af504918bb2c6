"""`auto`, our own router and the default.

A ridge regression, the nearest neighbours and a table of the tasks that a prompt looks like are
weighed by how they did on prompts held out (stacking, Breiman 1996), and what they say together is
shrunk, factor by factor of the models' differences, to the part that held up. What was tried is in
`docs/decisions/0012-the-auto-router.md`.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable
from apps.routing.duplicates import dealt, kin
from apps.routing.methods.base import Embeddings, Forecast
from apps.routing.methods.fitted import Fitted
from apps.routing.methods.tasks import task_labels

from .blend import Curve, differences, levels, relevance
from .costs import Costs
from .experts import EXPERTS, FAR, Lesson, Tasks, cross_fitted
from .features import Features
from .newcomer import Newcomer, remembered
from .novelty import LEAST_GROUPS, Novelty, group_folds, groups_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Part = TypeVar("Part", bound="DataclassInstance")

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
        *(f"cost_{part.name}" for part in fields(Costs)),
        *(f"novelty_{part.name}" for part in fields(Novelty)),
        *(f"curve_{part.name}" for part in fields(Curve)),
        *(f"newcomer_{part.name}" for part in fields(Newcomer)),
        "level",
        "remembered",
        "residual",
    )

    held_out: Forecast | None = None
    level: Floats
    """[n_models], each model's expected score before the prompt is seen."""
    remembered: NDArray[np.int64]
    """[n_seen], by which training prompts are known again when a new model joins."""
    task_table: Floats
    """Of `Tasks`, [n_tasks, 2 * n_models]: of known kinds of prompts, then of new ones."""
    residual: NDArray[np.float32]
    """[n_seen, n_trained], their scores less the level; models that joined later have none."""

    def _learn(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        n = outcomes.n_prompts
        if n < LEAST:
            raise ValueError(f"{n} prompts are too few to learn from: at least {LEAST}.")
        features = Features.learn(embeddings.prompts, embeddings.vectors, self.seed)
        blocks = features.blocks(embeddings.prompts, embeddings.vectors)
        for name, array in features.state.items():
            setattr(self, name, array)
        weights = relevance(self.mean_score, self.mean_cost)
        self.level = self.mean_score
        residual = _filled(outcomes.score - self.level, weights)
        self.remembered, self.residual = remembered(outcomes.prompts), residual.astype(np.float32)
        lesson = Lesson(blocks, residual, weights, _task_codes(outcomes))
        self._keep("newcomer", Newcomer.learn(residual, lesson.codes))

        groups = groups_of(lesson.codes, blocks.vectors, self.seed)
        related = kin(outcomes.prompts, FOLDS)
        fold = dealt(related, FOLDS, self.seed)
        group_fold = group_folds(groups, self.seed)
        enough = len(np.unique(groups)) >= LEAST_GROUPS
        novelty, (new, strange) = Novelty.learn(blocks, groups, related, self.seed)
        costs, cost = Costs.learn(blocks.whole, outcomes.cost, fold)
        self._keep("novelty", novelty)
        self._keep("cost", costs)

        kinds = EXPERTS.values()
        said = [cross_fitted(kind, lesson, fold) for kind in kinds]
        level = levels(said, residual)
        near = [
            one + common
            for one, common in zip(differences(said, residual, weights), level, strict=True)
        ]
        far = list(level)
        if enough:
            abroad = [cross_fitted(EXPERTS[name], lesson, group_fold) for name in FAR]
            heard = differences(abroad, residual, weights, groups)
            for name, one in zip(FAR, heard, strict=True):
                far[list(EXPERTS).index(name)] = far[list(EXPERTS).index(name)] + one
        score = np.tile(self.level, (n, 1))
        for (name, kind), opinion, here, there in zip(
            EXPERTS.items(), said, near, far, strict=True
        ):
            self._keep(name, kind.learn(lesson).through(np.hstack([here, there])))
            score += _by_novelty(opinion @ np.hstack([here, there]), new)
        cost = cost + strange[:, None] * (costs.mean - cost)
        self._keep("curve", Curve.learn(score, outcomes.score))
        shown = np.empty_like(score)
        for own in (fold == number for number in range(FOLDS)):
            shown[own] = Curve.learn(score[~own], outcomes.score[~own]).at(score[own])
        self.held_out = Forecast(score=score, cost=cost, probability=shown)

    def _forecast(self, embeddings: Embeddings) -> Forecast:
        features = Features({name: getattr(self, name) for name in _FEATURES})
        blocks = features.blocks(embeddings.prompts, embeddings.vectors)
        new, strange = self._part("novelty", Novelty).of(blocks)
        said = np.sum(
            [self._part(name, kind).foretell(blocks) for name, kind in EXPERTS.items()], axis=0
        )
        score = self.level + _by_novelty(said, new)
        return Forecast(
            score=score,
            cost=self._part("cost", Costs).foretell(blocks.whole, strange),
            probability=self._part("curve", Curve).at(score),
        )

    def _add(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """A mixture of the models that were trained and effects of tasks, found from a few prompts."""
        features = Features({name: getattr(self, name) for name in _FEATURES})
        blocks = features.blocks(embeddings.prompts, embeddings.vectors)
        n_trained, n_models = self.residual.shape[1], len(self.model_names)
        known = (self.forecast(embeddings).score - self.level)[:, :n_trained]
        places = {int(name): row for row, name in enumerate(self.remembered)}
        for row, name in enumerate(remembered(embeddings.prompts)):
            if int(name) in places:
                known[row] = self.residual[places[int(name)]]
        ran = outcomes.ran[:, 0]
        tasks = self._part("task", Tasks).posterior(blocks)
        level, shares, effects = self._part("newcomer", Newcomer).joined(
            known[ran], tasks[ran], outcomes.score[ran, 0]
        )
        mixture = np.hstack([np.eye(n_models), np.pad(shares, (0, n_models - n_trained))[:, None]])
        by: Floats = np.kron(np.eye(2), mixture).astype(np.float64)
        for name, kind in EXPERTS.items():
            self._keep(name, self._part(name, kind).through(by))
        self.task_table[:, n_models] += effects
        costs = self._part("cost", Costs)
        self._keep("cost", costs.joined(blocks.whole, outcomes.cost[:, 0]))
        self.level = np.append(self.level, level)
        self.held_out = None

    def _keep(self, name: str, part: DataclassInstance) -> None:
        """A part's arrays as this router's own, to be saved with it."""
        for array in fields(part):
            setattr(self, f"{name}_{array.name}", getattr(part, array.name))

    def _part(self, name: str, kind: type[Part]) -> Part:
        return kind(*(getattr(self, f"{name}_{array.name}") for array in fields(kind)))


def _by_novelty(said: Floats, new: Floats) -> Floats:
    """What is said of known kinds of prompts and of new ones, [n_prompts, 2 * n_models], as one."""
    here, there = np.hsplit(said, 2)
    return here + new[:, None] * (there - here)


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
