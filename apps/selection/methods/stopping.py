"""When to stop: the calibrated rule, the zero-drift rule it is measured against, and what is left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import NOT_LABELLED, NOT_RUN, Floats, PredictionTable

MIN_LABELS = 10
"""No rule but the certificate stops before."""

_LIMIT_BEST, _LIMIT_DELTA = 2.0, 0.6  # of alpha; calibrated by replay at alpha = .05
_DRIFT_Z = 1.64  # the drift seen enters by its 95% lower bound,
_DRIFT_TRUST = 0.5  # half of it: labels were chosen, not drawn
_PRIOR = 4.0  # disagreements thought to have been informative before any was seen
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Rivals:
    """How each model stands against the leader.

    Attributes:
        lead: [n_models], right answers of the leader minus its own among the labels.
        can_gain: [n_models], unlabelled items it was run on and predicts otherwise than the leader.
        differed: [n_models], labelled items on which the two differ.
        decided: [n_models], those of them on which one of the two is right.
        n_labelled, n_items: of the pool.
        leader: the model spoken of.
    """

    lead: NDArray[np.int_]
    can_gain: NDArray[np.int_]
    differed: NDArray[np.int_]
    decided: NDArray[np.int_]
    n_labelled: int
    n_items: int
    leader: int


@dataclass(frozen=True)
class Stop:
    """What the rules say of a leader.

    Attributes:
        stop: the calibrated rule says that enough is known (or the certificate does).
        certain: the certificate: no missing label can change it.
        risk: the calibrated rule's measure; it stops at `limit` and below.
        limit: the bound at the alpha asked for.
        zero_drift: the sum of the zero-drift rule; that rule stops at alpha and below.
        labels_left: further labels that the calibrated rule is expected to need; 0 where it stops.
        labels_left_low, labels_left_high: the same where the rivals fall back faster, or slower.
    """

    stop: bool
    certain: bool
    risk: float
    limit: float
    zero_drift: float
    labels_left: int
    labels_left_low: int
    labels_left_high: int


class StopMeter:
    """How the rivals of a leader stand, kept up to date label by label.

    The leader is given with each question; asking for the same one again costs O(n_models).
    """

    def __init__(self, table: PredictionTable) -> None:
        self._table = table
        self._labels = np.full(table.n_items, NOT_LABELLED, dtype=np.int32)
        self._held: Rivals | None = None

    def observe(self, item: int, label: int) -> None:
        """Take in a label; `SelectionMethod.observe` has checked it."""
        if self._labels[item] != NOT_LABELLED:
            return
        self._labels[item] = label
        held = self._held
        if held is None:
            return
        answers = self._table.predictions[:, item]
        top = answers[held.leader]
        right, differs = answers == label, answers != top
        self._held = Rivals(
            lead=held.lead + (int(top == label) - right.astype(int)),
            can_gain=held.can_gain - (differs & (answers != NOT_RUN)),
            differed=held.differed + differs,
            decided=held.decided + (right != (top == label)),
            n_labelled=held.n_labelled + 1,
            n_items=held.n_items,
            leader=held.leader,
        )

    def rivals(self, leader: int) -> Rivals:
        """[n_models] counts against this leader."""
        if self._held is None or self._held.leader != leader:
            self._held = self._counted(leader)
        return self._held

    def _counted(self, leader: int) -> Rivals:
        known = np.flatnonzero(self._labels != NOT_LABELLED)
        answers, labels = self._table.predictions[:, known], self._labels[known]
        right = answers == labels
        rest = self._table.predictions[:, self._labels == NOT_LABELLED]
        differs = (rest != rest[leader]) & (rest != NOT_RUN)
        correct = np.count_nonzero(right, axis=1)
        return Rivals(
            lead=correct[leader] - correct,
            can_gain=np.count_nonzero(differs, axis=1),
            differed=np.count_nonzero(answers != answers[leader], axis=1),
            decided=np.count_nonzero(right != right[leader], axis=1),
            n_labelled=len(known),
            n_items=self._table.n_items,
            leader=leader,
        )


def is_certain(rivals: Rivals, *, delta: float = 0.0) -> bool:
    """The certificate for this leader: see `certificate.certificate`."""
    allowed = delta * rivals.n_items + _ROUNDING
    beyond = rivals.can_gain - rivals.lead > allowed
    beyond[rivals.leader] = False
    return not beyond.any()


def zero_drift_risk(rivals: Rivals, *, delta: float = 0.0) -> float:
    """Sum over rivals of Phi(-(lead + delta n + 1/2) / sqrt(can_gain)), 0 for those excluded.

    As if on every open disagreement a rival gained or lost a point with equal chance. The rule
    stops where the sum is at most alpha.

    Source: this project.
    """
    alive, gap = _alive(rivals, delta)
    return float(_passes(gap + 0.5, rivals.can_gain[alive].astype(float)).sum())


def risk(rivals: Rivals, *, delta: float = 0.0) -> float:
    """The calibrated rule's measure S of a leader, between 0 and sqrt(n_models).

    For a rival m that the certificate does not exclude, with gap = lead_m + delta n, D_m =
    can_gain, d_m = differed and s_m = decided:

        v_m = min(1, (s_m + 4) / (d_m + 4))                   share of disagreements that count
        mu_m = max(0, lead_m - 1.64 sqrt(s_m + 1)) / (d_m + 1)   lower bound of the drift
        p_m = Phi(-(gap + 1/2 + mu_m D_m / 2) / sqrt(v_m D_m)),  S = sqrt(max p_m * sum p_m).

    Only half of the lower bound of the drift is carried on to the open disagreements, since the
    labels were chosen. S is no probability: replays say at which S stopping is right how often.

    Source: this project.
    """
    alive, gap = _alive(rivals, delta)
    return _risk(
        gap,
        rivals.lead[alive].astype(float),
        rivals.can_gain[alive].astype(float),
        rivals.differed[alive].astype(float),
        rivals.decided[alive].astype(float),
    )


def limit(*, alpha: float = 0.05, delta: float = 0.0) -> float:
    """The S at which the calibrated rule stops: 2 alpha for the best model, .6 alpha within delta.

    Calibrated by replays at alpha = .05; at another alpha it is scaled, and not measured.

    Raises:
        ValueError: alpha is not between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"Alpha is {alpha:g}; it must be above 0 and below 1.")
    return alpha * (_LIMIT_BEST if delta == 0 else _LIMIT_DELTA)


def should_stop(rivals: Rivals, *, alpha: float = 0.05, delta: float = 0.0) -> bool:
    """The calibrated rule: S at most its limit after at least ten labels, or the certificate."""
    if is_certain(rivals, delta=delta):
        return True
    if rivals.n_labelled < MIN_LABELS:
        return False
    return risk(rivals, delta=delta) <= limit(alpha=alpha, delta=delta)


def stopping(rivals: Rivals, *, alpha: float = 0.05, delta: float = 0.0) -> Stop:
    """All that a page shows of stopping.

    Raises:
        ValueError: alpha or delta out of range.
    """
    if not 0 <= delta <= 1:
        raise ValueError(f"Delta is {delta:g}; it must be between 0 and 1.")
    bound = limit(alpha=alpha, delta=delta)
    stop = should_stop(rivals, alpha=alpha, delta=delta)
    left = (0, 0, 0) if stop else _labels_left(rivals, bound, delta)
    return Stop(
        stop=stop,
        certain=is_certain(rivals, delta=delta),
        risk=risk(rivals, delta=delta),
        limit=bound,
        zero_drift=zero_drift_risk(rivals, delta=delta),
        labels_left=left[1],
        labels_left_low=left[0],
        labels_left_high=left[2],
    )


def _alive(rivals: Rivals, delta: float) -> tuple[NDArray[np.intp], Floats]:
    """The rivals that the certificate does not exclude, and by how much each is behind."""
    gap = rivals.lead + delta * rivals.n_items
    beyond = rivals.can_gain - gap > _ROUNDING
    beyond[rivals.leader] = False
    alive = np.flatnonzero(beyond)
    return alive, np.asarray(gap[alive], dtype=float)


def _risk(gap: Floats, lead: Floats, can_gain: Floats, differed: Floats, decided: Floats) -> float:
    if not len(gap):
        return 0.0
    share = np.minimum(1.0, (decided + _PRIOR) / (differed + _PRIOR))
    drift = np.maximum(0.0, lead - _DRIFT_Z * np.sqrt(decided + 1)) / (differed + 1)
    ahead = gap + 0.5 + _DRIFT_TRUST * drift * can_gain
    passes = _passes(ahead, share * can_gain)
    return float(np.sqrt(passes.max() * passes.sum()))


def _labels_left(rivals: Rivals, bound: float, delta: float) -> tuple[int, int, int]:
    """Labels until S is expected to reach the bound: where rivals fall back fast, as seen, slowly.

    Each further label is thought to touch a rival as often as labels have so far, and to move its
    lead as they have so far, give or take one standard error.
    """
    alive, gap = _alive(rivals, delta)
    lead, can_gain, differed, decided = (
        values[alive].astype(float)
        for values in (rivals.lead, rivals.can_gain, rivals.differed, rivals.decided)
    )
    n_open = rivals.n_items - rivals.n_labelled
    touched = (differed + 1) / (rivals.n_labelled + 2)
    touched = np.clip(np.maximum(touched, can_gain / n_open), 0, 1)
    rate = lead / (differed + 1)
    error = np.sqrt(decided + 1) / (differed + 1)
    share = (decided + 1) / (differed + 2)
    steps = np.unique(np.geomspace(1, n_open, 80).astype(int))
    found = []
    for rates in (rate + error, rate, rate - error):
        found.append(n_open)
        for step in steps:
            moved = np.minimum(touched * step, can_gain)
            gained = np.clip(rates, -share, share) * moved
            still = np.flatnonzero(can_gain - moved - gap - gained > _ROUNDING)
            reached = _risk(
                (gap + gained)[still],
                (lead + gained)[still],
                (can_gain - moved)[still],
                (differed + moved)[still],
                (decided + share * moved)[still],
            )
            if reached <= bound and rivals.n_labelled + step >= MIN_LABELS:
                found[-1] = int(step)
                break
    return found[0], found[1], found[2]


def _passes(ahead: Floats, variance: Floats) -> Floats:
    """P(a normal number of mean -ahead is above 0); 1 without variance: the rival has passed."""
    # Imported here: it takes a second, and web servers start without computing anything.
    from scipy.special import ndtr

    moves = variance > 0
    z = ahead / np.sqrt(np.where(moves, variance, 1.0))
    return np.asarray(np.where(moves, ndtr(-z), 1.0))
