"""Which model to name by a score: the labels, and guesses at those that are missing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import NOT_LABELLED, NOT_RUN, Classes, Floats, PredictionTable

from .scores import Score

PSEUDO = 0.5
"""What a guessed label counts; one that was given counts 1."""

_BLOCK = 4_000_000


def merits(table: PredictionTable, labels: Classes, score: Score, *, odds: Floats) -> Floats:
    """[n_models], the score on the labelled items and, counting half, on the others as guessed.

    A missing label is guessed to be the class with the most votes, a model's vote having the odds
    that it is better than the one with the most right answers.

    Args:
        table: the predictions.
        labels: int32 [n_items], -1 where there is none.
        score: what makes a model good.
        odds: [n_models], not negative.

    Source: this project; after the decision of `auto`.
    """
    is_open = labels == NOT_LABELLED
    full = labels.copy()
    full[is_open] = guessed_labels(table, odds, np.flatnonzero(is_open))
    return score.of_labels(table, full, np.where(is_open, PSEUDO, 1.0))


def guessed_labels(table: PredictionTable, odds: Floats, items: NDArray[np.intp]) -> Classes:
    """int32 [n], the class with the most weighted votes on each of these items; -1 without votes."""
    n_classes = len(table.class_names)
    found = np.full(len(items), NOT_LABELLED, dtype=np.int32)
    step = max(1, _BLOCK // max(n_classes, table.n_models))
    for first in range(0, len(items), step):
        block = table.predictions[:, items[first : first + step]]
        ran = block != NOT_RUN
        places = np.arange(block.shape[1]) * n_classes
        weights = np.broadcast_to(odds[:, None], block.shape)[ran]
        size = block.shape[1] * n_classes
        votes = np.bincount((places + block)[ran], weights=weights, minlength=size)
        best = votes.reshape(-1, n_classes).argmax(axis=1)
        found[first : first + step] = np.where(ran.any(axis=0), best, NOT_LABELLED)
    return found


def odds_of(lead: Floats, decided: Floats) -> Floats:
    """[n_models], the odds that a model is better than one that leads it by so many right answers,
    after so many labels on which just one of the two was right; 1 for that one itself."""
    # Imported here: it takes a second, and web servers start without computing anything.
    from scipy.special import ndtr

    better = np.clip(ndtr(-lead / np.sqrt(decided + 1)), 1e-12, 0.5)
    return np.asarray(better / (1 - better))
