"""Scores over the pool from labels that were chosen, with intervals that stay valid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from apps.catalog.tables import NOT_LABELLED, NOT_RUN, Classes, Floats, PredictionTable
from apps.selection.methods.base import Indices
from apps.selection.methods.estimates import (
    MIN_DRAWN,
    MIN_FOR_VOTES,
    Estimates,
    checked_order,
    estimate_accuracies,
    lure_shares,
    plain_draws,
    rarer_draws,
    spread_of,
    terms,
    wilson,
)

from .credit import vote_shares
from .scores import CREDIT, MACRO_F1, WORST_CLASS, Score, by_class, of_counts

MIN_OF_CLASS = 10
"""Below this many random draws of a class nothing but bounds is said of its recall."""

MIN_FOR_F1 = 30
"""Below this many random draws intervals of macro-F1 missed too often to be stated."""


def estimate_scores(
    table: PredictionTable,
    labels: ArrayLike,
    score: Score,
    *,
    order: ArrayLike = (),
    probabilities: ArrayLike = (),
    confidence: float = 0.95,
    use_votes: bool = True,
) -> Estimates:
    """Any score over the pool, from the random draws among labels that were mostly chosen.

    Means of credit go to `estimate_accuracies`. Recalls and macro-F1 are ratios of sums, and each
    sum is estimated without bias as there: the labelled item i counts u_i, the sum of the weights of
    the draws after it and, if it was drawn itself, its weight / q. How often a model says a class
    is known without labels. The variance is that of the linearised score (delta method), its terms
    sharpened by the votes of the other models in the same way; the interval is Wilson's at the
    number of draws which that variance amounts to.

    The recall of a class needs ten random draws of that class. The worst class: the lower end is
    the lowest lower end of the classes, which covers whichever is the worst; the upper end is the
    lowest upper end, each at alpha / (2 n_classes), so that all hold at once.

    Args:
        table: the candidates' predictions.
        labels, order, probabilities, confidence, use_votes: see `estimate_accuracies`.
        score: what makes a model good.

    Returns:
        NaN where there are too few draws.

    Raises:
        ValueError: see `estimate_accuracies`.

    Source: see `estimate_accuracies`; C.-E. Saerndal, B. Swensson, J. Wretman, "Model Assisted Survey
    Sampling", 1992, section 5.5 (linearisation of ratios).
    """
    credit = score.credit
    if score.additive and (credit is None or credit.counted.all()):
        return estimate_accuracies(
            table,
            labels,
            order=order,
            probabilities=probabilities,
            confidence=confidence,
            use_votes=use_votes,
            credit=credit,
        )
    truth = table.checked_labels(labels)
    items, q = checked_order(table, truth, order, probabilities)
    drawn = np.flatnonzero(~np.isnan(q))
    if (truth != NOT_LABELLED).all():
        exact = score.of_labels(table, truth)
        return Estimates(exact, exact, exact, len(items), "Every item of the pool is labelled.")
    needed = MIN_FOR_F1 if score.name == MACRO_F1 else MIN_DRAWN
    if len(drawn) < needed:
        return _unknown(
            table,
            len(drawn),
            f"{len(drawn)} of the labelled items were drawn at random here; estimates need {needed}.",
        )
    draws = _Draws.of(table, truth, items, drawn, q, use_votes)
    if score.name == CREDIT:
        assert credit is not None  # noqa: S101 - accuracy went above
        return _of_class(draws, int(credit.counted.argmax()), confidence)
    if score.name == MACRO_F1:
        return _macro_f1(draws, confidence)
    return _worst_class(draws, confidence)


@dataclass(frozen=True, eq=False)
class _Draws:
    """What the estimates share: see `estimates.terms`; `counts` [n_items] are the u_i."""

    table: PredictionTable
    truth: Classes
    items: Indices
    drawn: Indices
    q: Floats
    weights: Floats
    counts: Floats
    plain: float
    shares: Floats | None

    @classmethod
    def of(
        cls,
        table: PredictionTable,
        truth: Classes,
        items: Indices,
        drawn: Indices,
        q: Floats,
        use_votes: bool,
    ) -> _Draws:
        n_labelled = int((truth != NOT_LABELLED).sum())
        n_open = table.n_items - n_labelled + len(items) - drawn
        weights = lure_shares(n_open)
        counts = (truth != NOT_LABELLED).astype(float)
        of_draw = np.zeros(len(items))
        of_draw[drawn] = weights
        after = of_draw[::-1].cumsum()[::-1] - of_draw
        counts[items] = after
        counts[items[drawn]] += weights / q[drawn]
        votes = use_votes and len(drawn) >= MIN_FOR_VOTES
        return cls(
            table=table,
            truth=truth,
            items=items,
            drawn=drawn,
            q=q,
            weights=weights,
            counts=counts,
            plain=plain_draws(weights, n_open, table.n_items),
            shares=vote_shares(table.predictions, len(table.class_names)) if votes else None,
        )

    @property
    def n_of_class(self) -> Indices:
        """[n_classes], random draws that turned out to be of a class."""
        found = self.truth[self.items[self.drawn]]
        return np.bincount(found, minlength=len(self.table.class_names))

    def rarer(self, chosen: int | None = None) -> Floats:
        """[n_models], see `rarer_draws`; of the draws that turned out to be of a class, or of all."""
        items = self.items[self.drawn]
        if chosen is not None:
            items = items[self.truth[items] == chosen]
        return rarer_draws(self.table.predictions[:, items] == self.truth[items])

    def true(self) -> Floats:
        """[n_classes], estimated items of each class."""
        known = self.truth != NOT_LABELLED
        n_classes = len(self.table.class_names)
        found = np.bincount(self.truth[known], weights=self.counts[known], minlength=n_classes)
        return np.asarray(found, dtype=float)

    def right(self) -> Floats:
        """[n_models, n_classes], estimated items of each class that a model is right on."""
        known = np.flatnonzero(self.truth != NOT_LABELLED)
        truth, votes = self.truth[known], self.table.predictions[:, known]
        n_classes = len(self.table.class_names)
        return by_class(votes == truth, truth, self.counts[known], n_classes)

    def corrected(self, plain: Floats, hit: Floats, base: Floats) -> tuple[Floats, Floats]:
        """Scores [n_models] sharpened by the votes, and their variance.

        To first order an item with label y counts base[:, y], and hit[:, y] more where a model is
        right: both [n_models, n_classes], as shares of the score.
        """
        votes, truth = self.table.predictions, self.truth
        known = np.flatnonzero(truth != NOT_LABELLED)
        earned = np.zeros(votes.shape)
        right = votes[:, known] == truth[known]
        earned[:, known] = base[:, truth[known]] + hit[:, truth[known]] * right
        guess = None
        if self.shares is not None:
            own = np.take_along_axis(self.shares.T, np.maximum(votes, 0), axis=0)
            gained = np.take_along_axis(hit, np.maximum(votes, 0), axis=1)
            guess = base @ self.shares.T + np.where(votes == NOT_RUN, 0.0, own * gained)
        found = terms(earned, guess, truth, self.items, self.drawn, self.q, self.weights)
        found *= self.table.n_items
        # The linearised score is nought at the plain estimate, whose sums have no votes in them.
        shift = found @ self.weights - (earned[:, known] @ self.counts[known])
        return plain + shift, spread_of(found, self.weights)


def _unknown(table: PredictionTable, n_drawn: int, why: str) -> Estimates:
    nothing = np.full(table.n_models, np.nan)
    return Estimates(nothing, nothing, nothing, n_drawn, why)


def _recall(draws: _Draws, chosen: int, confidence: float) -> tuple[Floats, Floats, Floats]:
    """The recall of a class, with its interval; sure bounds alone below ten draws of it."""
    table, truth = draws.table, draws.truth
    of_class = truth == chosen
    says = table.predictions == chosen
    is_open = truth == NOT_LABELLED
    known = (says & of_class).sum(axis=1)
    n_known = int(of_class.sum())
    could = (says & is_open).sum(axis=1)
    least = known / np.maximum(n_known + int(is_open.sum()) - could, 1)
    most = np.where(n_known + could > 0, (known + could) / np.maximum(n_known + could, 1), 0.0)
    n_drawn = int(draws.n_of_class[chosen])
    if n_drawn < MIN_OF_CLASS:
        return np.full(table.n_models, np.nan), least, most
    n_classes = len(table.class_names)
    whole = float(draws.true()[chosen])
    plain = draws.right()[:, chosen] / whole
    hit, base = np.zeros((2, table.n_models, n_classes))
    hit[:, chosen] = 1 / whole
    base[:, chosen] = -plain / whole
    value, spread = draws.corrected(plain, hit, base)
    rarer = draws.rarer(chosen)
    low, high = wilson(value, spread, float(n_drawn), n_drawn, confidence, rarer=rarer)
    return np.clip(value, least, most), np.clip(low, least, most), np.clip(high, least, most)


def _of_class(draws: _Draws, chosen: int, confidence: float) -> Estimates:
    name = draws.table.class_names[chosen]
    n_drawn = int(draws.n_of_class[chosen])
    if n_drawn < MIN_OF_CLASS:
        return _unknown(
            draws.table,
            n_drawn,
            f"Only {n_drawn} of the items drawn at random are of the class {name}; {MIN_OF_CLASS} are "
            "needed.",
        )
    value, low, high = _recall(draws, chosen, confidence)
    said = f"{confidence:.0%} intervals from {n_drawn} items of the class {name} drawn at random."
    return Estimates(value, low, high, n_drawn, said)


def _macro_f1(draws: _Draws, confidence: float) -> Estimates:
    table = draws.table
    true, right = draws.true(), draws.right()
    said = np.array([np.bincount(row[row >= 0], minlength=len(true)) for row in table.predictions])
    there = true > 0
    whole = np.where(there, said + true, 1.0)
    f1 = np.where(there, 2 * right / whole, 0.0)
    count = int(there.sum())
    hit = np.where(there, 2 / whole, 0.0) / count
    base = np.where(there, -f1 / whole, 0.0) / count
    plain = of_counts(MACRO_F1, right, said.astype(float), true)
    value, spread = draws.corrected(plain, hit, base)
    low, high = wilson(
        value, spread, draws.plain, len(draws.drawn), confidence, rarer=draws.rarer()
    )
    return Estimates(
        np.clip(value, 0, 1),
        np.clip(low, 0, 1),
        np.clip(high, 0, 1),
        len(draws.drawn),
        f"{confidence:.0%} intervals from {len(draws.drawn)} items drawn at random; they speak of the "
        f"{count} class{'es' if count != 1 else ''} seen among the labels.",
    )


def _worst_class(draws: _Draws, confidence: float) -> Estimates:
    classes = np.flatnonzero(draws.true() > 0)
    alpha = 1 - confidence
    ends = [
        (_recall(draws, int(one), confidence), _recall(draws, int(one), 1 - alpha / len(classes)))
        for one in classes
    ]
    values = np.array([each[0][0] for each in ends])
    plain = of_counts(WORST_CLASS, draws.right(), draws.right(), draws.true())
    known = ~np.isnan(values)
    value = np.where(known.all(axis=0), np.where(known, values, 1.0).min(axis=0), plain)
    low = np.min([each[0][1] for each in ends], axis=0)
    high = np.min([each[1][2] for each in ends], axis=0)
    rare = int((~known[:, 0]).sum())
    return Estimates(
        np.clip(value, low, high),
        low,
        high,
        len(draws.drawn),
        f"At least {confidence:.0%} intervals from {len(draws.drawn)} items drawn at random"
        + (
            f"; of {rare} class{'es' if rare != 1 else ''} fewer than {MIN_OF_CLASS} were drawn, "
            "so the lower ends can only be low."
            if rare
            else "."
        ),
    )
