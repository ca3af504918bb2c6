"""How the rivals of a leader stand against it, on the labels and on the items still open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import NOT_LABELLED, NOT_RUN, Classes, Mask, PredictionTable
from apps.selection.metrics.credit import Credit

from .base import Indices
from .committee import Committee


@dataclass(frozen=True, eq=False)
class Part:
    """How each model stands against the leader on some of the items.

    Attributes:
        lead: [n_models], right answers of the leader minus its own among the labels.
        open: [n_models], unlabelled items it was run on and predicts otherwise than the leader.
        differed: [n_models], labelled items on which the two differ.
        decided: [n_models], those of them on which one of the two is right; with a credit, the sum
            of the squares of what one earned above the other.
    """

    lead: NDArray[Any]
    open: NDArray[Any]
    differed: NDArray[Any]
    decided: NDArray[Any]

    @classmethod
    def of_labels(cls, won: NDArray[Any], differs: NDArray[np.bool_]) -> Part:
        """From what the leader won, and where it differed, on labelled items [n_models, n]."""
        return cls(
            lead=won.sum(axis=1),
            open=np.zeros(len(won), dtype=int),
            differed=np.count_nonzero(differs, axis=1),
            decided=(won**2).sum(axis=1),
        )

    @classmethod
    def of_open(cls, is_open: NDArray[np.bool_]) -> Part:
        """From where a model may still gain on the leader, on unlabelled items [n_models, n]."""
        none = np.zeros(len(is_open), dtype=int)
        return cls(none, np.count_nonzero(is_open, axis=1), none, none)

    def __add__(self, other: Part) -> Part:
        return Part(*(getattr(self, name) + getattr(other, name) for name in _COUNTS))

    def __sub__(self, other: Part) -> Part:
        return Part(*(getattr(self, name) - getattr(other, name) for name in _COUNTS))

    def among(self, models: Indices) -> Part:
        """Of these models alone, as floats."""
        return Part(*(getattr(self, name)[models].astype(float) for name in _COUNTS))


_COUNTS = ("lead", "open", "differed", "decided")


@dataclass(frozen=True, eq=False)
class Rivals:
    """How each model stands against the leader.

    Attributes:
        whole: on all items; its counts are attributes here as well.
        backed: on those on which more models say what the leader says than what the model says.
        can_gain: [n_models], `open`, or with a credit the most credit to be gained on those items.
        n_labelled, n_items: of the pool.
        leader: the model spoken of.
        base: the items that a share delta is a share of.
        wary: what most models say may mislead; see `committee.Committee`.
        outvoted: labels on which the right answer is not the most frequent one.
        step: the most that one label can move a lead.
    """

    whole: Part
    backed: Part
    can_gain: NDArray[Any]
    n_labelled: int
    n_items: int
    leader: int
    base: float
    wary: bool
    outvoted: int
    step: float = 1.0

    @property
    def lead(self) -> NDArray[Any]:
        """See `Part`."""
        return self.whole.lead

    @property
    def open(self) -> NDArray[np.int_]:
        """See `Part`."""
        return self.whole.open

    @property
    def differed(self) -> NDArray[np.int_]:
        """See `Part`."""
        return self.whole.differed

    @property
    def decided(self) -> NDArray[Any]:
        """See `Part`."""
        return self.whole.decided


class StopMeter:
    """How the rivals of a leader stand, kept up to date label by label.

    The leader is given with each question; asking for the same one again costs O(n_models).
    """

    def __init__(self, table: PredictionTable, credit: Credit | None = None) -> None:
        self._table = table
        self._credit = credit
        # What the rules compare: classes, or with a credit the kinds of answers.
        self._answers = table.predictions if credit is None else credit.kinds(table.predictions)
        self._labels = np.full(table.n_items, NOT_LABELLED, dtype=np.int32)
        self._held: Rivals | None = None
        self._committee: Committee | None = None  # made when a leader is first asked about

    def observe(self, item: int, label: int) -> None:
        """Take in a label; `SelectionMethod.observe` has checked it."""
        if self._labels[item] != NOT_LABELLED:
            return
        self._labels[item] = label
        if self._committee is None:
            return
        self._committee.observe(item, label)
        held = self._held
        if held is None:
            return
        known = np.array([item])
        whole, backed = self._seen(held.leader, known)
        gain, was_open, was_backed = self._ahead(held.leader, known)
        self._held = replace(
            held,
            whole=held.whole + whole - was_open,
            backed=held.backed + backed - was_backed,
            can_gain=held.can_gain - gain,
            n_labelled=held.n_labelled + 1,
            base=self._base(),
            wary=self._committee.misleads,
            outvoted=self._committee.outvoted,
        )

    def rivals(self, leader: int) -> Rivals:
        """[n_models] counts against this leader."""
        if self._held is None or self._held.leader != leader:
            self._held = self.counted(leader)
        return self._held

    def counted(self, leader: int) -> Rivals:
        """The same, counted afresh: for a model that is asked about once."""
        known = np.flatnonzero(self._labels != NOT_LABELLED)
        committee = self._known_committee(known)
        whole, backed = self._seen(leader, known)
        gain, is_open, is_backed = self._ahead(leader, self._labels == NOT_LABELLED)
        return Rivals(
            whole=whole + is_open,
            backed=backed + is_backed,
            can_gain=gain,
            n_labelled=len(known),
            n_items=self._table.n_items,
            leader=leader,
            base=self._base(),
            wary=committee.misleads,
            outvoted=committee.outvoted,
            step=1.0 if self._credit is None else float(self._credit.gain.max()),
        )

    def _known_committee(self, known: Indices) -> Committee:
        if self._committee is None:
            self._committee = Committee(self._answers, self._credit)
            for item in known:
                self._committee.observe(int(item), int(self._labels[item]))
        return self._committee

    def _won(self, answers: Classes, labels: Classes, leader: int) -> NDArray[Any]:
        """[n_models, n], what the leader earned above each on labelled items."""
        if self._credit is None:
            right = (answers == labels).astype(int)
        else:
            right = self._credit.of_labels(answers, labels)
        return np.asarray(right[leader] - right)

    def _seen(self, leader: int, items: Indices) -> tuple[Part, Part]:
        """The whole and the backed part of some labelled items."""
        assert self._committee is not None  # noqa: S101 - see `counted`
        answers = self._answers[:, items]
        won = self._won(answers, self._labels[items], leader)
        differs = answers != answers[leader]
        backs = self._committee.backs(leader, items)
        return Part.of_labels(won, differs), Part.of_labels(won * backs, differs & backs)

    def _ahead(self, leader: int, items: Indices | Mask) -> tuple[NDArray[Any], Part, Part]:
        """Of some unlabelled items: the most to be gained on the leader, the whole, the backed."""
        assert self._committee is not None  # noqa: S101 - see `counted`
        answers = self._answers[:, items]
        gain, is_open = self._gains(answers, answers[leader])
        backs = self._committee.backs(leader, items)
        return gain, Part.of_open(is_open), Part.of_open(is_open & backs)

    def _gains(self, answers: Classes, top: Classes) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """The most to be gained on the leader [n_models], and on which items [n_models, n]."""
        if self._credit is None:
            is_open = (answers != top) & (answers != NOT_RUN)
            return np.count_nonzero(is_open, axis=1), np.asarray(is_open)
        gain = self._credit.gain[answers, top]
        return np.asarray(gain.sum(axis=1)), np.asarray(gain > 0)

    def _base(self) -> float:
        if self._credit is None:
            return float(self._table.n_items)
        return self._credit.base(self._labels)
