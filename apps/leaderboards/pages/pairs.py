"""The page of who beats whom: a matrix of the models that lead, or of those that were ticked."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.core.prose import name
from apps.core.templatetags.assay import UNKNOWN, prose
from apps.leaderboards.comparing.words import p_value
from apps.leaderboards.models import Board
from apps.leaderboards.pairs import pairs_of, win_matrix
from apps.leaderboards.parts import Part, shown
from apps.leaderboards.words import count, part_words

USUAL, MOST = 12, 20
"""Models that the matrix shows unasked, and at most."""


class PairsPage:
    """A board's models against one another. `compare_url`: of the comparison of two of them."""

    most = MOST

    def __init__(self, board: Board, query: QueryDict, compare_url: str) -> None:
        self.board = board
        self.compare_url = compare_url
        self.part = Part.read(query)
        current = board.current
        self.result: dict[str, Any] = shown(current, self.part) if current else {"ranking": None}
        asked = set(query.getlist("model"))
        self.all = self._ranked()
        chosen = [model for model in self.all if model in asked]
        self.models = (chosen if len(chosen) > 1 else self.all[:USUAL])[:MOST]
        self.left_out = len(chosen) - MOST if len(chosen) > MOST else 0

    def _ranked(self) -> list[str]:
        """The models of the kept counts, in the order of the board."""
        if self.board.current is None or not self.result["ranking"]:
            return []
        pairs = pairs_of(self.board.current, self.part)
        rows = self.result["ranking"]["rows"]
        return [row["model"] for row in rows if pairs and row["model"] in pairs.models]

    @property
    def problem(self) -> str:
        """Why a part that is asked for says nothing; empty where it does, and on the whole board."""
        return str(self.result.get("problem", "")) if self.part else ""

    @cached_property
    def matrix(self) -> dict[str, Any] | None:
        """See `pairs.win_matrix`; None where there is nothing to show."""
        current = self.board.current
        if current is None or len(self.models) < 2:
            return None
        return win_matrix(current, self.models, self.part)

    @property
    def alpha(self) -> float:
        """The level of the tests."""
        return float(self.result["ranking"]["alpha"])

    @property
    def where(self) -> SafeString:
        """The part that is looked at, as HTML; empty of the whole board."""
        return prose(part_words(self.result["part"]) if self.part else "")

    @property
    def sentence(self) -> SafeString:
        """How many pairs the labels decide, as HTML."""
        if self.problem:
            return prose(self.problem)
        if self.matrix is None:
            return prose("Nothing is kept yet of who beats whom on this board.")
        total = len(self.models) * (len(self.models) - 1) // 2
        open_ = total - self._decided
        if not open_:
            return prose(f"The labels decide between every two of these {len(self.models)} models.")
        if not self._decided:
            return prose(f"The labels decide between no two of these {len(self.models)} models.")
        best = max(range(len(self.models)), key=lambda row: (self._beaten(row), -row))
        return prose(
            f"The labels decide {count(self._decided, 'pair')} of {total:,}; most often for "
            f"{name(self.models[best])}, which is better than {count(self._beaten(best), 'other')}."
        )

    @cached_property
    def _decided(self) -> int:
        return sum(self._beaten(row) for row in range(len(self.models)))

    def _beaten(self, row: int) -> int:
        return sum(self._better(row, column) for column in range(len(self.models)))

    def _better(self, row: int, column: int) -> bool:
        assert self.matrix is not None  # noqa: S101
        wins = self.matrix["wins"]
        significant = self.matrix["p_adjusted"][row][column] <= self.alpha
        return bool(significant and wins[row][column] > wins[column][row])

    @property
    def body(self) -> SafeString:
        """The rows of the matrix as HTML."""
        lines = []
        for row, model in enumerate(self.models):
            cells = "".join(self._cell(row, column) for column in range(len(self.models)))
            lines.append(f'<tr><th scope="row">{escape(model)}</th>{cells}</tr>')
        return mark_safe("\n".join(lines))  # noqa: S308

    def _cell(self, row: int, column: int) -> str:
        assert self.matrix is not None  # noqa: S101
        if row == column:
            return '<td class="number self">–</td>'
        wins, losses = self.matrix["wins"][row][column], self.matrix["wins"][column][row]
        if not self.matrix["shared"][row][column]:
            return f'<td class="number">{UNKNOWN}</td>'
        if not wins + losses:
            return '<td class="number">equal</td>'
        word = (
            "better"
            if self._better(row, column)
            else "worse"
            if self._better(column, row)
            else "open"
        )
        models = [("model", self.models[row]), ("model", self.models[column])]
        pair = urlencode(models + self.part.for_comparison())
        p = p_value(self.matrix["p_adjusted"][row][column])
        share = wins / (wins + losses)
        level = min(4, int(abs(share - 0.5) * 8.001)) if word != "open" else 0
        return (
            f'<td class="number {word} level-{level}">'
            f'<a href="{escape(self.compare_url)}?{escape(pair)}" '
            f'title="only the row right {wins:,}, only the column {losses:,}, {escape(p)}">'
            f"{share * 100:.0f}%<small>{word}</small></a></td>"
        )
