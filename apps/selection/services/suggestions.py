"""What other rooms ask of the selection methods. Nothing is written: a list of items is a proposal."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from apps.catalog.tables import PredictionTable
from apps.selection.methods.certificate import Certificate
from apps.selection.methods.certificate import certificate as _certificate
from apps.selection.methods.registry import DEFAULT, METHODS

DEFAULT_METHOD = DEFAULT
BATCH_METHOD = "model_selector"
"""For a list of many items at once; the default is made, and measured, for one after another."""

METHOD_NAMES = {
    "auto": "Assay's own",
    "model_selector": "MODEL SELECTOR",
    "coda": "CODA",
    "gini": "weighted vote split",
    "top_two": "top two",
    "margin": "vote margin",
    "uncertainty": "vote entropy",
    "qbc": "query by committee",
    "vma": "VMA",
    "amc": "AMC",
    "active_testing": "active testing",
    "model_picker": "Model Picker",
    "random": "random order",
}


@dataclass(frozen=True)
class SuggestedItems:
    """Items worth labelling next: their indices in the table, the most useful first."""

    method: str
    indices: tuple[int, ...]


def suggest_items(
    predictions: PredictionTable,
    labels: ArrayLike,
    *,
    k: int = 20,
    seed: int = 0,
    method: str = BATCH_METHOD,
) -> SuggestedItems:
    """The up to `k` unlabelled items that a registered method would label next.

    `labels` is int [n_items] with -1 where there is none. Equal seeds give equal items.
    Raises KeyError for an unknown method and ValueError for labels that do not fit the table.
    """
    truth = predictions.checked_labels(labels)
    chooser = METHODS[method](predictions, seed=seed)
    for item in np.flatnonzero(truth >= 0):
        chooser.observe(int(item), int(truth[item]))
    found = chooser.suggest(k).items if (truth < 0).any() else np.array([], dtype=int)
    return SuggestedItems(METHOD_NAMES[method], tuple(int(item) for item in found))


def certify(
    predictions: PredictionTable, labels: ArrayLike, *, delta: float, prefer: str | None = None
) -> Certificate:
    """The certificate of the model with the most right answers; of equals, `prefer` where it is one.

    The bound on the labels left is proved for a model with the most right answers only, so `prefer`
    counts for nothing where it has fewer.
    """
    truth = predictions.checked_labels(labels)
    known = truth >= 0
    correct = (predictions.predictions[:, known] == truth[known]).sum(axis=1)
    leader = None
    if prefer is not None and known.any():
        index = predictions.model_names.index(prefer)
        leader = prefer if correct[index] == correct.max() else None
    return _certificate(predictions, truth, delta=delta, leader=leader)


def certificate_summary(certificate: Certificate, *, rivals: int = 10) -> dict[str, Any]:
    """The certificate as plain numbers, with the hardest `rivals` alone: there may be hundreds."""
    whole = certificate.as_dict()
    return whole | {"rivals": whole["rivals"][:rivals], "rival_count": len(whole["rivals"])}
