"""Which column of the outcomes says what kind of task a prompt is."""

from __future__ import annotations

from apps.catalog.tables import OutcomeTable

TASK_COLUMNS = ("task", "domain", "dataset", "category", "eval_name", "subject")
"""The first that is there, with two values at least, tells the task; RouterBench has `eval_name`."""


def task_labels(outcomes: OutcomeTable) -> tuple[str, ...] | None:
    """The task of each prompt, [n_prompts]; None where no column tells it."""
    for column in TASK_COLUMNS:
        if len(set(outcomes.groups.get(column, ()))) > 1:
            return outcomes.groups[column]
    return None
