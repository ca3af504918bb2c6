"""Accuracies of all models from labels that were chosen, with intervals that stay valid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apps.catalog.tables import NOT_LABELLED, NOT_RUN, Classes, Floats, PredictionTable
from apps.selection.metrics.credit import Credit, vote_shares

from .base import Indices
from .votes import own_shares

MIN_DRAWN = 10
"""Below this many random draws no interval is stated."""

MIN_FOR_VOTES = 20
"""Below this many the votes of the other models are left out of the estimates."""

_ROUNDING = 1e-12
_PRUDENCE = 1.0  # draws of the rarer kind, see `wilson`
_MOST_GAIN = 4.0  # a draw counts as at most four, however well the votes foretell the labels


@dataclass(frozen=True, eq=False)
class Estimates:
    """Accuracy over the pool of each model, on the items it was run on.

    Attributes:
        accuracy, low, high: [n_models]; NaN where nothing can be said. Where the whole pool is
            labelled all three are the accuracy.
        n_drawn: random draws that they rest on.
        rests_on: one sentence for the page.
    """

    accuracy: Floats
    low: Floats
    high: Floats
    n_drawn: int
    rests_on: str


def estimate_accuracies(
    table: PredictionTable,
    labels: ArrayLike,
    *,
    order: ArrayLike = (),
    probabilities: ArrayLike = (),
    confidence: float = 0.95,
    use_votes: bool = True,
    credit: Credit | None = None,
) -> Estimates:
    """Unbiased accuracies although most items were chosen because the models disagree on them.

    Some of the labelled items were drawn at random: item i_k, when n_k items of the N had no label,
    with probability q_k, every item without a label having had a chance. Let S_k be a model's right
    answers among the items labelled before, r_k whether it is right on i_k, and g(i) any guess of
    that made without labels (here the share of the votes that say what it says, G_k its sum over
    the n_k items). Then for every number l

        a_k = (S_k + r_k / q_k + l (G_k - g(i_k) / q_k)) / N

    has the model's accuracy as its expectation, whatever was labelled before, and why; so their
    mean, with LURE's weights proportional to 1 / (n_k (n_k - 1)), has too. Uniform draws alone give
    the plain share; draws by one method alone give LURE. l is the regression coefficient, between
    0 and 1 (PPI++); it is 0 below 20 draws, where votes are not asked for, and where they foretell
    nothing. The interval is Wilson's at the number of draws that the weighted variance amounts to
    (at most four times the draws), with Student's t, cut to what the labels themselves exclude.

    Args:
        table: the candidates' predictions.
        labels: the class of each item, -1 where it is not labelled.
        order: the items labelled one by one, in the order in which they were drawn or chosen;
            labelled items that are not in it were known before.
        probabilities: of the same length: the probability with which the item was drawn among those
            then without a label; NaN for an item that was chosen, or whose probability only settled
            a tie.
        confidence: of the intervals.
        use_votes: whether to let the votes of the other models sharpen the estimates.
        credit: what each answer earns, all items counting; None for right or wrong. r_k is then the
            credit earned, S_k a sum of credit and g what is earned on average if labels are spread as
            the votes are.

    Raises:
        ValueError: labels or probabilities that do not fit, an item twice, one without a label.

    Source: S. Farquhar, Y. Gal, T. Rainforth, "On statistical bias in active learning", ICLR 2021
    (LURE); A. N. Angelopoulos, J. C. Duchi, T. Zrnic, "PPI++", 2023, arXiv 2311.01453; their
    combination along the sequence of draws is this project's.
    """
    truth = table.checked_labels(labels)
    items, q = checked_order(table, truth, order, probabilities)
    right = _earned(table, truth, credit)
    run = np.count_nonzero(table.predictions != NOT_RUN, axis=1) / table.n_items
    known = right.sum(axis=1) / table.n_items
    if (truth != NOT_LABELLED).all():
        exact = _of_run(known, run)
        return Estimates(exact, exact, exact, len(items), "Every item of the pool is labelled.")
    drawn = np.flatnonzero(~np.isnan(q))
    if len(drawn) < MIN_DRAWN:
        nothing = np.full(table.n_models, np.nan)
        return Estimates(
            nothing,
            nothing,
            nothing,
            len(drawn),
            f"{len(drawn)} of the labelled items were drawn at random here; estimates need {MIN_DRAWN}.",
        )
    n_open = table.n_items - int((truth != NOT_LABELLED).sum()) + len(items) - drawn
    weights = lure_shares(n_open)
    guess = _guesses(table, credit) if use_votes and len(drawn) >= MIN_FOR_VOTES else None
    estimates = terms(right, guess, truth, items, drawn, q, weights)
    mean = estimates @ weights
    plain = plain_draws(weights, n_open, table.n_items)
    rarer = rarer_draws(right[:, items[drawn]])
    spread = spread_of(estimates, weights)
    low, high = wilson(mean, spread, plain, len(drawn), confidence, rarer=rarer)
    most = known + (run - _seen(table, truth))
    return Estimates(
        _of_run(np.clip(mean, known, most), run),
        _of_run(np.clip(low, known, most), run),
        _of_run(np.clip(high, known, most), run),
        len(drawn),
        f"{confidence:.0%} intervals from {len(drawn)} items drawn at random; chosen items count "
        "only for themselves.",
    )


def checked_order(
    table: PredictionTable, truth: Classes, order: ArrayLike, probabilities: ArrayLike
) -> tuple[Indices, Floats]:
    items = np.asarray(order, dtype=np.intp)
    q = np.asarray(probabilities, dtype=float)
    if items.shape != q.shape or items.ndim != 1:
        raise ValueError(f"{items.size} items were drawn, but {q.size} probabilities are given.")
    if len(np.unique(items)) < len(items):
        raise ValueError("An item was drawn more than once.")
    if len(items) and not (items.min() >= 0 and items.max() < table.n_items):
        raise ValueError(f"An item was drawn that is not one of the {table.n_items}.")
    if (truth[items] == NOT_LABELLED).any():
        first = items[truth[items] == NOT_LABELLED][0]
        raise ValueError(f"Item `{table.item_ids[first]}` was drawn but has no label.")
    if ((q <= 0) | (q > 1)).any():
        raise ValueError("Each item must have been drawn with a probability above 0 and up to 1.")
    return items, q


def _earned(table: PredictionTable, truth: Classes, credit: Credit | None) -> Floats:
    """[n_models, n_items], what each answer earns; 0 where an item has no label."""
    if credit is None:
        return np.asarray((table.predictions == truth) & (truth != NOT_LABELLED), dtype=float)
    return credit.of_labels(credit.kinds(table.predictions), truth)


def _guesses(table: PredictionTable, credit: Credit | None) -> Floats:
    """[n_models, n_items], g: what each answer earns if labels are spread as the votes are."""
    if credit is None:
        return own_shares(table.predictions)
    shares = vote_shares(table.predictions, len(table.class_names))
    return credit.expected(credit.kinds(table.predictions), shares)


def terms(
    earned: Floats,
    guess: Floats | None,
    truth: Classes,
    items: Indices,
    drawn: Indices,
    q: Floats,
    weights: Floats,
) -> Floats:
    """[n_models, n_drawn], the a_k of `estimate_accuracies`: each has the mean over the pool of what
    is earned as its expectation.

    Args:
        earned: [n_models, n_items], 0 where an item has no label.
        guess: [n_models, n_items], or None.
        truth, items, q: as there; drawn: the places in `items` of those that were drawn.
        weights: [n_drawn], with which the terms will be averaged.
    """
    n_items = earned.shape[1]
    hits = earned[:, items]
    before = earned.sum(axis=1)[:, None] - hits.sum(axis=1)[:, None]
    seen = before + np.cumsum(hits, axis=1) - hits
    plain = np.asarray((seen[:, drawn] + hits[:, drawn] / q[drawn]) / n_items)
    if guess is None:
        return plain
    of_item = guess[:, items]
    rest = guess[:, truth == NOT_LABELLED].sum(axis=1)[:, None]
    still_open = rest + np.cumsum(of_item[:, ::-1], axis=1)[:, ::-1]
    # (G_k - g(i_k) / q_k) / N: nought on average.
    nought = (still_open[:, drawn] - of_item[:, drawn] / q[drawn]) / n_items
    return np.asarray(plain + _coefficient(plain, nought, weights)[:, None] * nought)


def lure_shares(n_open: Indices) -> Floats:
    """LURE's weights of the terms: the variance of a_k falls with the items that were still open."""
    inverse = 1 / (n_open * np.maximum(n_open - 1.0, 0.5))
    return np.asarray(inverse / inverse.sum())


def spread_of(estimates: Floats, weights: Floats) -> Floats:
    """[n_models], the variance of the weighted mean of the terms [n_models, n_drawn]."""
    mean = estimates @ weights
    n_drawn = estimates.shape[1]
    return np.asarray((estimates - mean[:, None]) ** 2 @ weights**2 * n_drawn / (n_drawn - 1))


def plain_draws(weights: Floats, n_open: Indices, n_items: int) -> float:
    """As many uniform draws as these weights are worth, the pool being finite."""
    return float(1 / (weights**2 @ (n_open * (n_open - 1.0)) / n_items**2))


def _coefficient(plain: Floats, guess: Floats, weights: Floats) -> Floats:
    """[n_models], l: minus the regression coefficient of the terms on the guesses, in 0..1."""
    centred = plain - (plain @ weights)[:, None]
    covered = (centred * guess) @ weights**2
    varied = guess**2 @ weights**2
    safe = np.where(varied > 0, varied, 1.0)
    return np.asarray(np.clip(np.where(varied > 0, -covered / safe, 0.0), 0, 1))


def rarer_draws(earned: NDArray[Any]) -> Floats:
    """[n_models], draws on which a model earned otherwise than on most of them: where an answer is
    right or wrong, the fewer of the two; `earned` is [n_models, n_drawn]."""
    common = np.max([(earned == value).sum(axis=1) for value in np.unique(earned)], axis=0)
    return np.asarray(earned.shape[1] - common, dtype=float)


def wilson(
    mean: Floats, spread: Floats, plain: float, n_drawn: int, confidence: float, *, rarer: Floats
) -> tuple[Floats, Floats]:
    """Wilson's interval at the number of draws that the variance `spread` amounts to, with Student's
    t of `n_drawn` draws.

    A variance seen in draws of which nearly all were right, or wrong, says little: there the number
    is drawn to that of uniform draws alone, `plain`, as if `_PRUDENCE` more of the rarer kind had been
    seen with no gain by the votes. Draws without a miss would else count as four times as many.

    Args:
        rarer: [n_models], see `rarer_draws`.
    """
    # Imported here: it takes a second, and web servers start without computing anything.
    from scipy.stats import t

    p = np.clip(mean, 0, 1)
    binomial = p * (1 - p)
    varied = (spread > _ROUNDING) & (binomial > _ROUNDING)
    left = np.where(varied, spread * plain / np.where(varied, binomial, 1.0), 1.0)
    left = np.maximum(left, (rarer * left + _PRUDENCE) / (rarer + _PRUDENCE))
    size = plain / np.maximum(left, 1 / _MOST_GAIN)
    z = float(t.ppf((1 + confidence) / 2, n_drawn - 1))
    centre = (p + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * np.sqrt(binomial / size + z**2 / (4 * size**2))
    return np.minimum(centre - half, p), np.maximum(centre + half, p)


def _seen(table: PredictionTable, truth: Classes) -> Floats:
    """[n_models], labelled items the model was run on, as a share of the pool."""
    known = table.predictions[:, truth != NOT_LABELLED] != NOT_RUN
    return np.asarray(known.sum(axis=1) / table.n_items)


def _of_run(values: Floats, run: Floats) -> Floats:
    """Shares of the pool as shares of the items a model was run on; NaN where there are none."""
    return np.asarray(np.where(run > 0, values / np.where(run > 0, run, 1.0), np.nan))
