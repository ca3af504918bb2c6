"""The method of each session, kept in the process between requests with its labels taken in.

Only a cache: a method's suggestions follow from its seed and the set of its labels alone, so whatever
process asks, and however often, gets the same ones.
"""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import numpy as np

from apps.catalog.tables import NOT_LABELLED, Classes, Floats, PredictionTable
from apps.selection.counting import Counting, counting_of
from apps.selection.methods.base import Belief, LabelledPool, SelectionMethod, Suggestions
from apps.selection.methods.certificate import Certificate, certificate
from apps.selection.methods.registry import CALIBRATED, METHODS
from apps.selection.methods.rivals import StopMeter
from apps.selection.methods.stopping import Stop, stopping, unruled
from apps.selection.metrics.decision import merits, odds_of
from apps.selection.models import SelectionSession

_SESSIONS = 4  # held in a process; a method of 1,000 models x 10,000 items takes some 100 MB


class Chooser:
    """A session's method, brought to a set of labels. Use it only inside `chooser_of`.

    Attributes:
        table: the predictions on all items.
        counting: what makes a model good.
        part: the predictions on the items that count in it.
        labels: int32 [n_items], those taken in.
        rivals: how the models stand in what counts; None where no sum over items says so.
        speaks: whether forecasts hold for labels that this method chose.
    """

    def __init__(self, session: SelectionSession, table: PredictionTable) -> None:
        self.lock = threading.Lock()
        self.table = table
        self.counting: Counting = counting_of(session, table)
        self.part = self.counting.part(table)
        self.labels: Classes = np.full(table.n_items, NOT_LABELLED, np.int32)
        self._asking, self._class_asked = self.counting.asking(self.part)
        self.speaks = session.method in CALIBRATED
        # Kept without labels: making a method takes longer than copying it, and labels are undone.
        self._blank = METHODS[session.method](self._asking, seed=session.seed)
        self._seed = session.seed
        self._begin()

    def _begin(self) -> None:
        table, score = self._asking, self.counting.score
        fixed = (table, table.predictions, table.probabilities)
        self._method: SelectionMethod = copy.deepcopy(self._blank, {id(one): one for one in fixed})
        self._right = StopMeter(self.part)
        self.rivals = self._right if self.counting.plain else None
        if score.credit is not None:
            self.rivals = StopMeter(self.part, score.credit)
        self._pool = None if self.counting.plain else LabelledPool(self.part, seed=self._seed)
        self._suggested: dict[int, Suggestions] = {}
        self._belief: Belief | None = None
        self._leader: int | None = None

    @property
    def of_part(self) -> Classes:
        """int32 [n_items of the part], the labels of the items that count."""
        items = self.counting.items
        return self.labels if items is None else self.labels[items]

    def take(self, labels: Classes) -> None:
        """Bring the method to these labels: by the new ones alone, where none was taken back."""
        if np.array_equal(labels, self.labels):
            return
        before = self.of_part
        held = before != NOT_LABELLED
        self.labels = labels.copy()
        now = self.of_part
        if (now[held] != before[held]).any():
            self._begin()
            held = np.zeros(len(now), dtype=bool)
        for place in np.flatnonzero((now != NOT_LABELLED) & ~held):
            item, label = int(place), int(now[place])
            self._method.observe(item, int(self._class_asked[label]))
            self._right.observe(item, label)
            if self.rivals is not None and self.rivals is not self._right:
                self.rivals.observe(item, label)
            if self._pool is not None:
                self._pool.observe(item, label)
        self._suggested.clear()
        self._belief = self._leader = None

    def suggest(self, k: int) -> Suggestions:
        """The method's up to k suggestions; asking again costs nothing."""
        if k not in self._suggested:
            found = self._method.suggest(k)
            if self.counting.items is not None:
                found = replace(found, items=self.counting.items[found.items])
            self._suggested[k] = found
        return self._suggested[k]

    def belief(self) -> Belief:
        """What is held of the models: the method's word, or for another score than accuracy the
        right answers and sure bounds of the score."""
        if self._belief is None:
            if self._pool is None:
                self._belief = self._method.belief()
            else:
                low, high = self._bounds()
                self._belief = replace(
                    self._pool.belief(),
                    low=low,
                    high=high,
                    leader=self.leader(),
                    rests_on="The bounds hold for the whole pool whatever the missing labels are.",
                )
        return self._belief

    def leader(self) -> int:
        """The model to name now."""
        if self._leader is None:
            self._leader = self._method.leader() if self._pool is None else self._best()
        return self._leader

    def _best(self) -> int:
        """Of another score than accuracy: the best by the labels and by guesses at the others."""
        assert self._pool is not None  # noqa: S101 - see `leader`
        held = self._right.rivals(int(self._pool.correct.argmax()))
        odds = odds_of(held.lead.astype(float), held.decided.astype(float))
        return self._pool.drawn_best(
            merits(self.part, self.of_part, self.counting.score, odds=odds)
        )

    def _bounds(self) -> tuple[Floats, Floats]:
        """[n_models] each: what the score surely lies between."""
        nothing = np.zeros(self.part.n_models)
        credit = self.counting.score.credit
        if credit is None or not credit.counted.all():
            return nothing, nothing + 1
        kinds = credit.kinds(self.part.predictions)
        known = credit.of_labels(kinds, self.of_part).sum(axis=1)
        most = credit.earned.max(axis=0)[kinds[:, self.of_part == NOT_LABELLED]].sum(axis=1)
        return known / self.part.n_items, (known + most) / self.part.n_items

    def stop(self, *, alpha: float, delta: float) -> Stop:
        """What the rules say of stopping with the leader.

        The calibrated rule speaks for the methods it was calibrated with; beside them, and where the
        score is no sum, only what is certain counts.
        """
        n_open = int((self.of_part == NOT_LABELLED).sum())
        if self.rivals is None:
            return unruled(n_open)
        found = stopping(self.rivals.rivals(self.leader()), alpha=alpha, delta=delta)
        return found if self.speaks else replace(found, stop=found.certain, held_back=False)

    def certificate(self, *, delta: float) -> Certificate | None:
        """The proof for the leader, or for a model with the most right answers, of which alone the
        bound on the labels left is proved; None where the score is no sum."""
        if self.rivals is None:
            return None
        leader = self.leader()
        lead = self.rivals.rivals(leader).lead
        most = leader if lead.min() >= -1e-9 else int(lead.argmin())
        return certificate(
            self.part,
            self.of_part,
            delta=delta,
            leader=self.part.model_names[most],
            credit=self.counting.score.credit,
        )


_held: OrderedDict[UUID, Chooser] = OrderedDict()
_lock = threading.Lock()


@contextmanager
def chooser_of(
    session: SelectionSession, table: PredictionTable, labels: Classes
) -> Iterator[Chooser]:
    """The session's method after `labels` (int32 [n_items], -1 where none), for this thread alone."""
    with _lock:
        chooser = _held.get(session.pk)
    if chooser is None or chooser.table is not table:
        chooser = Chooser(session, table)
        with _lock:
            _held[session.pk] = chooser
            while len(_held) > _SESSIONS:
                _held.popitem(last=False)
    with _lock:
        if session.pk in _held:
            _held.move_to_end(session.pk)
    with chooser.lock:
        chooser.take(labels)
        yield chooser
