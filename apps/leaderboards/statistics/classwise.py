"""Models class by class: recall, the worst class, macro-F1 with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.catalog.tables import NOT_RUN, Classes, Floats

from .intervals import wilson


@dataclass(frozen=True, eq=False)
class ClassWise:
    """Numbers of all models by class. A class counts where a labelled item has it.

    Attributes:
        right: [n_models, n_classes], items of the class that the model recognised.
        asked: [n_models, n_classes], items of the class that it was run on.
        macro_f1: [n_models], NaN where the model was run on no labelled item.
        low, high: [n_models], the ends of its interval.
        worst: [n_models], the class of the lowest recall, -1 where nothing was asked.
        worst_low, worst_high: [n_models], of that recall, at a level that allows for having picked
            the lowest of so many.
    """

    right: Floats
    asked: Floats
    macro_f1: Floats
    low: Floats
    high: Floats
    worst: Classes
    worst_low: Floats
    worst_high: Floats


def classwise(
    answers: Classes, truth: Classes, n_classes: int, *, alpha: float = 0.05
) -> ClassWise:
    """Count by class, and average F1 over the classes that the labels name.

    With d_c = the share of items labelled c plus the share answered c, the F1 of class c is
    2 P(both c) / d_c, a ratio of means. An item labelled y and answered p therefore moves the
    macro-F1 of C classes by (2 [y = p] / d_y - F1_y / d_y - F1_p / d_p) / C, a term being 0 for a
    class that no label names; the variance of the estimate is the mean square of this over the items,
    divided by their number. The interval is Wilson's for as many items as would give one share this
    variance; where all answers are right, or none is, for the harmonic mean of the items of the
    classes times their number. It asks for some 20 items of each class to be read at its level.

    Args:
        answers: class indices [n_models, n_items], -1 where not run.
        truth: the labels [n_items], all known.

    Source: K. Takahashi, K. Yamamoto, A. Kuchiba, T. Koyama, Applied Intelligence 52 (2022) 4961,
    for F1 of many classes; here by the delta method on the items themselves.
    """
    n_models = len(answers)
    right, asked, said = np.zeros((3, n_models, n_classes))
    spread = np.full(n_models, np.nan)
    f1 = np.zeros((n_models, n_classes))
    present = np.bincount(truth, minlength=n_classes) > 0
    count = present.sum()
    for model, row in enumerate(answers):
        ran = row != NOT_RUN
        label, answer = truth[ran], row[ran]
        if not label.size:
            continue
        asked[model] = np.bincount(label, minlength=n_classes)
        said[model] = np.bincount(answer, minlength=n_classes)
        right[model] = np.bincount(label[label == answer], minlength=n_classes)
        both = asked[model] + said[model]
        f1[model] = np.divide(2 * right[model], both, out=np.zeros(n_classes), where=both > 0)
        weight = np.divide(label.size, both, out=np.zeros(n_classes), where=(both > 0) & present)
        moved = 2 * (label == answer) * weight[label]
        moved -= f1[model][label] * weight[label] + f1[model][answer] * weight[answer]
        spread[model] = np.sqrt((moved**2).mean() / label.size) / count
    macro = np.where(np.isnan(spread), np.nan, f1[:, present].mean(axis=1))
    moving = np.where(spread > 0, spread, 1.0)
    fewest = np.divide(1.0, asked, out=np.zeros(asked.shape), where=asked > 0).sum(axis=1)
    worth = np.where(
        spread > 0, macro * (1 - macro) / moving**2, count**2 / np.maximum(fewest, 1e-9)
    )
    worth = np.where(np.isnan(macro), 0.0, worth)
    low_f1, high_f1 = wilson(np.nan_to_num(macro) * worth, worth, alpha=alpha)
    recall = np.divide(right, asked, out=np.full(right.shape, np.inf), where=asked > 0)
    worst = np.where(np.isinf(recall).all(axis=1), -1, recall.argmin(axis=1)).astype(np.int32)
    rows = np.arange(n_models)
    low, high = wilson(right[rows, worst], asked[rows, worst], alpha=alpha / max(1, count))
    return ClassWise(
        right,
        asked,
        macro,
        low_f1,
        high_f1,
        worst,
        low,
        high,
    )
