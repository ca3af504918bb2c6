"""What labels and models are worth: is the next label worth its price, is a cheaper model enough?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from apps.catalog.tables import Floats
from apps.selection.methods.base import ROUNDING
from apps.selection.methods.rivals import StopMeter
from apps.selection.methods.stopping import MIN_LABELS, Outlook, is_certain, outlook

_TRIED = 30
_AHEAD = 40  # numbers of further labels that are tried, from one to all


@dataclass(frozen=True)
class LabelValue:
    """What further labels are expected to bring.

    Attributes:
        best: the model of the highest net value so far, its index.
        per_label: the most that a further label is worth on average, over all numbers of further
            labels; in the unit of `value`.
        labels: the number of further labels at which it is; 0 where none is worth anything.
        all_labels: at most this much is lost by choosing now instead of knowing every label.
        chance: at most this probable: with every label known, another model would be chosen.
    """

    best: int
    per_label: float
    labels: int
    all_labels: float
    chance: float


def label_value(
    forecast: Outlook, *, value: float, price: Floats | None = None
) -> LabelValue | None:
    """The expected value of further labels before choosing; None below ten labels.

    The final lead of the leader over model m, as a share of the pool, is thought to be normal with
    the mean and variance of the calibrated stopping rule (`stopping.Outlook`). A model is worth
    `value` times its score less its price. Let B be the model worth most by the means, g_m by how
    much it is ahead of m, and s_m the standard deviation of that; k further labels, of which the
    usual share falls on items where the two differ, leave the estimate of g_m to move with standard
    deviation s_m(k) = s_m sqrt(k / K_m) at most s_m. They are worth at most

        V(k) = sum_m s_m(k) psi(g_m / s_m(k)),   psi(z) = phi(z) - z Phi(-z),

    the sum over rivals bounding the maximum, and a label at most max_k V(k) / k: a single label
    rarely changes a choice that several would.

    Args:
        forecast: how the models stand against the leader.
        value: what a score of 1 instead of 0 is worth, in money.
        price: [n_models], what each model costs in the same time; NaN excludes a model.

    Source: P. Frazier, W. Powell, "Paradoxes in learning and the marginal value of information",
    Decision Analysis 7(4), 2010 (KG(*)).
    """
    if forecast.n_labelled < MIN_LABELS:
        return None
    # Imported here: it takes a second, and web servers start without computing anything.
    from scipy.special import ndtr

    cost = np.zeros(len(forecast.ahead)) if price is None else price
    worth = np.where(np.isnan(cost), -np.inf, -value * forecast.ahead - cost)
    best = int(worth.argmax())
    rival = np.isfinite(worth)
    rival[best] = False
    gap = worth[best] - worth[rival]
    # Two models' leads over the leader move together; their variances added overstate the difference.
    variance = forecast.variance[rival] + forecast.variance[best]
    spread = value * np.sqrt(variance)
    needed = np.maximum(forecast.settled_after[rival], max(1.0, forecast.settled_after[best]))
    n_open = forecast.n_open
    found = (0.0, 0)
    for k in np.unique(np.geomspace(1, max(n_open, 1), _AHEAD).astype(int)):
        known = spread * np.sqrt(np.minimum(1.0, k / needed))
        found = max(found, (float(_expected_gain(gap, known).sum()) / int(k), int(k)))
    whole = _expected_gain(gap, spread)
    moves = spread > 0
    changes = np.where(moves, ndtr(-gap / np.where(moves, spread, 1.0)), 0.0)
    return LabelValue(
        best=best,
        per_label=found[0],
        labels=found[1] if found[0] > 0 else 0,
        all_labels=float(whole.sum()),
        chance=min(1.0, float(changes.sum())),
    )


@dataclass(frozen=True)
class CheapEnough:
    """The cheapest model that is thought to be within delta of the best.

    Attributes:
        model: its index.
        certain: no missing label can change that.
        chance: at least this probable, by the forecast.
    """

    model: int
    certain: bool
    chance: float


def cheapest_within(
    meter: StopMeter, *, leader: int, price: Floats, delta: float, alpha: float
) -> CheapEnough | None:
    """The cheapest model, of those with a price, that is within delta of the best; None for none.

    That a model is within delta has the probability 1 less the sum, over all others, of the
    probability that they end more than delta ahead of it, each by the forecast of
    `stopping.outlook`. A model is named where this is at least 1 - alpha after ten labels, or where
    the certificate holds for it. No more than 30 models are looked at, the cheapest first, among
    those that the leader is not likely to leave behind.

    Args:
        meter: with all labels taken in.
        leader: the model that leads now.
        price: [n_models], NaN where it is unknown.
        delta, alpha: as in `stopping`.

    Source: this project.
    """
    rivals = meter.rivals(leader)
    hopeful = rivals.lead - rivals.can_gain <= delta * rivals.base + ROUNDING
    hopeful[leader] = True
    order = [int(one) for one in np.argsort(price, kind="stable") if not np.isnan(price[one])]
    for model in [one for one in order if hopeful[one]][:_TRIED]:
        held = meter.counted(model)
        certain = is_certain(held, delta=delta)
        chance = 1.0 if certain else within_delta(outlook(held), delta=delta)
        if certain or (held.n_labelled >= MIN_LABELS and chance >= 1 - alpha):
            return CheapEnough(model, certain, chance)
    return None


def within_delta(forecast: Outlook, *, delta: float) -> float:
    """At least this probable: the model of the forecast ends within delta of the best."""
    # Imported here: it takes a second, and web servers start without computing anything.
    from scipy.special import ndtr

    ahead = forecast.ahead + delta
    moves = forecast.variance > 0
    z = ahead / np.sqrt(np.where(moves, forecast.variance, 1.0))
    passes = np.where(moves, ndtr(-z), ahead < -ROUNDING)
    passes[forecast.leader] = 0.0
    return max(0.0, 1.0 - float(passes.sum()))


def _expected_gain(gap: Floats, spread: Floats) -> Floats:
    """E max(0, X - gap) for normal X of mean 0: spread psi(gap / spread)."""
    from scipy.special import ndtr

    moves = spread > 0
    safe = np.where(moves, spread, 1.0)
    z = gap / safe
    psi = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) - z * ndtr(-z)
    return np.asarray(np.where(moves, safe * np.maximum(psi, 0.0), 0.0))
