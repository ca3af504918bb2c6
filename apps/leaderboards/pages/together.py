"""Several boards together: a column for each dataset, a mean over them, ranks on the mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from django.http import QueryDict
from django.utils.safestring import SafeString, mark_safe

from apps.core import derived
from apps.core.prose import name
from apps.core.templatetags.assay import prose
from apps.leaderboards.models import Board
from apps.leaderboards.pages.forest import Axis
from apps.leaderboards.pairs import pairs_of
from apps.leaderboards.queries import result_of
from apps.leaderboards.statistics.paired import PairCounts
from apps.leaderboards.statistics.together import Stratum, together
from apps.leaderboards.words import count

LEAST, MOST = 2, 12
FORMAT = 1


@dataclass(frozen=True)
class Line:
    """One model. `cells`: text by board, None where it was not run on a labelled item there."""

    model: str
    rank: str
    mean: str
    interval: str
    forest: SafeString
    cells: tuple[str | None, ...]
    missing: int
    kind: str


def slugs_asked(query: QueryDict) -> list[str]:
    """The boards that an address names, each once, in its order; one more than fit, at most."""
    slugs = (slug for slug in query.getlist("board") if slug.isprintable())
    return list(dict.fromkeys(slugs))[: MOST + 1]


class TogetherPage:
    """Boards of different dataset versions, in the order asked for."""

    least, most = LEAST, MOST

    def __init__(self, boards: Sequence[Board]) -> None:
        self.boards = list(boards)

    @cached_property
    def problem(self) -> str:
        """Why these boards cannot be looked at together; empty where they can."""
        if not LEAST <= len(self.boards) <= MOST:
            return f"Choose {LEAST} to {MOST} boards to look at together."
        for board in self.boards:
            if board.current is None or pairs_of(board.current) is None:
                return f"The board {board.name} ranks nothing yet, or must be computed again first."
        seen: dict[Any, Board] = {}
        for board in self.boards:
            other = seen.setdefault(board.version_id, board)
            if other is not board:
                return (
                    f"The boards {other.name} and {board.name} are about the same dataset version, "
                    "which would count twice: leave one of them out."
                )
        return ""

    @property
    def alpha(self) -> float:
        """1 minus the level, that of the first board."""
        return self.boards[0].alpha

    @cached_property
    def numbers(self) -> dict[str, Any]:
        """Plain JSON: `models`, complete ones first by their mean; per model as in `Together`."""
        blobs = [board.current.pairs_blob for board in self.boards if board.current]
        key = ["together", FORMAT, blobs, self.alpha]
        found: dict[str, Any] = derived.document(key, self._computed)
        return found

    def _computed(self) -> dict[str, Any]:
        listed = {model for board in self.boards for model in self._rows(board)}
        models = sorted(listed, key=lambda model: (model.lower(), model))
        found = together([self._stratum(board, models) for board in self.boards], alpha=self.alpha)
        order = sorted(
            range(len(models)),
            key=lambda at: (not found.complete[at], -np.nan_to_num(found.mean[at])),
        )
        return {
            "models": [
                {
                    "model": models[at],
                    "complete": bool(found.complete[at]),
                    "mean": _known(found.mean[at]),
                    "low": _known(found.low[at]),
                    "high": _known(found.high[at]),
                    "rank_low": int(found.rank_low[at]) or None,
                    "rank_high": int(found.rank_high[at]) or None,
                    "datasets": [
                        {
                            "accuracy": _known(found.accuracy[row, at]),
                            "low": float(found.lows[row, at]),
                            "high": float(found.highs[row, at]),
                        }
                        for row in range(len(self.boards))
                    ],
                }
                for at in order
            ]
        }

    def _rows(self, board: Board) -> dict[str, dict[str, Any]]:
        assert board.current is not None  # noqa: S101
        return {row["model"]: row for row in result_of(board.current)["ranking"]["rows"]}

    def _stratum(self, board: Board, models: Sequence[str]) -> Stratum:
        """The board's counts, with zeros for models that it does not list."""
        assert board.current is not None  # noqa: S101
        pairs, rows = pairs_of(board.current), self._rows(board)
        assert pairs is not None  # noqa: S101
        here = [at for at, model in enumerate(models) if model in pairs.models]
        part = pairs.part([models[at] for at in here])
        wide = np.zeros((3, len(models), len(models)))
        for matrix, counts in zip(wide, (part.wins, part.both_right, part.shared), strict=True):
            matrix[np.ix_(here, here)] = counts
        correct, answered = np.zeros((2, len(models)))
        for at in here:
            row = rows[models[at]]
            # A model that answered too little to be compared there is missing there.
            if row["compared"]:
                correct[at], answered[at] = row["correct"], row["answered"]
        return Stratum(correct, answered, PairCounts(*wide))

    @property
    def sentence(self) -> SafeString:
        """The verdict as HTML."""
        if self.problem:
            return prose(self.problem)
        complete = [row for row in self.numbers["models"] if row["complete"]]
        over = f"over {count(len(self.boards), 'dataset')}"
        if not complete:
            return prose(f"No model was run on all {count(len(self.boards), 'dataset')}.")
        best = complete[0]
        lead = (
            f"{name(best['model'])} has the highest mean accuracy {over}, "
            f"{best['mean'] * 100:.1f}% ({best['low'] * 100:.1f}% to {best['high'] * 100:.1f}%)"
        )
        open_ = sum(row["rank_low"] == 1 for row in complete[1:])
        if len(complete) == 1:
            return prose(f"{lead}: it is the only one that was run on all of them.")
        if not open_:
            return prose(f"{lead}: the labels put no other model level with it.")
        return prose(f"{lead}, but {count(open_, 'other model')} may be as good.")

    @property
    def cautions(self) -> list[SafeString]:
        """What limits it, as HTML."""
        notes = []
        missing = sum(not row["complete"] for row in self.numbers["models"])
        if missing:
            verb = "is" if missing == 1 else "are"
            notes.append(
                f"{count(missing, 'model').capitalize()} {verb} missing on a dataset, or answered too "
                "little there, and so without a mean or a rank: what is missing is not guessed."
            )
        chosen = [
            board.name
            for board in self.boards
            if board.current and result_of(board.current)["chosen_labels"]
        ]
        if chosen:
            notes.append(
                f"Some labels of {', '.join(chosen)} were chosen to tell models apart: intervals and "
                "ranks assume labels drawn at random, so read them as a guide."
            )
        return [prose(note) for note in notes]

    @property
    def axis(self) -> Axis:
        """The axis of the means."""
        return Axis.over(
            [{**row, "accuracy": row["mean"]} for row in self.numbers["models"] if row["complete"]]
        )

    @property
    def head(self) -> SafeString:
        """The axis for the column's head."""
        return mark_safe(self.axis.head())  # noqa: S308

    @property
    def lines(self) -> list[Line]:
        """The rows of the table."""
        axis, found = self.axis, []
        for row in self.numbers["models"]:
            complete = row["complete"]
            low, high = row["rank_low"], row["rank_high"]
            forest = axis.row({**row, "accuracy": row["mean"]}, None) if complete else ""
            found.append(
                Line(
                    row["model"],
                    "" if not complete else str(low) if low == high else f"{low}–{high}",
                    f"{row['mean'] * 100:.1f}%" if complete else "",
                    f"{row['low'] * 100:.1f}–{row['high'] * 100:.1f}%" if complete else "",
                    mark_safe(forest),  # noqa: S308
                    tuple(_cell(cell) for cell in row["datasets"]),
                    sum(cell["accuracy"] is None for cell in row["datasets"]),
                    "tied" if complete and low == 1 else "",
                )
            )
        if found and found[0].rank:
            found[0] = Line(**{**found[0].__dict__, "kind": "chosen"})
        return found


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _cell(cell: dict[str, Any]) -> str | None:
    if cell["accuracy"] is None:
        return None
    return f"{cell['accuracy'] * 100:.1f}% ({cell['low'] * 100:.0f}–{cell['high'] * 100:.0f})"
