"""When to stop: the calibrated rule, the zero-drift rule it is measured against, and what is left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import NOT_LABELLED, Classes, Floats, PredictionTable
from apps.selection.metrics.credit import Credit

from .certificate import can_gain

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
        open: the same; with a credit, `can_gain` is the most credit to be gained on these items.
        differed: [n_models], labelled items on which the two differ.
        decided: [n_models], those of them on which one of the two is right; with a credit, the sum
            of the squares of what one earned above the other.
        n_labelled, n_items: of the pool.
        leader: the model spoken of.
        base: the items that a share delta is a share of.
        step: the most that one label can move a lead.
    """

    lead: NDArray[Any]
    can_gain: NDArray[Any]
    open: NDArray[np.int_]
    differed: NDArray[np.int_]
    decided: NDArray[Any]
    n_labelled: int
    n_items: int
    leader: int
    base: float
    step: float = 1.0


@dataclass(frozen=True, eq=False)
class Outlook:
    """How far a model is thought to be ahead of each other once all is labelled.

    Attributes:
        ahead: [n_models], the mean of that, as a share of the pool; negative where it is behind.
        variance: [n_models], of the same.
        settled_after: [n_models], further labels after which the two are expected to differ on no
            open item.
        n_labelled, n_open: items of the pool.
        leader: the model spoken of.
    """

    ahead: Floats
    variance: Floats
    settled_after: Floats
    n_labelled: int
    n_open: int
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

    def __init__(self, table: PredictionTable, credit: Credit | None = None) -> None:
        self._table = table
        self._credit = credit
        # What the rules compare: classes, or with a credit the kinds of answers.
        self._answers = table.predictions if credit is None else credit.kinds(table.predictions)
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
        answers = self._answers[:, [item]]
        top = answers[held.leader]
        won = self._won(answers, np.array([label]), held.leader)
        gain, is_open = self._gains(answers, top)
        self._held = replace(
            held,
            lead=held.lead + won[:, 0],
            can_gain=held.can_gain - gain,
            open=held.open - is_open,
            differed=held.differed + (answers != top)[:, 0],
            decided=held.decided + (won**2)[:, 0],
            n_labelled=held.n_labelled + 1,
            base=self._base(),
        )

    def rivals(self, leader: int) -> Rivals:
        """[n_models] counts against this leader."""
        if self._held is None or self._held.leader != leader:
            self._held = self.counted(leader)
        return self._held

    def counted(self, leader: int) -> Rivals:
        """The same, counted afresh: for a model that is asked about once."""
        known = np.flatnonzero(self._labels != NOT_LABELLED)
        answers = self._answers[:, known]
        won = self._won(answers, self._labels[known], leader)
        rest = self._answers[:, self._labels == NOT_LABELLED]
        gain, is_open = self._gains(rest, rest[leader])
        return Rivals(
            lead=won.sum(axis=1),
            can_gain=gain,
            open=is_open,
            differed=np.count_nonzero(answers != answers[leader], axis=1),
            decided=(won**2).sum(axis=1),
            n_labelled=len(known),
            n_items=self._table.n_items,
            leader=leader,
            base=self._base(),
            step=1.0 if self._credit is None else float(self._credit.gain.max()),
        )

    def _won(self, answers: Classes, labels: Classes, leader: int) -> NDArray[Any]:
        """[n_models, n], what the leader earned above each on labelled items."""
        if self._credit is None:
            right = (answers == labels).astype(int)
        else:
            right = self._credit.of_labels(answers, labels)
        return np.asarray(right[leader] - right)

    def _gains(self, answers: Classes, top: Classes) -> tuple[NDArray[Any], NDArray[np.int_]]:
        """[n_models], the most to be gained on the leader on open items, and on how many of them."""
        if self._credit is None:
            count = np.asarray(can_gain(answers, top), dtype=int)
            return count, count
        gain = self._credit.gain[answers, top]
        return np.asarray(gain.sum(axis=1)), np.asarray((gain > 0).sum(axis=1))

    def _base(self) -> float:
        if self._credit is None:
            return float(self._table.n_items)
        return self._credit.base(self._labels)


def is_certain(rivals: Rivals, *, delta: float = 0.0) -> bool:
    """The certificate for this leader: see `certificate.certificate`."""
    allowed = delta * rivals.base + _ROUNDING
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
    variance = np.asarray(rivals.step**2 * rivals.open[alive], dtype=float)
    return float(_passes(gap + 0.5 * rivals.step, variance).sum())


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
        rivals.open[alive].astype(float),
        rivals.differed[alive].astype(float),
        rivals.decided[alive].astype(float),
        rivals.step,
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
    left = (
        (0, 0, 0)
        if stop or rivals.n_labelled == rivals.n_items
        else _labels_left(rivals, bound, delta)
    )
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


def unruled(n_open: int) -> Stop:
    """What is said where no rule is known: certain once nothing is open."""
    done = n_open == 0
    return Stop(
        stop=done,
        certain=done,
        risk=0.0 if done else 1.0,
        limit=0.0,
        zero_drift=0.0 if done else 1.0,
        labels_left=n_open,
        labels_left_low=n_open,
        labels_left_high=n_open,
    )


def outlook(rivals: Rivals) -> Outlook:
    """The forecast that the calibrated rule rests on, for every model.

    Where a model is behind, what the labels have shown is carried on in full; a lead as in `risk`.
    """
    lead, n_open = rivals.lead.astype(float), rivals.open.astype(float)
    differed, decided = rivals.differed.astype(float), rivals.decided.astype(float)
    drift, variance = _drift(lead, n_open, differed, decided, rivals.step)
    drift = np.where(lead < 0, lead / (differed + 1) * n_open, drift)
    return Outlook(
        ahead=np.asarray((lead + drift) / rivals.base),
        variance=np.asarray(variance / rivals.base**2),
        settled_after=np.asarray(n_open / np.maximum(_touched(rivals, differed, n_open), 1e-9)),
        n_labelled=rivals.n_labelled,
        n_open=rivals.n_items - rivals.n_labelled,
        leader=rivals.leader,
    )


def _touched(rivals: Rivals, differed: Floats, n_open: Floats) -> Floats:
    """[n], the share of further labels thought to fall on items where two models differ."""
    touched = (differed + 1) / (rivals.n_labelled + 2)
    left = max(1, rivals.n_items - rivals.n_labelled)
    return np.asarray(np.clip(np.maximum(touched, n_open / left), 0, 1))


def _alive(rivals: Rivals, delta: float) -> tuple[NDArray[np.intp], Floats]:
    """The rivals that the certificate does not exclude, and by how much each is behind."""
    gap = rivals.lead + delta * rivals.base
    beyond = rivals.can_gain - gap > _ROUNDING
    beyond[rivals.leader] = False
    alive = np.flatnonzero(beyond)
    return alive, np.asarray(gap[alive], dtype=float)


def _risk(
    gap: Floats, lead: Floats, n_open: Floats, differed: Floats, decided: Floats, step: float
) -> float:
    if not len(gap):
        return 0.0
    drift, variance = _drift(lead, n_open, differed, decided, step)
    passes = _passes(gap + 0.5 * step + drift, variance)
    return float(np.sqrt(passes.max() * passes.sum()))


def _drift(
    lead: Floats, n_open: Floats, differed: Floats, decided: Floats, step: float
) -> tuple[Floats, Floats]:
    """What the lead is thought to grow by on the open disagreements, and the variance of that."""
    share = np.minimum(step**2, (decided + _PRIOR * step**2) / (differed + _PRIOR))
    drift = np.maximum(0.0, lead - _DRIFT_Z * np.sqrt(decided + step**2)) / (differed + 1)
    return _DRIFT_TRUST * drift * n_open, share * n_open


def _labels_left(rivals: Rivals, bound: float, delta: float) -> tuple[int, int, int]:
    """Labels until S is expected to reach the bound: where rivals fall back fast, as seen, slowly.

    Each further label is thought to touch a rival as often as labels have so far, and to move its
    lead as they have so far, give or take one standard error.
    """
    alive, gap = _alive(rivals, delta)
    lead, can_gain, disputed, differed, decided = (
        values[alive].astype(float)
        for values in (rivals.lead, rivals.can_gain, rivals.open, rivals.differed, rivals.decided)
    )
    unit = rivals.step
    each = can_gain / np.maximum(disputed, 1)
    n_open = rivals.n_items - rivals.n_labelled
    touched = _touched(rivals, differed, disputed)
    rate = lead / (differed + 1)
    error = np.sqrt(decided + unit**2) / (differed + 1)
    share = (decided + unit**2) / (differed + 2)
    steps = np.unique(np.geomspace(1, n_open, 80).astype(int))
    found = []
    for rates in (rate + error, rate, rate - error):
        found.append(n_open)
        for step in steps:
            moved = np.minimum(touched * step, disputed)
            gained = np.clip(rates, -share / unit, share / unit) * moved
            still = np.flatnonzero(each * (disputed - moved) - gap - gained > _ROUNDING)
            reached = _risk(
                (gap + gained)[still],
                (lead + gained)[still],
                (disputed - moved)[still],
                (differed + moved)[still],
                (decided + share * moved)[still],
                unit,
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
