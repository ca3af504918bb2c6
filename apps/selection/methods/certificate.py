"""When no missing label can change the choice any more."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apps.catalog.tables import NOT_LABELLED, NOT_RUN, Classes, PredictionTable

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Rival:
    """A model that the certificate does not exclude yet.

    Attributes:
        model: its name.
        lead: right answers of the leader minus its own, among the labelled items.
        can_gain: unlabelled items it was run on and predicts otherwise than the leader.
    """

    model: str
    lead: int
    can_gain: int


@dataclass(frozen=True)
class Certificate:
    """Whether the leader is within delta of the best on this pool, whatever the labels still say.

    Attributes:
        holds: it is.
        leader: the model spoken of.
        worst_case_labels_left: this many further labels always suffice; 0 where it holds.
        delta: as asked for.
        rivals: the models not excluded yet, the hardest to exclude first.
    """

    holds: bool
    leader: str
    worst_case_labels_left: int
    delta: float
    rivals: tuple[Rival, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain numbers, strings and lists."""
        return asdict(self) | {"rivals": [asdict(rival) for rival in self.rivals]}


def certificate(
    predictions: PredictionTable,
    labels: ArrayLike,
    *,
    delta: float = 0.0,
    leader: str | None = None,
) -> Certificate:
    """The assumption-free certificate of a leader, for labels chosen in any way at all.

    Let n be the number of items of the pool, c_m the right answers of model m among the labelled
    ones, L the leader, and D_m the number of unlabelled items that m was run on and predicts
    otherwise than L. An item that a model was not run on counts as not right. On any unlabelled
    item m gains at most one point on L, and none outside the D_m items, so if

        slack_m = (c_L - c_m) + delta n - D_m >= 0   for all m,

    L has at most delta n right answers fewer than the best model once everything is labelled: the
    certificate holds. If slack_m < 0, it breaks where m is right on all D_m items, and L on none of
    those that m was not run on: possible as soon as there are two classes.

    *Labels left in the worst case.* Call m a runner where c_L - c_m < D_m (it could still overtake
    L), let U be the unlabelled items on which L and some runner differ (one of them not run
    included), and s = floor(delta n). Then after any |U| - s labels of items in U, whatever they
    are, the certificate holds for the model that then has the most right answers.
    Proof. A label never lowers c_L - c_m - D_m: on one of the D_m items the first difference falls
    by at most 1 and D_m by 1, elsewhere the difference does not fall. So a non-runner f keeps
    c_f <= c_L - D_f: it never passes L, and the new leader K is L or a runner with c_K >= c_L. At
    most s items of U are left. Two models among L and the runners differ only in U, so such a model
    can gain at most s <= delta n on K, which leads it: its slack is not negative. A non-runner f
    differs from K only where it differs from L or where K differs from L, so it can gain at most
    (c_L - c_f) + s, which is at most (c_K - c_f) + delta n: its slack is not negative either. QED.
    For two models, and labels that may be a third class, one label fewer does not always suffice.

    Args:
        predictions: the candidates' predictions.
        labels: the class of each item, -1 where it is not labelled.
        delta: how far below the best is good enough, as a share of the pool.
        leader: the model to speak of; None for the one with the most right answers (among equals,
            the one nearest to its certificate, then the first in the table).

    Raises:
        ValueError: labels that do not fit, delta outside 0..1, or a leader that is no candidate.

    Source: the counting argument is elementary; bounds on the labels left are this project's.
    """
    truth = predictions.checked_labels(labels)
    if not 0 <= delta <= 1:
        raise ValueError(f"Delta is {delta:g}; it must be between 0 and 1.")
    if leader is not None and leader not in predictions.model_names:
        raise ValueError(f"There is no model `{leader}` among the candidates.")
    is_open = truth == NOT_LABELLED
    seen = predictions.predictions[:, ~is_open]
    correct = (seen == truth[~is_open]).sum(axis=1)
    pool = np.ascontiguousarray(predictions.predictions[:, is_open])
    allowed = delta * predictions.n_items + _ROUNDING
    if leader is None:
        chosen, gains = _nearest_leader(pool, correct)
    else:
        chosen = predictions.model_names.index(leader)
        gains = _can_gain(pool, chosen)
    lead = correct[chosen] - correct
    missing = gains - lead - allowed
    missing[chosen] = -1.0
    rivals = [int(j) for j in np.argsort(-missing, kind="stable") if missing[j] > 0]
    return Certificate(
        holds=not rivals,
        leader=predictions.model_names[chosen],
        worst_case_labels_left=(
            max(1, _contested(pool, chosen, lead < gains) - math.floor(allowed)) if rivals else 0
        ),
        delta=delta,
        rivals=tuple(
            Rival(predictions.model_names[j], int(lead[j]), int(gains[j])) for j in rivals
        ),
    )


def _can_gain(pool: Classes, leader: int) -> NDArray[np.int_]:
    """[n_models], open items that a model was run on and predicts otherwise than the leader."""
    return np.asarray(np.count_nonzero((pool != pool[leader]) & (pool != NOT_RUN), axis=1))


def _nearest_leader(pool: Classes, correct: NDArray[np.int_]) -> tuple[int, NDArray[np.int_]]:
    """Of the models with the most right answers the one whose hardest rival lacks the least."""
    leaders = np.flatnonzero(correct == correct.max())
    found = [(int(leader), _can_gain(pool, int(leader))) for leader in leaders]
    return min(found, key=lambda pair: int((pair[1] + correct).max()))


def _contested(pool: Classes, leader: int, runners: NDArray[np.bool_]) -> int:
    """Unlabelled items on which the leader and at least one runner differ."""
    return int((pool[runners] != pool[leader]).any(axis=0).sum())
