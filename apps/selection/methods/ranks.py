"""Which ranks remain possible for each model after labels that were chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apps.catalog.tables import NOT_LABELLED, NOT_RUN, Mask, PredictionTable

from .estimates import MIN_DRAWN, MIN_FOR_VOTES, checked_order, lure_shares, terms
from .votes import own_shares


@dataclass(frozen=True, eq=False)
class RankRanges:
    """The ranks that remain possible on the pool.

    Attributes:
        low, high: [n_models], the best and the worst rank possible, from 1.
        n_drawn: random draws that they rest on; 0 where only what is certain counts.
    """

    low: NDArray[np.int_]
    high: NDArray[np.int_]
    n_drawn: int

    @property
    def may_be_best(self) -> Mask:
        """[n_models], whether nothing puts another model surely before it."""
        return np.asarray(self.low == 1)


def rank_ranges(
    table: PredictionTable,
    labels: ArrayLike,
    *,
    order: ArrayLike = (),
    probabilities: ArrayLike = (),
    alpha: float = 0.05,
    leader: int | None = None,
) -> RankRanges:
    """Rank ranges by the accuracy over the pool, an item that a model was not run on counting as wrong.

    A model is put before another one in two cases. *Certainly*: it has more right answers than the
    other can reach on the items without a label; for the leader, than it can gain on it where the
    two differ. *By the draws*: the unbiased estimates of `estimates.estimate_accuracies`, term by
    term for the two models, give the difference of their accuracies D, and its variance V from the
    same draws, so that what both get right alike falls out. They are separated where

        |D| > t sqrt(V + 2 (u / (N m))^2),

    u being the mean number of items that were open at the m draws and t the two-sided quantile of
    Student's distribution with m - 1 degrees of freedom at alpha / (n_models - 1): a family is one
    model's comparisons with all others. The added term is what two more draws, one for either
    model, would add: without it a handful of draws that all agree would decide.

    So each range misses its model's true rank with probability of about alpha at most, in whatever
    way the other items were chosen; the ranges do not all hold at once with that probability.

    Args:
        table: the candidates' predictions.
        labels: the class of each item, -1 where it is not labelled.
        order, probabilities: as for `estimate_accuracies`.
        alpha: of each range.
        leader: a model to compare exactly with each other one.

    Raises:
        ValueError: labels, an order or probabilities that do not fit.

    Source: ranges from pairwise tests as in M. Mogstad, J. P. Romano, A. M. Shaikh, D. Wilhelm,
    "Inference for ranks", 2024; the added term after A. Agresti, Y. Min, Statistics in Medicine 24
    (2005) 729; the estimates under choice are this project's.
    """
    truth = table.checked_labels(labels)
    items, q = checked_order(table, truth, order, probabilities)
    ahead, drawn = _certain(table, truth, leader), np.flatnonzero(~np.isnan(q))
    open_items = int((truth == NOT_LABELLED).sum())
    n_drawn = len(drawn) if open_items and len(drawn) >= MIN_DRAWN else 0
    if n_drawn:
        n_open = table.n_items - int((truth != NOT_LABELLED).sum()) + len(items) - drawn
        right = (table.predictions == truth) & (truth != NOT_LABELLED)
        guess = own_shares(table.predictions) if n_drawn >= MIN_FOR_VOTES else None
        weights = lure_shares(n_open)
        found = terms(right.astype(float), guess, truth, items, drawn, q, weights)
        ahead |= _by_draws(found, weights, float(n_open.mean()) / table.n_items, alpha) & ~ahead.T
    n_models = table.n_models
    return RankRanges(1 + ahead.sum(axis=0), n_models - ahead.sum(axis=1), n_drawn)


def _certain(table: PredictionTable, truth: NDArray[np.int32], leader: int | None) -> Mask:
    """bool [n_models, n_models], the row model beats the column model whatever is still missing."""
    is_open = truth == NOT_LABELLED
    correct = (table.predictions[:, ~is_open] == truth[~is_open]).sum(axis=1)
    rest = table.predictions[:, is_open]
    reach = correct + np.count_nonzero(rest != NOT_RUN, axis=1)
    ahead = correct[:, None] > reach[None, :]
    if leader is not None:
        gains = np.count_nonzero((rest != rest[leader]) & (rest != NOT_RUN), axis=1)
        ahead[leader] |= correct[leader] - correct > gains
        ahead[leader, leader] = False
    return np.asarray(ahead)


def _by_draws(
    found: NDArray[np.float64], weights: NDArray[np.float64], open_share: float, alpha: float
) -> Mask:
    """bool [n_models, n_models], the draws put the row model before the column model."""
    # Imported here: it takes a second, and web servers start without computing anything.
    from scipy.stats import t

    n_models, m = found.shape
    mean = found @ weights
    scaled = (found - mean[:, None]) * weights
    product = scaled @ scaled.T * (m / (m - 1))
    own = np.diag(product)
    variance = np.maximum(own[:, None] + own[None, :] - 2 * product, 0.0)
    variance += 2 * (open_share / m) ** 2
    quantile = float(t.ppf(1 - alpha / (2 * max(1, n_models - 1)), m - 1))
    return np.asarray(mean[:, None] - mean[None, :] > quantile * np.sqrt(variance))
