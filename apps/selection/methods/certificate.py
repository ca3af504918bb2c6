"""When no missing label can change the choice any more."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apps.catalog.tables import NOT_LABELLED, NOT_RUN, Classes, Floats, PredictionTable
from apps.selection.metrics.credit import Credit

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Rival:
    """A model that the certificate does not exclude yet.

    Attributes:
        model: its name.
        lead: right answers of the leader minus its own, among the labelled items.
        can_gain: unlabelled items it was run on and predicts otherwise than the leader.

    With a credit both are sums of credit.
    """

    model: str
    lead: float
    can_gain: float


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
    credit: Credit | None = None,
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

    *Any additive score.* Let R[y, a] in 0..1 be what the answer a earns where the label is y. Then
    c_m is a sum of credit, D_m the sum over the unlabelled items of the most that m can earn above L
    there, max_y (R[y, m's answer] - R[y, L's answer]), and two models differ on an item where R has
    different columns for their answers. The labels of different items are free of each other, so the
    certificate still holds exactly where no labels can break it; the proof above goes through with
    s = floor(delta n / g), g <= 1 the largest such gain, because those gains obey the triangle
    inequality. For a recall, where n is not known, delta counts against the items of the class so far.

    Args:
        predictions: the candidates' predictions.
        labels: the class of each item, -1 where it is not labelled.
        delta: how far below the best is good enough, as a share of the pool.
        leader: the model to speak of; None for the one with the most right answers (among equals,
            the one nearest to its certificate, then the first in the table).
        credit: what each answer earns; None for right or wrong.

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
    answers = predictions.predictions if credit is None else credit.kinds(predictions.predictions)
    correct = _earned(answers[:, ~is_open], truth[~is_open], credit)
    pool = np.ascontiguousarray(answers[:, is_open])
    base = predictions.n_items if credit is None else credit.base(truth)
    allowed = delta * base + _ROUNDING
    if leader is None:
        chosen, gains = _nearest_leader(pool, correct, credit)
    else:
        chosen = predictions.model_names.index(leader)
        gains = can_gain(pool, pool[chosen], credit)
    lead = correct[chosen] - correct
    missing = gains - lead - allowed
    missing[chosen] = -1.0
    rivals = [int(j) for j in np.argsort(-missing, kind="stable") if missing[j] > 0]
    largest = 1.0 if credit is None else float(credit.gain.max())
    spared = math.floor(allowed / largest) if rivals else 0
    return Certificate(
        holds=not rivals,
        leader=predictions.model_names[chosen],
        worst_case_labels_left=(
            max(1, _contested(pool, chosen, lead < gains - _ROUNDING) - spared) if rivals else 0
        ),
        delta=delta,
        rivals=tuple(
            Rival(predictions.model_names[j], lead[j].item(), gains[j].item()) for j in rivals
        ),
    )


def can_gain(
    answers: Classes, top: Classes, credit: Credit | None = None
) -> NDArray[np.int_] | Floats:
    """[n_models], the most that each can earn above the leader on some unlabelled items.

    Args:
        answers, top: of all models [n_models, n] and of the leader [n]; kinds where there is a credit.
        credit: None counts the items that a model was run on and predicts otherwise.
    """
    if credit is None:
        return np.asarray(np.count_nonzero((answers != top) & (answers != NOT_RUN), axis=1))
    return np.asarray(credit.gain[answers, top].sum(axis=1))


def _earned(answers: Classes, labels: Classes, credit: Credit | None) -> NDArray[np.int_] | Floats:
    """[n_models], right answers, or the credit of kinds of answers."""
    if credit is None:
        return np.asarray((answers == labels).sum(axis=1))
    return np.asarray(credit.of_labels(answers, labels).sum(axis=1))


def _nearest_leader(
    pool: Classes, correct: NDArray[Any], credit: Credit | None
) -> tuple[int, NDArray[Any]]:
    """Of the models with the most right answers the one whose hardest rival lacks the least."""
    leaders = np.flatnonzero(correct >= correct.max() - _ROUNDING)
    found = [(int(leader), can_gain(pool, pool[leader], credit)) for leader in leaders]
    return min(found, key=lambda pair: float((pair[1] + correct).max()))


def _contested(pool: Classes, leader: int, runners: NDArray[np.bool_]) -> int:
    """Unlabelled items on which the leader and at least one runner differ."""
    return int((pool[runners] != pool[leader]).any(axis=0).sum())
