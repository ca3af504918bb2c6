"""What the page of a session shows, made from the numbers and never surer than they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.html import format_html
from django.utils.safestring import SafeString
from numpy.typing import NDArray

from apps.catalog.tables import NOT_LABELLED, Floats
from apps.selection import queries
from apps.selection.choosers import chooser_of
from apps.selection.counting import Counting, Metric
from apps.selection.curve import Curve, curve_of
from apps.selection.meter import Meter, meter_of
from apps.selection.methods.base import Belief
from apps.selection.methods.estimates import Estimates
from apps.selection.methods.ranks import RankRanges, rank_ranges
from apps.selection.methods.registry import DRAWN
from apps.selection.metrics.intervals import estimate_scores
from apps.selection.models import LabelEvent, SelectionSession
from apps.selection.queries import Annotator, Basis
from apps.selection.services import METHOD_NAMES
from apps.selection.worth import Worth, worth_of

_REPLAYED = 0.05  # the alpha at which the rule was replayed often enough to vouch for it
SHOWN = 25  # models on the page; the rest behind a link

TERMS = (
    (
        "Right",
        "Right answers among the labelled items the model answered. The items were mostly chosen because "
        "the models disagree on them, so the share is lower than on all items: compare models, do not "
        "quote it as an accuracy.",
    ),
    (
        "Accuracy on all items",
        "An estimate that rests on the uniformly drawn items alone, with its interval. Until ten of them are "
        "labelled there are only bounds that hold whatever the missing labels are.",
    ),
    (
        "Uniform draw",
        "An item drawn with equal chances from those without a label. The share of such draws is set "
        "when the selection starts; the log keeps the probability of every draw.",
    ),
    (
        "Ranks",
        "The ranks on all items that remain possible: from what no missing label can change, and from the "
        "uniform draws, model against model on the same items. A model whose range begins at 1 may "
        "still be the best.",
    ),
    (
        "At most so many labels",
        "So many further labels of items on which the leader and a model that can still pass it differ "
        "always suffice for a choice that no missing label can change. Uniform draws of other items and "
        "second opinions come on top.",
    ),
)


@dataclass(frozen=True)
class Row:
    """A candidate. `low` and `high`: an interval around the accuracy over all items (or whatever else
    counts, as a score in 0..1), where that can be estimated; else bounds that are sure. `accuracy` is
    None there. `text` is all three in words. The ranks are those that remain possible; None where
    something else counts than right answers."""

    model: str
    correct: int
    answered: int
    accuracy: float | None
    low: float
    high: float
    p_best: float | None
    leads: bool
    text: str
    rank_low: int | None
    rank_high: int | None

    @property
    def ranks(self) -> str:
        """ "1–4", or "2"; "unknown" where no ranks are told."""
        if self.rank_low is None:
            return "unknown"
        return ranks_text(self.rank_low, self.rank_high)

    @property
    def may_be_best(self) -> bool:
        """Nothing puts another model surely before it."""
        return self.rank_low == 1


@dataclass(frozen=True)
class SessionPage:
    """All that the page says of a session with predictions."""

    sentence: SafeString
    meter: Meter
    rows: tuple[Row, ...]
    rests_on: str
    estimated: str
    curve: Curve | None
    annotators: tuple[Annotator, ...]
    audit_labels: int
    skipped: int
    unsure: int
    spent: str
    conflicts: tuple[str, ...]
    differing: int
    tied: int
    method: str
    usable: int
    worth: Worth | None


def ranks_text(low: int, high: int | None) -> str:
    """ "1–4", or "2" where only one rank is possible."""
    return f"{low:,}" if high is None or low == high else f"{low:,}–{high:,}"


def session_page(session: SelectionSession) -> SessionPage:
    """Compute the page.

    Raises:
        ValueError: the version has no predictions (any more).
    """
    basis = queries.basis_of(session)
    meter = meter_of(session, basis)
    with chooser_of(session, basis.table, basis.labels) as chooser:
        belief = chooser.belief()
    events = list(LabelEvent.objects.filter(session=session).select_related("annotator"))
    undone = {event.undoes_id for event in events}
    given = basis.labelling.labels
    estimates = estimates_of(session, basis)
    annotators = queries.annotators_of(events, undone)
    return SessionPage(
        sentence=verdict(session, basis, meter, belief),
        meter=meter,
        rows=tuple(_rows(basis, belief, estimates, ranges_of(session, basis, belief.leader))),
        rests_on=belief.rests_on,
        estimated=estimates.rests_on,
        curve=curve_of(basis),
        annotators=tuple(annotators),
        audit_labels=sum(event.audit for event in given.values()),
        skipped=sum(one.skipped for one in annotators),
        unsure=sum(one.unsure for one in annotators),
        spent=_spent(session, basis.labelling.given),
        differing=len(basis.labelling.differing),
        tied=len(basis.labelling.tied),
        conflicts=tuple(basis.table.item_ids[item] for item in basis.conflicts),
        method=METHOD_NAMES[session.method],
        usable=sum(basis.stored[item] == NOT_LABELLED for item in given),
        worth=worth_of(session, basis, meter),
    )


def verdict(session: SelectionSession, basis: Basis, meter: Meter, belief: Belief) -> SafeString:
    """The sentence that the page begins with."""
    if not meter.labels:
        return format_html(
            "No labels yet: nothing is known of the {} models.", f"{basis.table.n_models:,}"
        )
    counting = meter.counting
    points = counting.difference(session.delta)
    if meter.stop.certain:
        more = f"more than {points} ahead" if session.delta else "ahead"
        return format_html(
            "Use <code>{}</code>: no label still missing can put another model {}{}.",
            meter.leader,
            more,
            "" if counting.metric == Metric.ACCURACY else f", by {counting.name}",
        )
    if meter.stop.stop:
        what = f"within {points} of the best" if session.delta else "the best"
        if counting.metric != Metric.ACCURACY:
            what += f" by {counting.name}"
        return format_html(
            "Use <code>{}</code>: {}, by a rule that is {}wrong in at most {} of selections.",
            meter.leader,
            what,
            "" if session.alpha == _REPLAYED and counting.plain else "set to be ",
            f"{session.alpha * 100:g}%",
        )
    if not counting.plain:
        return format_html(
            "<code>{}</code> leads for now by {}, after {}; that is not decided yet.",
            meter.leader,
            counting.name,
            f"{meter.labels:,} {'label' if meter.labels == 1 else 'labels'}",
        )
    right, answered = int(belief.correct[belief.leader]), int(belief.answered[belief.leader])
    if answered < meter.labels:  # counts of models that were run on other items say nothing here
        return format_html(
            "<code>{}</code> leads for now, right on {} of the {} labelled items that it was run on; that "
            "is not decided yet.",
            meter.leader,
            f"{right:,}",
            f"{answered:,}",
        )
    rivals = int((belief.correct >= right).sum()) - 1
    return format_html(
        "<code>{}</code> leads for now, right on {} of {}{}; that is not decided yet.",
        meter.leader,
        f"{right:,}",
        f"{meter.labels:,} {'label' if meter.labels == 1 else 'labels'}",
        f", no more often than {rivals:,} other{'' if rivals == 1 else 's'}" if rivals else "",
    )


def estimates_of(session: SelectionSession, basis: Basis) -> Estimates:
    """Accuracies over all items from the session's random draws, whatever the method chose.

    Items that were in front of others at the moment of a uniform draw, or set aside by who got it, were
    left out of it; that is not corrected for.
    """
    part, labels, _ = basis.part
    order, probabilities = draws_of(session, basis)
    return estimate_scores(
        part,
        labels,
        basis.counting.score,
        order=order,
        probabilities=probabilities,
        confidence=1 - session.alpha,
    )


def draws_of(session: SelectionSession, basis: Basis) -> tuple[NDArray[np.intp], Floats]:
    """The labelled items, as places in `basis.part`, in the order in which their labels came, and the
    probability with which each was drawn uniformly; NaN for one that was chosen, or that the dataset
    brought.

    Labels that the dataset got meanwhile stand where they came: the items were open to the draws before.
    """
    _, labels, _ = basis.part
    items = np.arange(len(labels)) if basis.counting.items is None else basis.counting.items
    came, place = basis.since.copy(), np.zeros(len(basis.since), dtype=int)
    drawn = np.zeros(len(basis.since), dtype=bool)
    latest = -np.inf  # clocks of several servers differ; the log's order is what counts
    for number, (item, event) in enumerate(basis.labelling.labels.items()):
        latest = max(latest, event.created_at.timestamp())
        came[item], place[item] = latest, number
        drawn[item] = event.audit or (session.method in DRAWN and event.probability is not None)
    known = np.flatnonzero(labels != NOT_LABELLED)
    order = known[np.lexsort((place[items[known]], came[items[known]]))]
    chances = 1 / (len(labels) - np.arange(len(order)))
    return order, np.where(drawn[items[order]], chances, np.nan)


def ranges_of(session: SelectionSession, basis: Basis, leader: int) -> RankRanges | None:
    """The ranks that remain possible; None where something else counts than right answers."""
    if not basis.counting.plain:
        return None
    part, labels, _ = basis.part
    order, probabilities = draws_of(session, basis)
    return rank_ranges(
        part, labels, order=order, probabilities=probabilities, alpha=session.alpha, leader=leader
    )


def _rows(
    basis: Basis, belief: Belief, estimates: Estimates, ranges: RankRanges | None
) -> list[Row]:
    order = sorted(
        range(basis.table.n_models),
        key=lambda model: (
            model != belief.leader,
            -belief.correct[model],
            belief.answered[model],
            basis.table.model_names[model],
        ),
    )
    counting = basis.counting
    unknown = np.isnan(estimates.accuracy)
    low, high = (estimates.low, estimates.high) if not unknown.all() else (belief.low, belief.high)
    return [
        Row(
            model=basis.table.model_names[model],
            correct=int(belief.correct[model]),
            answered=int(belief.answered[model]),
            accuracy=None if unknown[model] else float(estimates.accuracy[model]),
            low=float(low[model]),
            high=float(high[model]),
            p_best=None if belief.p_best is None else float(belief.p_best[model]),
            leads=model == belief.leader and bool(belief.answered.any()),
            text=_text(
                counting,
                None if unknown[model] else float(estimates.accuracy[model]),
                float(low[model]),
                float(high[model]),
            ),
            rank_low=None if ranges is None else int(ranges.low[model]),
            rank_high=None if ranges is None else int(ranges.high[model]),
        )
        for model in order
    ]


def _text(counting: Counting, score: float | None, low: float, high: float) -> str:
    """ "82%, 75% to 88%", or the same in costs, the lower one first."""
    ends = (high, low) if counting.costs else (low, high)
    said = " to ".join(counting.text(end) for end in ends)
    return said if score is None else f"{counting.text(score)}, {said}"


def _spent(session: SelectionSession, labels: int) -> str:
    """What the labels so far have cost; empty where no price is set."""
    return "" if session.label_price is None else f"{labels * session.label_price:,.2f}"


def summary(page: SessionPage) -> dict[str, Any]:
    """The same for the API."""
    meter = page.meter
    return {
        "labels": meter.labels,
        "labels_of_this_session": meter.given,
        "audit_labels": page.audit_labels,
        "leader": meter.leader if meter.labels else None,
        "score": {
            "metric": meter.counting.metric,
            "name": meter.counting.name,
            "column": meter.counting.column,
        },
        "stop": meter.stop.stop,
        "stop_waits": meter.waits,
        "certificate": {
            "holds": meter.stop.certain,
            "worst_case_labels_left": meter.worst,
        },
        "expected_labels_left": list(meter.expected) if meter.expected else None,
        "labels_saved_against_random": meter.saved,
        "money": page.worth.as_dict() if page.worth else None,
        "board": [
            {
                "model": row.model,
                "correct": row.correct,
                "answered": row.answered,
                "accuracy": row.accuracy,
                "low": row.low,
                "high": row.high,
                "p_best": row.p_best,
                "text": row.text,
                "rank_low": row.rank_low,
                "rank_high": row.rank_high,
            }
            for row in page.rows
        ],
    }
