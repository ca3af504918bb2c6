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
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import NOT_LABELLED, Classes, PredictionTable
from apps.selection.methods.base import Belief, SelectionMethod, Suggestions
from apps.selection.methods.registry import METHODS
from apps.selection.methods.stopping import Stop, StopMeter, stopping
from apps.selection.models import SelectionSession

_SESSIONS = 4  # held in a process; a method of 1,000 models x 10,000 items takes some 100 MB


class Chooser:
    """A session's method, brought to a set of labels. Use it only inside `chooser_of`."""

    def __init__(self, session: SelectionSession, table: PredictionTable) -> None:
        self.lock = threading.Lock()
        self.table = table
        self.labels: Classes = np.full(table.n_items, NOT_LABELLED, np.int32)
        # Kept without labels: making a method takes longer than copying it, and labels are undone.
        self._blank = METHODS[session.method](table, seed=session.seed)
        self._method = self._copy()
        self._rivals = StopMeter(table)
        self._suggested: dict[int, Suggestions] = {}
        self._belief: Belief | None = None

    def _copy(self) -> SelectionMethod:
        fixed = (self.table, self.table.predictions, self.table.probabilities)
        return copy.deepcopy(self._blank, {id(one): one for one in fixed})

    def take(self, labels: Classes) -> None:
        """Bring the method to these labels: by the new ones alone, where none was taken back."""
        if np.array_equal(labels, self.labels):
            return
        held = self.labels != NOT_LABELLED
        if (labels[held] != self.labels[held]).any():
            self._method = self._copy()
            self._rivals = StopMeter(self.table)
            held[:] = False
        for item in np.flatnonzero((labels != NOT_LABELLED) & ~held):
            self._method.observe(int(item), int(labels[item]))
            self._rivals.observe(int(item), int(labels[item]))
        self.labels = labels.copy()
        self._suggested.clear()
        self._belief = None

    def suggest(self, k: int) -> Suggestions:
        """The method's up to k suggestions; asking again costs nothing."""
        if k not in self._suggested:
            self._suggested[k] = self._method.suggest(k)
        return self._suggested[k]

    def belief(self) -> Belief:
        """What the method holds of the models."""
        if self._belief is None:
            self._belief = self._method.belief()
        return self._belief

    def leader(self) -> int:
        """The model that the method names now."""
        return self._method.leader()

    @property
    def correct(self) -> NDArray[np.int_]:
        """[n_models], right answers among the labels."""
        return self.belief().correct

    def stop(self, *, alpha: float, delta: float) -> Stop:
        """What the rules say of stopping with the leader."""
        return stopping(self._rivals.rivals(self.leader()), alpha=alpha, delta=delta)


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
