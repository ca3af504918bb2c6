"""One reader's comparison: its board, its address and its numbers."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.utils.safestring import SafeString

from apps.catalog import queries as catalog
from apps.catalog.queries import Columns
from apps.core.templatetags.assay import prose
from apps.leaderboards.comparing.numbers import numbers
from apps.leaderboards.comparing.state import CompareState
from apps.leaderboards.models import Board
from apps.leaderboards.queries import result_of
from apps.leaderboards.statistics.comparison import MOST_MODELS


class Comparison:
    """What every part of the page is made from."""

    most = MOST_MODELS

    def __init__(self, board: Board, query: QueryDict, url: str) -> None:
        self.board = board
        self.url = url
        self.columns: Columns = catalog.columns_of(board.version)
        self.choices: list[str] = self.columns.models
        self.state = CompareState.read(
            query,
            models=self.choices,
            classes=self.columns.classes,
            slices=board.version.slice_names,
            usual=self._leaders(),
        )

    def _leaders(self) -> list[str]:
        """The two models that lead the board, or the first two there are."""
        ranked = [model for model in self._rows if model in self.columns.held]
        return (ranked + [name for name in self.choices if name not in ranked])[:2]

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        """The board's rows by model, best first; empty while it ranks nothing."""
        current = self.board.current
        ranking = result_of(current)["ranking"] if current else None
        return {row["model"]: row for row in ranking["rows"]} if ranking else {}

    @cached_property
    def numbers(self) -> dict[str, Any]:
        """See `comparing.numbers.numbers`."""
        return numbers(
            self.columns,
            self.state.models,
            alpha=self.board.alpha,
            first_only=self.state.first_only,
        )

    @property
    def problem(self) -> str:
        """Why there is nothing to compare; empty where there is."""
        if self.state.unknown:
            names = ", ".join(f"`{name}`" for name in self.state.unknown)
            return f"{self.board.version} has no predictions of {names}: choose models of the list."
        if self.state.fits:
            return ""
        if len(self.choices) < 2:
            return "This board has fewer than two models: there is nothing to compare."
        chosen = len(self.state.models)
        many = f"{chosen} models are" if chosen != 1 else "One model is"
        return f"{many} chosen: choose two to {MOST_MODELS} to compare."

    @property
    def problem_html(self) -> SafeString:
        """The same as HTML."""
        return prose(self.problem)

    def link(self, *, fragment: str = "", **changes: Any) -> str:
        """The address of this comparison with changes."""
        return self.url + self.state.query(**changes) + (f"#{fragment}" if fragment else "")
