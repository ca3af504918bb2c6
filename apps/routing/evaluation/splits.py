"""How prompts are parted into those to learn from and those to test on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import OutcomeTable
from apps.routing.methods.tasks import TASK_COLUMNS

TEST_SHARE = 0.3
GROUP_COLUMNS = ("session", "conversation", *TASK_COLUMNS)
"""Columns that make groups where none is named, the first that is there and has two values."""

_SYNTAX = "random, group, unseen:COLUMN or transfer:COLUMN=TRAIN/TEST"


@dataclass(frozen=True)
class Split:
    """A way to part prompts.

    Attributes:
        kind: `random`, `group`, `unseen` or `transfer`.
        column: the column of groups, for the last two.
        train, test: the two values of a transfer.
    """

    kind: str
    column: str | None = None
    train: str | None = None
    test: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a user writes.

        - `random`: 30% of the prompts are held out.
        - `group`: 30% of the groups: of the first of `GROUP_COLUMNS` that is there, else of the
          clusters of near-duplicates.
        - `unseen:COLUMN`: 30% of the values of that column.
        - `transfer:COLUMN=TRAIN/TEST`: learn from a random 70% of one value's prompts, test on all
          of the other's.

        Raises:
            ValueError: something else, or a transfer from a value to itself.
        """
        kind, _, rest = text.partition(":")
        if kind in {"random", "group"} and not rest:
            return cls(kind)
        if kind == "unseen" and rest:
            return cls(kind, rest)
        column, _, values = rest.partition("=")
        train, _, test = values.partition("/")
        if kind == "transfer" and column and train and test:
            if train == test:
                raise ValueError(f"`{text}` would test on the prompts that it learns from.")
            return cls(kind, column, train, test)
        raise ValueError(f"`{text}` is no split; there are {_SYNTAX}.")

    def __str__(self) -> str:
        if self.kind == "transfer":
            return f"transfer:{self.column}={self.train}/{self.test}"
        return self.kind if self.column is None else f"{self.kind}:{self.column}"


@dataclass(frozen=True, eq=False)
class Parts:
    """Where one split puts the prompts: indices, ascending."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Splitter:
    """Parts the prompts of a table, the same way for the same seed.

    Attributes:
        split: what was asked for, with the column that was found.
        units: [n_prompts], codes of what is held out together, and weighed together in intervals.
    """

    split: Split
    units: NDArray[np.intp]
    testable: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        split: Split,
        outcomes: OutcomeTable,
        near_duplicates: NDArray[np.intp],
    ) -> Self:
        """Find the groups. Prompts on which some model was not run are learnt from, never tested.

        Raises:
            ValueError: a column or value that is not there, or fewer than two groups.
        """
        testable = np.asarray(outcomes.ran.all(axis=1))
        column = split.column
        if split.kind == "group":
            column = group_column(outcomes.groups)
            split = Split("group", column)
        if column is None or split.kind == "transfer":
            units = near_duplicates
        else:
            units = np.unique(_values(outcomes, column), return_inverse=True)[1].astype(np.intp)
        if split.kind == "transfer":
            for value in (split.train, split.test):
                if value not in _values(outcomes, str(column)):
                    raise ValueError(f"No prompt has `{value}` in the column `{column}`.")
        elif split.kind != "random" and len(np.unique(units)) < 2:
            raise ValueError(f"A split by `{column or 'near-duplicates'}` needs two groups.")
        return cls(split, units, testable)

    def parts(self, outcomes: OutcomeTable, seed: int, number: int) -> Parts:
        """The split with this number.

        Raises:
            ValueError: a part remains empty, or nothing is left to learn a model from.
        """
        random = np.random.default_rng((seed, number))
        everything = np.arange(outcomes.n_prompts)
        if self.split.kind == "transfer":
            values = np.array(_values(outcomes, str(self.split.column)))
            source = np.flatnonzero(values == self.split.train)
            train = random.permutation(source)[: max(1, round(len(source) * (1 - TEST_SHARE)))]
            test = np.flatnonzero(values == self.split.test)
        else:
            units = everything if self.split.kind == "random" else self.units
            n_units = int(units.max()) + 1
            held = min(max(1, round(TEST_SHARE * n_units)), n_units - 1)
            chosen = np.zeros(n_units, dtype=bool)
            chosen[random.permutation(n_units)[:held]] = True
            test, train = everything[chosen[units]], everything[~chosen[units]]
        test = test[self.testable[test]]
        if not len(test) or not len(train):
            raise ValueError(
                "Nothing is left to test on: no held-out prompt was run on every model."
            )
        unrun = np.flatnonzero(~outcomes.ran[train].any(axis=0))
        if unrun.size:
            raise ValueError(
                f"Model `{outcomes.model_names[unrun[0]]}` was run on held-out prompts alone, so "
                "nothing can be learnt of it: leave it out, or hold out something else."
            )
        return Parts(np.sort(train), test)


def group_column(groups: Mapping[str, tuple[str, ...]]) -> str | None:
    """The column that makes groups where none is named."""
    for column in GROUP_COLUMNS:
        if len(set(groups.get(column, ()))) > 1:
            return column
    return None


def _values(outcomes: OutcomeTable, column: str) -> tuple[str, ...]:
    if column not in outcomes.groups:
        known = ", ".join(outcomes.groups) or "none"
        raise ValueError(f"There is no column `{column}`; there are: {known}.")
    return outcomes.groups[column]
