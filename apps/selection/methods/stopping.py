"""When to stop: the calibrated rule, the zero-drift rule it is measured against, and what is left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats

from .base import ROUNDING
from .rivals import Part, Rivals

MIN_LABELS = 10
"""No rule but the certificate stops before."""

_LIMIT_BEST, _LIMIT_DELTA = 2.0, 0.6  # of alpha; calibrated by replay at alpha = .05
_DRIFT_Z = 1.64  # the drift seen enters by its 95% lower bound,
_DRIFT_TRUST = 0.5  # half of it: labels were chosen, not drawn
_PRIOR = 4.0  # disagreements thought to have been informative before any was seen
_WARY_Z = 2.0  # standard errors that each part of the drift is lowered by, where models mislead


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
        held_back: the rule would stop, but for what most models say, which may mislead.
        outvoted: labels on which the right answer is not the most frequent one.
    """

    stop: bool
    certain: bool
    risk: float
    limit: float
    zero_drift: float
    labels_left: int
    labels_left_low: int
    labels_left_high: int
    held_back: bool = False
    outvoted: int = 0


def is_certain(rivals: Rivals, *, delta: float = 0.0) -> bool:
    """The certificate for this leader: see `certificate.certificate`."""
    allowed = delta * rivals.base + ROUNDING
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
        p_m = Phi(-(gap + 1/2 + G_m) / sqrt(v_m D_m)),  S = sqrt(max p_m * sum p_m).

    G_m, what the lead is thought to grow by, is the least of two. One is mu_m D_m / 2: only half of
    the lower bound is carried on to the open disagreements, since the labels were chosen. The other
    is counted apart for the items on which more models say what the leader says than what m says,
    and for the rest, since labels are bought where models are split and so mostly from the rest:

        sum over both parts of max(-1, (lead - z sqrt(s + 1)) / (d + 1)) D,

    z being 2 where what most models say may mislead (see `committee.Committee`) and 0 elsewhere.

    S is no probability: replays say at which S stopping is right how often.

    Source: this project.
    """
    return _risk_of(rivals, delta, wary=rivals.wary)


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
    n_open = rivals.n_items - rivals.n_labelled
    held_back = (
        not stop
        and rivals.wary
        and rivals.n_labelled >= MIN_LABELS
        and _risk_of(rivals, delta, wary=False) <= bound
    )
    if stop:
        left = (0, 0, 0)
    elif held_back or not n_open:  # nobody knows how long that lasts
        left = (n_open, n_open, n_open)
    else:
        left = _labels_left(rivals, bound, delta)
    return Stop(
        stop=stop,
        certain=is_certain(rivals, delta=delta),
        risk=risk(rivals, delta=delta),
        limit=bound,
        zero_drift=zero_drift_risk(rivals, delta=delta),
        labels_left=left[1],
        labels_left_low=left[0],
        labels_left_high=left[2],
        held_back=held_back,
        outvoted=rivals.outvoted,
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
    everyone = np.arange(len(rivals.lead))
    whole, backed = rivals.whole.among(everyone), rivals.backed.among(everyone)
    drift, variance = _drift(whole, rivals.step)
    drift = np.minimum(drift, _seen_drift(whole, backed, rivals.step, wary=rivals.wary))
    drift = np.where(whole.lead < 0, whole.lead / (whole.differed + 1) * whole.open, drift)
    return Outlook(
        ahead=np.asarray((whole.lead + drift) / rivals.base),
        variance=np.asarray(variance / rivals.base**2),
        settled_after=np.asarray(
            whole.open / np.maximum(_touched(rivals, whole.differed, whole.open), 1e-9)
        ),
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
    beyond = rivals.can_gain - gap > ROUNDING
    beyond[rivals.leader] = False
    alive = np.flatnonzero(beyond)
    return alive, np.asarray(gap[alive], dtype=float)


def _risk_of(rivals: Rivals, delta: float, *, wary: bool) -> float:
    alive, gap = _alive(rivals, delta)
    whole, backed = rivals.whole.among(alive), rivals.backed.among(alive)
    return _risk(gap, whole, rivals.step, most=_seen_drift(whole, backed, rivals.step, wary=wary))


def _risk(gap: Floats, whole: Part, step: float, *, most: Floats | None = None) -> float:
    """S of some rivals; `most`: what the leads are thought to grow by at most."""
    if not len(gap):
        return 0.0
    drift, variance = _drift(whole, step)
    if most is not None:
        drift = np.minimum(drift, most)
    passes = _passes(gap + 0.5 * step + drift, variance)
    return float(np.sqrt(passes.max() * passes.sum()))


def _drift(whole: Part, step: float) -> tuple[Floats, Floats]:
    """What the lead is thought to grow by on the open disagreements, and the variance of that."""
    lead, decided, differed = whole.lead, whole.decided, whole.differed
    share = np.minimum(step**2, (decided + _PRIOR * step**2) / (differed + _PRIOR))
    drift = np.maximum(0.0, lead - _DRIFT_Z * np.sqrt(decided + step**2)) / (differed + 1)
    return _DRIFT_TRUST * drift * whole.open, share * whole.open


def _seen_drift(whole: Part, backed: Part, step: float, *, wary: bool) -> Floats:
    """What it grows by if each of the two parts goes on as its labels have shown, or where one is
    wary by so many standard errors worse."""
    lowered, grown = _WARY_Z if wary else 0.0, np.zeros(len(whole.lead))
    for part in (backed, whole - backed):
        rate = (part.lead - lowered * np.sqrt(part.decided + step**2)) / (part.differed + 1)
        grown += np.maximum(-step, rate) * part.open
    return grown


def _labels_left(rivals: Rivals, bound: float, delta: float) -> tuple[int, int, int]:
    """Labels until S is expected to reach the bound: where rivals fall back fast, as seen, slowly.

    Each further label is thought to touch a rival as often as labels have so far, and to move its
    lead as they have so far, give or take one standard error. What most models say is thought to
    mislead no more by then.
    """
    alive, gap = _alive(rivals, delta)
    whole = rivals.whole.among(alive)
    unit = rivals.step
    each = rivals.can_gain[alive] / np.maximum(whole.open, 1)
    n_open = rivals.n_items - rivals.n_labelled
    touched = _touched(rivals, whole.differed, whole.open)
    rate = whole.lead / (whole.differed + 1)
    error = np.sqrt(whole.decided + unit**2) / (whole.differed + 1)
    share = (whole.decided + unit**2) / (whole.differed + 2)
    steps = np.unique(np.geomspace(1, n_open, 80).astype(int))
    found = []
    for rates in (rate + error, rate, rate - error):
        found.append(n_open)
        for step in steps:
            moved = np.minimum(touched * step, whole.open)
            gained = np.clip(rates, -share / unit, share / unit) * moved
            then = whole + Part(gained, -moved, moved, share * moved)
            still = np.flatnonzero(each * then.open - gap - gained > ROUNDING)
            reached = _risk((gap + gained)[still], then.among(still), unit)
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
