"""Two to six models on the same items, from one pass over their answers.

Each item falls into one of 2^14 patterns: which models were run on it, which were right, whether it is
labelled, and whether the answers differ. The count of each pattern holds every number of a comparison,
and the pattern of an item says whether a filter lets it through: ten million items are counted once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import NOT_LABELLED, NOT_RUN, Floats

from .intervals import wilson
from .paired import PairCounts, difference, holm, mcnemar

MOST_MODELS = 6
LABELLED, DIFFER = 1 << (2 * MOST_MODELS), 1 << (2 * MOST_MODELS + 1)
"""Bits of a pattern beside those of each model."""
PATTERNS = 1 << (2 * MOST_MODELS + 2)

_CHUNK = 1 << 20
_WORDS = np.arange(PATTERNS)

Answers = Sequence[NDArray[Any]]
"""Of each model what it said, class indices [n_items], -1 where it was not run."""


def right_bit(model: int) -> int:
    """The bit of a pattern that says that a model, by its number, is right."""
    return 1 << model


def ran_bit(model: int) -> int:
    """The bit of a pattern that says that a model, by its number, was run."""
    return 1 << (MOST_MODELS + model)


def patterns(answers: Answers, labels: NDArray[Any]) -> NDArray[np.uint16]:
    """The pattern of each item, [n_items].

    Args:
        answers: of two to six models.
        labels: class indices [n_items], -1 where there is none.

    Raises:
        ValueError: too few or too many models, or arrays of different lengths.
    """
    if not 2 <= len(answers) <= MOST_MODELS:
        raise ValueError(f"{len(answers)} models cannot be compared: choose 2 to {MOST_MODELS}.")
    if any(said.shape != labels.shape for said in answers):
        raise ValueError("Answers and labels must be of the same items.")
    found = np.zeros(len(labels), np.uint16)
    for start in range(0, len(labels), _CHUNK):
        part = slice(start, start + _CHUNK)
        found[part] = _patterns([np.asarray(said[part]) for said in answers], labels[part])
    return found


def _patterns(answers: list[NDArray[Any]], labels: NDArray[Any]) -> NDArray[np.uint16]:
    labelled = labels != NOT_LABELLED
    found: NDArray[np.uint16] = labelled * np.uint16(LABELLED)
    largest = answers[0]
    smallest = np.where(answers[0] == NOT_RUN, np.iinfo(answers[0].dtype).max, answers[0])
    for model, said in enumerate(answers):
        ran = said != NOT_RUN
        found |= ran * np.uint16(ran_bit(model))
        found |= (labelled & (said == labels)) * np.uint16(right_bit(model))
        largest = np.maximum(largest, said)
        smallest = np.where(ran, np.minimum(smallest, said), smallest)
    found |= (smallest < largest) * np.uint16(DIFFER)
    return found


def tally(
    found: NDArray[np.uint16], groups: NDArray[Any] | None = None, n_groups: int = 0
) -> NDArray[np.int64]:
    """How many items have each pattern, [PATTERNS]; with groups [n_groups, PATTERNS].

    Args:
        groups: the group of each item, 0 to n_groups - 1; items of another number are left out.
    """
    counts = np.zeros(max(n_groups, 1) * PATTERNS, np.int64)
    for start in range(0, len(found), _CHUNK):
        places = found[start : start + _CHUNK].astype(np.int64)
        if groups is not None:
            group = np.asarray(groups[start : start + _CHUNK], np.int64)
            inside = (group >= 0) & (group < n_groups)
            places = places[inside] + group[inside] * PATTERNS
        counts += np.bincount(places, minlength=len(counts))
    return counts if groups is None else counts.reshape(n_groups, PATTERNS)


def confusion(said: NDArray[Any], labels: NDArray[Any], n_classes: int) -> NDArray[np.int64]:
    """Labelled items that a model was run on, by label (rows) and answer, [n_classes, n_classes]."""
    counts = np.zeros(n_classes * n_classes, np.int64)
    for start in range(0, len(labels), _CHUNK):
        label, answer = labels[start : start + _CHUNK], said[start : start + _CHUNK]
        both = (label != NOT_LABELLED) & (answer != NOT_RUN)
        places = label[both].astype(np.int64) * n_classes + answer[both]
        counts += np.bincount(places, minlength=len(counts))
    return counts.reshape(n_classes, n_classes)


@dataclass(frozen=True)
class ModelLine:
    """One model on the labelled items it was run on; accuracy is None where there are none."""

    correct: int
    answered: int
    accuracy: float | None
    low: float
    high: float


@dataclass(frozen=True)
class PairLine:
    """Model `a` against model `b` (numbers) on the labelled items that both were run on.

    `difference` is the accuracy of a minus that of b, None where they share no labelled item.
    `p` and `p_adjusted`: McNemar's exact test, plain and after Holm over the family of pairs asked
    for; `mid_p` and `mid_p_adjusted` the same for the mid-p test.
    """

    a: int
    b: int
    both_right: int
    only_a: int
    only_b: int
    both_wrong: int
    difference: float | None
    low: float
    high: float
    p: float
    p_adjusted: float
    mid_p: float
    mid_p_adjusted: float

    @property
    def shared(self) -> int:
        """Labelled items that both were run on."""
        return self.both_right + self.only_a + self.only_b + self.both_wrong


def count_where(counts: NDArray[np.int64], *, all_of: int = 0, none_of: int = 0) -> int:
    """Items whose pattern has all of some bits and none of some others."""
    return int(counts[(_WORDS & all_of == all_of) & (_WORDS & none_of == 0)].sum())


def model_lines(
    counts: NDArray[np.int64], n_models: int, *, alpha: float = 0.05
) -> list[ModelLine]:
    """The line of each model, from the tally of the patterns."""
    correct = [count_where(counts, all_of=right_bit(model)) for model in range(n_models)]
    answered = [count_where(counts, all_of=ran_bit(model) | LABELLED) for model in range(n_models)]
    low, high = wilson(np.array(correct, float), np.array(answered, float), alpha=alpha)
    return [
        ModelLine(right, ran, right / ran if ran else None, float(low[model]), float(high[model]))
        for model, (right, ran) in enumerate(zip(correct, answered, strict=True))
    ]


def pair_lines(
    counts: NDArray[np.int64], n_models: int, *, alpha: float = 0.05, first_only: bool = False
) -> list[PairLine]:
    """The line of each pair, from the tally of the patterns.

    Args:
        alpha: 1 minus the level of the intervals, which are of one difference each.
        first_only: compare the first model (a) with each other one, which are then one family of
            n - 1 tests; otherwise all pairs are compared, and the family is all of them.
    """
    pairs = [(a, b) for a in range(1 if first_only else n_models) for b in range(a + 1, n_models)]
    seen = _pair_counts(counts, n_models)
    b = np.array([seen.wins[pair] for pair in pairs])
    c = np.array([seen.wins[pair[::-1]] for pair in pairs])
    p, mid = mcnemar(b, c), mcnemar(b, c, midp=True)
    tests = (p, holm(p), mid, holm(mid))
    gaps = [difference(seen, other, alpha=alpha) for other in range(n_models)]
    lines = []
    for place, (first, second) in enumerate(pairs):
        gap, low, high = (float(values[first]) for values in gaps[second])
        both, only_a, only_b = (
            int(matrix[first, second]) for matrix in (seen.both_right, seen.wins, seen.wins.T)
        )
        shared = int(seen.shared[first, second])
        lines.append(
            PairLine(
                first,
                second,
                both,
                only_a,
                only_b,
                shared - both - only_a - only_b,
                gap if shared else None,
                low,
                high,
                *(float(test[place]) for test in tests),
            )
        )
    return lines


def group_differences(
    counts: NDArray[np.int64], first: int, second: int, *, alpha: float = 0.05
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Accuracy of one model minus that of another in each group.

    Args:
        counts: [n_groups, PATTERNS], of `tally`.

    Returns:
        The difference (NaN where a group holds no labelled item that both were run on), the ends of
        its interval, McNemar's exact p-value after Holm over the groups, and the number of items;
        [n_groups] each.
    """
    n_groups = len(counts)
    estimate, low, high, p, shared = np.full((5, n_groups), np.nan)
    for group, row in enumerate(counts):
        seen = _pair_counts(row, max(first, second) + 1)
        gaps = difference(seen, second, alpha=alpha)
        estimate[group], low[group], high[group] = (values[first] for values in gaps)
        shared[group] = seen.shared[first, second]
        p[group] = mcnemar(seen.wins[[first], [second]], seen.wins[[second], [first]])[0]
    return estimate, low, high, holm(p), shared


def _pair_counts(counts: NDArray[np.int64], n_models: int) -> PairCounts:
    """The counts of all pairs, [n_models, n_models] each, from a tally."""
    seen = np.flatnonzero(counts)
    seen = seen[seen & LABELLED > 0]
    weight = counts[seen].astype(float)
    models = range(n_models)
    right = np.array([(seen & right_bit(model)) > 0 for model in models], float)
    ran = np.array([(seen & ran_bit(model)) > 0 for model in models], float)
    return PairCounts(
        wins=(right * weight) @ (ran - right).T,
        both_right=(right * weight) @ right.T,
        shared=(ran * weight) @ ran.T,
    )
