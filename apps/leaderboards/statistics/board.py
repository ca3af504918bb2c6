"""One board of all candidates from the labels there are: ranks, chances, and what to choose."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from apps.catalog.tables import NOT_RUN, Floats, Mask, PredictionTable

from .bootstrap import best_shares
from .frontier import pareto_frontier
from .intervals import wilson
from .paired import PairCounts, difference, pair_counts
from .power import more_labels
from .ranks import Ranks, rank_ranges

ENOUGH_ANSWERS = 0.5
"""A model is compared with the rest if it answered this share of what the most-run model did."""

SEPARATIONS = 10
"""How many ties with the chosen model are followed up with the labels they need."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class BoardRow:
    """One candidate.

    Attributes:
        model: its name.
        correct: labelled items it got right.
        answered: labelled items it was run on; accuracies are over these.
        accuracy: correct / answered; None (unknown, not 0) where it answered nothing.
        low, high: Wilson's interval of the accuracy; 0 and 1 where it is unknown.
        rank_low, rank_high: the ranks that paired evidence leaves open, 1 is the best.
        compared: it answered enough to be chosen. A model seen on two items is not the best because
            both were right; until it is run on more, it has no P(best).
        p_best: share of bootstrap resamples, but never surer than the exact test against any compared
            rival; only a share over a half is ever lowered. None where not compared.
        p_within_delta: share of bootstrap resamples; None where not compared.
        price: as given; None where it is not known.
        on_frontier: no compared model is both no dearer and no less accurate, and better in one.
        difference: its accuracy minus the chosen model's, on the items both were run on; None where
            there are none; `difference_low` and `difference_high` are its interval.
        p: McNemar's exact p-value against the chosen model; `p_adjusted` after Holm
            over the comparisons of this model.
        wins, losses: items that only it, or only the chosen model, got right.
    """

    model: str
    correct: int
    answered: int
    accuracy: float | None
    low: float
    high: float
    rank_low: int
    rank_high: int
    compared: bool
    p_best: float | None
    p_within_delta: float | None
    price: float | None
    on_frontier: bool
    difference: float | None
    difference_low: float
    difference_high: float
    p: float
    p_adjusted: float
    wins: int
    losses: int


@dataclass(frozen=True)
class Separation:
    """How many more labels would separate the chosen model `a` from `b`, which is tied with it.

    `more_labels` is None where the observed difference is zero; it is not limited by the number of
    items that are still to be labelled.
    """

    a: str
    b: str
    more_labels: int | None


@dataclass(frozen=True)
class BoardResult:
    """What the labels say about all candidates. See `rank_candidates`."""

    chosen: str
    p_best: float
    tied_with: tuple[str, ...]
    cheapest_within_delta: str
    labels: int
    delta: float
    alpha: float
    resamples: int
    seed: int
    rows: tuple[BoardRow, ...]
    separations: tuple[Separation, ...]

    def row(self, model: str) -> BoardRow:
        """The row of a model. Raises KeyError where there is none."""
        for row in self.rows:
            if row.model == model:
                return row
        raise KeyError(model)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain numbers, strings and lists, with None for what is not known."""
        content = asdict(self)
        return content | {
            name: list(content[name]) for name in ("tied_with", "rows", "separations")
        }


def rank_candidates(
    predictions: PredictionTable,
    labels: ArrayLike,
    *,
    prices: ArrayLike | None = None,
    delta: float = 0.01,
    alpha: float = 0.05,
    resamples: int = 10_000,
    seed: int = 0,
) -> BoardResult:
    """Rank all candidates by a labelled sample, and choose.

    Every probability here assumes that the labelled items are a random sample of the pool.

    The *chosen* model has the highest accuracy on the labelled items among the compared ones; equal
    accuracies are decided by the higher P(best), then the lower price (unknown ones last), then the
    name. Accuracy is over what a model answered; a model that answered less than half as many
    labelled items as the most-run one is listed, but not compared (`BoardRow.compared`).

    *Tied with it* is every model that may still be the best, since McNemar's exact test, adjusted by
    Holm, finds no model better than it: `rank_ranges` says what that guarantees.

    The *cheapest within delta* is the cheapest compared model of known price whose observed
    accuracy is at most delta below the chosen one's; equal prices are decided in the order of the
    board. It is the chosen model where no such price is known. Its `p_within_delta` says how sure
    that is.

    Args:
        predictions: the candidates' predictions, [n_models, n_items].
        labels: the class of each item, [n_items], -1 where it is not labelled.
        prices: [n_models], in any one unit, NaN where not known; None where no price is known.
        delta: the accuracy one would give up for a lower price, in 0..1.
        alpha: 1 minus the level of the intervals and of each rank range.
        resamples: of the bootstrap.
        seed: of the bootstrap; equal seeds give equal boards.

    Returns:
        The board; rows from the highest to the lowest accuracy, unknown ones last, equal ones in
        the order in which they would be chosen.

    Raises:
        ValueError: no labelled item, no model that answered one, or an argument out of its range.
    """
    truth = predictions.checked_labels(labels)
    cost = _checked_prices(prices, predictions)
    _check_ranges(delta, alpha, resamples)
    labelled = truth >= 0
    if not labelled.any():
        raise ValueError(
            "There is no labelled item yet: label some items, or upload their labels, to rank the "
            "models."
        )
    answers = predictions.predictions[:, labelled]
    answered: Mask = answers != NOT_RUN
    if not answered.any():
        raise ValueError("No model was run on any of the labelled items: there is nothing to rank.")
    return rank_answers(
        answers == truth[labelled],
        answered,
        predictions.model_names,
        prices=cost,
        delta=delta,
        alpha=alpha,
        resamples=resamples,
        seed=seed,
    )


def rank_answers(
    correct: Mask,
    answered: Mask,
    names: tuple[str, ...],
    *,
    prices: Floats,
    delta: float,
    alpha: float,
    resamples: int,
    seed: int,
) -> BoardResult:
    """`rank_candidates` of what the models did on some labelled items, at least one of them answered.

    Args:
        correct: [n_models, n_items], the model was run on the labelled item and is right.
        answered: [n_models, n_items], the model was run on it.
        names: of the models. prices: [n_models], NaN where not known. The rest as there.
    """
    counts = pair_counts(correct, answered)
    ranks = rank_ranges(counts, alpha=alpha)
    numbers = _numbers(correct, answered, prices, names, ranks.p, delta, resamples, seed)
    chosen = numbers.order[0]
    rows = _rows(names, numbers, counts, ranks, chosen, alpha)
    tied = [j for j in numbers.order if j in set(ranks.tied_with(chosen).tolist())]
    return BoardResult(
        chosen=names[chosen],
        p_best=float(numbers.p_best[chosen]),
        tied_with=tuple(names[j] for j in tied),
        cheapest_within_delta=names[_cheapest(numbers, delta)],
        labels=correct.shape[1],
        delta=delta,
        alpha=alpha,
        resamples=resamples,
        seed=seed,
        rows=tuple(rows[j] for j in numbers.order),
        separations=tuple(
            Separation(
                names[chosen], names[j], _labels_to_separate(counts, ranks, chosen, j, alpha)
            )
            for j in tied[:SEPARATIONS]
        ),
    )


@dataclass(frozen=True, eq=False)
class _Numbers:
    """Per model, [n_models] each, NaN where not known; `order` is the order of the board."""

    correct: Floats
    answered: Floats
    accuracy: Floats
    compared: Mask
    p_best: Floats
    p_within: Floats
    price: Floats
    order: list[int]


def _numbers(
    correct: Mask,
    answered: Mask,
    price: Floats,
    names: tuple[str, ...],
    p: Floats,
    delta: float,
    resamples: int,
    seed: int,
) -> _Numbers:
    right, ran = correct.sum(axis=1).astype(float), answered.sum(axis=1).astype(float)
    accuracy = np.divide(right, ran, out=np.full(len(ran), np.nan), where=ran > 0)
    compared = (ran > 0) & (ran >= ENOUGH_ANSWERS * ran.max())
    p_best, p_within = np.full((2, len(ran)), np.nan)
    p_best[compared], p_within[compared] = best_shares(
        correct[compared], answered[compared], delta=delta, resamples=resamples, seed=seed
    )
    p_best[compared] = np.minimum(p_best[compared], _surest(p[np.ix_(compared, compared)]))

    def place(j: int) -> tuple[bool, float, float, float, str]:
        sortable = np.nan_to_num([-accuracy[j], -p_best[j], price[j]], nan=math.inf)
        return (not compared[j], *sortable, names[j])

    order = sorted(range(len(ran)), key=place)
    return _Numbers(right, ran, accuracy, compared, p_best, p_within, price, order)


def _surest(p: Floats) -> Floats:
    """How sure paired evidence lets each model be the best: 1 minus half its highest p, [n_models].

    A model that is right on the only label there is, is the best in every resample of it. Half the
    two-sided p-value bounds how often the labels speak this clearly for a model that is not the best.
    """
    surest: Floats = 1 - np.where(np.eye(len(p), dtype=bool), 0.0, p).max(axis=1) / 2
    return surest


def _cheapest(numbers: _Numbers, delta: float) -> int:
    chosen = numbers.order[0]
    floor = numbers.accuracy[chosen] - delta - _ROUNDING
    near = [
        j
        for j in numbers.order
        if numbers.compared[j] and numbers.accuracy[j] >= floor and not math.isnan(numbers.price[j])
    ]
    return min(near, key=lambda j: numbers.price[j], default=chosen)


def _labels_to_separate(
    counts: PairCounts, ranks: Ranks, chosen: int, other: int, alpha: float
) -> int | None:
    """At the level that Holm's procedure would ask of the other model's next comparison."""
    shared = counts.shared[chosen, other]
    level = alpha / max(1, ranks.open[other])
    return more_labels(counts.wins[chosen, other], counts.wins[other, chosen], shared, alpha=level)


def _rows(
    names: tuple[str, ...],
    numbers: _Numbers,
    counts: PairCounts,
    ranks: Ranks,
    chosen: int,
    alpha: float,
) -> list[BoardRow]:
    low, high = wilson(numbers.correct, numbers.answered, alpha=alpha)
    gap, gap_low, gap_high = difference(counts, chosen, alpha=alpha)
    frontier = pareto_frontier(numbers.price, np.where(numbers.compared, numbers.accuracy, np.nan))
    return [
        BoardRow(
            model=name,
            correct=int(numbers.correct[j]),
            answered=int(numbers.answered[j]),
            accuracy=_known(numbers.accuracy[j]),
            low=float(low[j]),
            high=float(high[j]),
            rank_low=int(ranks.low[j]),
            rank_high=int(ranks.high[j]),
            compared=bool(numbers.compared[j]),
            p_best=_known(numbers.p_best[j]),
            p_within_delta=_known(numbers.p_within[j]),
            price=_known(numbers.price[j]),
            on_frontier=bool(frontier[j]),
            difference=_known(gap[j]),
            difference_low=float(gap_low[j]),
            difference_high=float(gap_high[j]),
            p=float(ranks.p[j, chosen]),
            p_adjusted=float(ranks.p_adjusted[j, chosen]),
            wins=int(counts.wins[j, chosen]),
            losses=int(counts.wins[chosen, j]),
        )
        for j, name in enumerate(names)
    ]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _checked_prices(prices: ArrayLike | None, predictions: PredictionTable) -> Floats:
    if prices is None:
        return np.full(predictions.n_models, np.nan)
    cost = np.asarray(prices, dtype=float)
    if cost.shape != (predictions.n_models,):
        raise ValueError(
            f"There are {cost.size} prices for {predictions.n_models} models: give one for each, "
            "NaN where it is not known."
        )
    for name, price in zip(predictions.model_names, cost, strict=True):
        if price < 0 or math.isinf(price):
            raise ValueError(f"The price of model `{name}` is {price:g}, not a price.")
    return cost


def _check_ranges(delta: float, alpha: float, resamples: int) -> None:
    if not 0 <= delta <= 1:
        raise ValueError(f"Delta is {delta:g}; it must be between 0 and 1.")
    if not 0 < alpha < 1:
        raise ValueError(f"Alpha is {alpha:g}; it must be between 0 and 1.")
    if resamples < 1:
        raise ValueError(f"The number of resamples is {resamples}; it must be at least 1.")
