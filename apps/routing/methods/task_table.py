"""Each model's mean on the task the prompt belongs to.

The only router that is told the task of a new prompt: not to be deployed as it stands, but the mark
that routers which see the prompt alone are measured by (the data-set oracle of LLMRouterBench,
arXiv 2601.07206, as far as it can be learnt).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable

from .base import Embeddings
from .fitted import Fitted, column_means
from .tasks import task_labels

_PRIOR = 5.0
"""Prompts' worth of weight of a model's mean over all tasks."""


class TaskTable(Fitted):
    """A table of mean scores by task, drawn a little to the overall mean."""

    NAME = "task-table"
    ARRAYS = ("table",)
    VALUES = ("tasks",)

    table: NDArray[np.float64]
    """[n_tasks, n_models]"""
    tasks: list[str]
    """[n_tasks]"""

    def _learn(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        told = embeddings.tasks or task_labels(outcomes) or ("",) * outcomes.n_prompts
        self.tasks = sorted(set(told))
        self.table = self._rows(outcomes, told, self.mean_score)

    def _scores(self, embeddings: Embeddings) -> Floats:
        place = {task: row for row, task in enumerate(self.tasks)}
        known = np.vstack([self.table, self.mean_score])
        told = embeddings.tasks or ("",) * len(embeddings.prompts)
        return known[[place.get(task, len(self.tasks)) for task in told]]

    def _add(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        told = embeddings.tasks or task_labels(outcomes) or ("",) * outcomes.n_prompts
        new = self._rows(outcomes, told, column_means(outcomes.score))
        self.table = np.hstack([self.table, new])

    def _rows(self, outcomes: OutcomeTable, told: tuple[str, ...], mean: Floats) -> Floats:
        rows = np.empty((len(self.tasks), outcomes.n_models))
        labels = np.array(told)
        for row, task in enumerate(self.tasks):
            score = outcomes.score[labels == task]
            known = ~np.isnan(score)
            total = np.where(known, score, 0.0).sum(axis=0)
            rows[row] = (total + _PRIOR * mean) / (known.sum(axis=0) + _PRIOR)
        return rows
