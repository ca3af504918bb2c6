"""`auto`, the default: split votes, duels and tests of the majority; pseudo-labels in the decision."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import NOT_RUN, Classes, Floats, Mask, PredictionTable

from .base import ROUNDING, Indices, LabelledPool, Suggestions
from .device import AUTO, fetched, placed, resolved
from .votes import Votes

SHARPNESS, KNEE = 0.45, 25.0
"""The query weighs a model by exp(SHARPNESS min(1, sqrt(KNEE / t)) correct)."""

DISCOUNT = 0.3
"""Exponent of the plain vote share in the query: scattered votes count less."""

PSEUDO = 0.8
"""What the agreement with one pseudo-label counts in the decision; a bought label counts 1."""

TRUST, REACH = 4.0, 0.15
"""A majority that is unanimous is believed as if it had been seen on TRUST such items, a narrower
one on fewer; a label speaks of items whose majority's share is within REACH of its own."""

_NO_CLASS = -2  # neither a class nor "not run"


@dataclass(frozen=True, eq=False)
class _Decision:
    """What the labels so far decide.

    Attributes:
        merits: [n_kinds], right answers and agreement with the pseudo-labels.
        bold: [n_kinds], the same with pseudo-labels that are all by the weighted vote.
        outvoted: [n_items], open items on which the two kinds of pseudo-labels differ.
    """

    merits: Floats
    bold: Floats
    outvoted: Mask


class Auto(LabelledPool):
    """Items on which the models believed in are split; the leader by right answers and pseudo-labels.

    Let c_j be the right answers of model j after t labels of disputed items.

    *Query.* With p_j proportional to exp(lambda c_j), lambda = .45 min(1, sqrt(25 / t)), let W(c)
    be the p-weighted and V(c) the plain share of the votes for class c of an item. The next item
    maximises sum_c V(c)^.3 W(c) (1 - W(c)): without V, items on which the vote is shattered come
    first, and their scattered votes are mostly noise. For odd t it is a duel: only items on which
    the leader and the next best by the decision below differ are taken, while there are any, which
    is what settles near-ties. Before either comes a test of the majority, see below.

    *Decision.* Let R be the model with the most right answers, and for each model m let g be the
    labels that R won against m (R right, m wrong) minus those it lost, s their number. The odds
    that m is better than R are o = q / (1 - q) with q = min(1/2, Phi(-g / sqrt(s + 1))), and the
    weight of m is u = o + (c_m - mean of all c) / sqrt(t + 4), which may be negative. The
    u-weighted vote gives each open disputed item a pseudo-label, but for items on which the majority
    is believed: there the pseudo-label is the majority's class. The leader maximises c_j + .8 F_j,
    F_j being the open items on which j agrees with the pseudo-label. At the start this is the
    majority; a model that the labels speak against loses its vote after a few of them, so a wrong
    consensus fades; and what the worse models say soon counts against a class, which helps where
    most are wrong together. Where models state probabilities of their predictions, a vote for a
    pseudo-label and in the majority counts by it, and by the mean of all those stated where a model
    states none.

    *The majority.* The labels bought are of contested items. On those, a model that is wrong on most
    of the others, one with its labels reversed say, often beats many that are nearly as good as one
    another and fail together. What contested items say is therefore not carried over to others. With
    v the majority's share of the votes on an item, to two digits, it is believed while
    b v + sum_k K_k h_k is more than half of b + sum_k K_k. Here b = 4 (2 v - 1)^2, and 0 for v below
    1/2; h_k is 1 where the majority was right on the labelled disputed item k, and
    K_k = max(0, 1 - |v - v_k| / .15). Where the leader would be another model if the u-weighted vote
    had all pseudo-labels, the next item is drawn uniformly from those whose pseudo-label that would
    change and on which the two models differ: a label or three of such items show which of the two
    votes is wrong there.

    Further:

    * Items on which all models that were run agree come last, at random; no label of them can tell
      the models apart, and they do not count in t.
    * Models with the same answers on all items are one model, so copies have one vote.
    * A model that was not run on an item has no vote in it, and the item's worth in the query counts by
      the weight of those that were run: without that, items are asked for on which the leader was not
      run, since the others are split there, and it is never tried. Let e be right or not (1 or 0) less the
      share of the models run on the item that are right, 0 where the model was not run. With n the
      labelled items that a model was run on, plus one, and the sums over labelled items,
      g = t (sum e_R / n_R - sum e_m / n_m), and s + 1 = t^2 ((sum e_R^2 + 1/2) / n_R^2
      + (sum e_m^2 + 1/2) / n_m^2 - 2 sum e_R e_m / (n_R n_m)): the same but for the "plus one" where
      all are run. In u, sum e stands for c less its mean. Elsewhere c is filled up as sum of the
      shares + t sum e / n, and F likewise, by the o-weighted shares that agree with the
      pseudo-labels.
    * A batch is the k best items at the present t.

    Args:
        table: the predictions of the candidates.
        seed: for ties and fillings.
        device: where to compute; see `device.resolved`.

    Raises:
        ValueError: no such device.

    Source: this project; what was tried is in docs/decisions/0010-the-auto-method.md. The query
    follows Okanovic et al. (MODEL SELECTOR, arXiv 2410.13609) in spirit.
    """

    def __init__(self, table: PredictionTable, *, seed: int = 0, device: str = AUTO) -> None:
        super().__init__(table, seed=seed)
        self._kinds, self._kind = _distinct(table.predictions)
        self._answers = table.predictions[self._kinds]
        self._complete = bool((self._answers != NOT_RUN).all())
        device = resolved(device, self._answers.size)
        self._votes = votes = Votes.of(self._answers, device=device)
        self._placed = placed(self._answers, device)
        share = votes.size / votes.by_item(votes.size.astype(float))[votes.owner]
        self._discount = share**DISCOUNT
        self._stated = replace(votes, counted=self._confidence())
        share = self._stated.shares(np.ones(len(self._kinds)))
        self._majority = votes.winners(share)
        said = votes.choice == self._majority[votes.owner]
        shares = np.round(votes.by_item(share * said), 2)
        self._levels, self._level = np.unique(shares, return_inverse=True)
        self._with_majority = self._agreement(self._spread(self._majority))
        self._disputed = self._spread(np.ones(len(votes.items), dtype=bool), otherwise=False)
        self._right: list[Mask] = []
        self._was_run: list[Mask] = []
        self._disputed_labelled = 0
        self._decided: tuple[int, _Decision] | None = None

    def observe(self, item: int, label: int) -> None:
        """See `SelectionMethod.observe`."""
        before = self.n_labelled
        super().observe(item, label)
        if self.n_labelled == before:
            return
        answers = self._answers[:, item]
        self._right.append(answers == label)
        self._was_run.append(answers != NOT_RUN)
        if self._disputed[item]:
            self._disputed_labelled += 1
            majority = self._majority[np.searchsorted(self._votes.items, item)]
            self._with_majority -= answers == majority

    def leader(self) -> int:
        """See `SelectionMethod.leader`: right answers and agreement with pseudo-labels."""
        return self.drawn_best(self._decision().merits[self._kind])

    def suggest(self, k: int) -> Suggestions:
        """See `SelectionMethod.suggest`: disputed items by their score, then others at random."""
        scores = np.full(self.table.n_items, -2.0)
        scores[self._votes.items] = self._scores()
        items = np.flatnonzero(self.unlabelled())
        return self.draw(scores[items], items, k)

    def _scores(self) -> Floats:
        """[n_disputed], the worth of each disputed item: 2 where it tests the majority, and in a duel 1
        less where it decides none."""
        t = self._disputed_labelled
        correct = self._correct()
        sharpness = SHARPNESS * min(1.0, math.sqrt(KNEE / max(t, 1)))
        weights = np.exp(sharpness * (correct - correct.max()))
        votes = self._votes
        share = votes.sums(weights / weights.sum())
        if self._complete:
            scores = votes.by_item(self._discount * share * (1 - share))
        else:
            run = votes.by_item(share)
            whole = run[votes.owner]
            share = np.divide(share, whole, out=np.zeros_like(share), where=whole > 0)
            scores = run * votes.by_item(self._discount * share * (1 - share))
        leader = int(self._kind[self.leader()])
        decision = self._decision()
        if t % 2:
            duel = self._differ(leader, decision.merits, other_than=leader)[votes.items]
            scores = np.where(duel, scores, scores - 1.0)
        if decision.bold[leader] < decision.bold.max() - ROUNDING:
            test = decision.outvoted & self._differ(leader, decision.bold)
            scores = np.where(test[votes.items], 2.0, scores)
        return scores

    def _differ(self, leader: int, merits: Floats, *, other_than: int | None = None) -> Mask:
        """[n_items], where the leader and the best by the merits [n_kinds] differ."""
        merits = merits.copy()
        if other_than is not None:
            merits[other_than] = -np.inf
        rival = int(np.argmax(merits >= merits.max() - ROUNDING))
        return np.asarray(self._answers[leader] != self._answers[rival])

    def _decision(self) -> _Decision:
        if self._decided is None or self._decided[0] != self.n_labelled:
            self._decided = (self.n_labelled, self._decide())
        return self._decided[1]

    def _decide(self) -> _Decision:
        correct = self._correct()
        votes = self._votes
        unlabelled = self.unlabelled()[votes.items]
        excess = None if self._complete or not self._right else self._excess()
        odds = self._odds(correct, int(unlabelled.sum()), excess)
        weights = odds + self._above(excess) / math.sqrt(self._disputed_labelled + 4)
        bold = votes.winners(self._stated.sums(weights / weights.sum()))
        pseudo = np.where(self._believed(), self._majority, bold)
        outvoted = unlabelled & (bold != pseudo)
        merits = self._merits(correct, pseudo, odds)
        return _Decision(
            merits=merits,
            bold=self._merits(correct, bold, odds) if outvoted.any() else merits,
            outvoted=self._spread(outvoted, otherwise=False),
        )

    def _merits(self, correct: Floats, pseudo: Classes, odds: Floats) -> Floats:
        """[n_kinds], right answers and what agreement with the pseudo-labels [n_disputed] counts."""
        votes = self._votes
        unlabelled = self.unlabelled()[votes.items]
        agrees = self._agreement(self._spread(np.where(unlabelled, pseudo, _NO_CLASS)))
        if not self._complete:
            said = votes.choice == pseudo[votes.owner]
            share = votes.by_item(votes.shares(odds) * said)[unlabelled]
            was_run = self._answers[:, votes.items[unlabelled]] != NOT_RUN
            agrees = _filled(agrees, was_run, share)
        return correct + PSEUDO * agrees

    def _believed(self) -> Mask:
        """[n_disputed], where the majority is believed to be right."""
        levels = self._levels
        known = np.flatnonzero(~self.unlabelled()[self._votes.items])
        right = self.labels[self._votes.items[known]] == self._majority[known]
        far = np.abs(levels[:, None] - levels[self._level[known]])
        near = np.maximum(0.0, 1 - far / REACH)
        trust = TRUST * np.maximum(0.0, 2 * levels - 1) ** 2
        hits = trust * levels + near @ right
        return np.asarray((2 * hits > trust + near.sum(axis=1) + ROUNDING)[self._level])

    def _spread(self, values: NDArray[Any], otherwise: int = _NO_CLASS) -> NDArray[Any]:
        """[n_items], the values [n_disputed] of the disputed items, something else elsewhere."""
        spread = np.full(self.table.n_items, otherwise, dtype=values.dtype)
        spread[self._votes.items] = values
        return spread

    def _confidence(self) -> Floats | None:
        """[n_votes], the probability stated with each vote; None where no model stated any."""
        stated = self.table.probabilities
        if stated is None or np.isnan(stated).all():
            return None
        confidence = self._votes.of_votes(stated[self._kinds])
        return np.asarray(np.nan_to_num(confidence, nan=float(np.nanmean(stated))), dtype=float)

    def _odds(self, correct: Floats, n_open: int, excess: tuple[Floats, Mask] | None) -> Floats:
        """[n_kinds], the odds that a model is better than the one with the most right answers."""
        if not self._right:
            return np.ones(len(correct))
        # Among equals the one that agrees with the majority on the most open items.
        reference = int(np.argmax(correct + 0.5 * self._with_majority / max(n_open, 1)))
        if excess is None:
            right = np.array(self._right)
            split = right != right[:, [reference]]
            won = np.count_nonzero(split & right[:, [reference]], axis=0)
            spread = np.count_nonzero(split, axis=0)
            lead = np.asarray(2 * won - spread, dtype=float)
        else:
            lead, spread = self._lead_and_spread(reference, *excess)
        # Imported here: it takes a second, and web servers start without computing anything.
        from scipy.special import ndtr

        better = np.clip(ndtr(-lead / np.sqrt(spread + 1)), 1e-12, 0.5)
        odds = np.asarray(better / (1 - better), dtype=float)
        odds[reference] = 1.0
        return np.asarray(odds)

    def _excess(self) -> tuple[Floats, Mask]:
        """[n, n_kinds] each: e of the labelled items, and where a model was run on them."""
        right, run = np.array(self._right), np.array(self._was_run)
        share = right.sum(axis=1) / np.maximum(run.sum(axis=1), 1)
        return np.where(run, right - share[:, None], 0.0), run

    def _above(self, excess: tuple[Floats, Mask] | None) -> Floats:
        """[n_kinds], the sum of e: right answers above the mean of the models run."""
        if excess is None:
            correct = self.correct[self._kinds].astype(float)
            return np.asarray(correct - correct.mean())
        return np.asarray(excess[0].sum(axis=0))

    def _lead_and_spread(self, reference: int, above: Floats, run: Mask) -> tuple[Floats, Floats]:
        """[n_kinds] each, g and s where models were run on different items."""
        seen = run.sum(axis=0) + 1
        mean = above.sum(axis=0) / seen
        own = ((above**2).sum(axis=0) + 0.5) / seen**2
        shared = above.T @ above[:, reference] / (seen * seen[reference])
        t = len(run)
        spread = t**2 * (own[reference] + own - 2 * shared) - 1
        return t * (mean[reference] - mean), np.maximum(spread, 0.0)

    def _agreement(self, classes: Classes) -> Floats:
        """[n_kinds], items on which a model says the class given, int32 [n_items], -2 for none."""
        return fetched((self._placed == placed(classes, self._votes.device)).sum(1))

    def _correct(self) -> Floats:
        """[n_kinds], right answers, filled up for the labelled items that a model was not run on."""
        correct = self.correct[self._kinds].astype(float)
        if self._complete or not self._right:
            return correct
        right, run = np.array(self._right), np.array(self._was_run)
        return _filled(correct, run.T, right.sum(axis=1) / np.maximum(run.sum(axis=1), 1))


def _filled(hits: Floats, was_run: Mask, shares: Floats) -> Floats:
    """[n_kinds], hits as if every model had been run on all items.

    Args:
        hits: [n_kinds], on the items that a model was run on.
        was_run: [n_kinds, n], where that is.
        shares: [n], of the models run on an item, those that hit it.
    """
    above = hits - was_run @ shares
    return np.asarray(shares.sum() + len(shares) * above / (was_run.sum(axis=1) + 1))


def _distinct(predictions: Classes) -> tuple[Indices, Indices]:
    """The first model of each kind of answers, and the kind of each model."""
    kinds: dict[bytes, int] = {}
    first: list[int] = []
    kind = np.zeros(len(predictions), dtype=np.intp)
    for model, answers in enumerate(predictions):
        key = answers.tobytes()
        if key not in kinds:
            kinds[key] = len(first)
            first.append(model)
        kind[model] = kinds[key]
    return np.array(first, dtype=np.intp), kind
