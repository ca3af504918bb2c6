"""The page of a price or a volume that is not so, or not yet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

from django.http import QueryDict
from django.utils.safestring import SafeString

from apps.catalog.money import PriceUnit, money
from apps.core.templatetags.assay import prose
from apps.leaderboards.models import Board
from apps.leaderboards.queries import result_of
from apps.leaderboards.whatif import flips, options, with_price
from apps.leaderboards.words import Verdict, name, points, price_unit, probability, verdict

_MOST_CALLS = 10**12


@dataclass(frozen=True)
class Line:
    """A model between which the price decides. Texts; "" is unknown."""

    model: str
    price: str
    month: str
    saved: str
    p_within: str
    when: SafeString
    used: bool
    changed: bool


class WhatIfPage:
    """A ranked board with one price and the number of calls a month replaced by the address."""

    def __init__(self, board: Board, query: QueryDict) -> None:
        assert board.current is not None  # noqa: S101
        self.board = board
        self.result: dict[str, Any] = result_of(board.current)
        self.models = [row["model"] for row in self.result["ranking"]["rows"]]
        self.unit: PriceUnit = price_unit(self.result)
        asked = query.get("model", "")
        self.model = asked if asked in self.models else ""
        self.price = _number(query.get("price", ""))
        self.calls = int(min(_number(query.get("calls", "")) or 0, _MOST_CALLS))
        # The unit travels with the amount: a price book that changes must not change what was asked.
        per = _number(query.get("per", ""))
        self.per = int(per) if per in (1, 10**3, 10**6, 10**9) else self.unit.calls

    @property
    def asks(self) -> bool:
        """Whether another price is asked about."""
        return bool(self.model) and self.price is not None

    @cached_property
    def changed(self) -> dict[str, Any]:
        """The result with the price that is asked about."""
        if not self.model or self.price is None:
            return self.result
        return with_price(self.result, self.model, self.price / self.per)

    @property
    def sentence(self) -> SafeString:
        """Whether the recommendation stays, as HTML."""
        before, after = flips(self.result, self.changed)
        if not self.asks:
            return prose(f"At today's prices the board recommends {name(before)}.")
        assert self.price is not None  # noqa: S101
        at = f"{name(self.model)} at {self.unit.text(self.price / self.per)}"
        if before == after:
            return prose(f"With {at}, the recommendation stays: {name(after)}.")
        return prose(f"With {at}, the recommendation flips from {name(before)} to {name(after)}.")

    @cached_property
    def verdict(self) -> Verdict:
        """What the board would say."""
        return verdict(self.changed)

    @property
    def said(self) -> SafeString:
        """The same as HTML."""
        return prose(self.verdict.sentence)

    @property
    def delta(self) -> str:
        """The margin in words."""
        return points(self.result["ranking"]["delta"])

    @cached_property
    def lines(self) -> list[Line]:
        """The models between which the price decides."""
        used = flips(self.result, self.changed)[1]
        dear = next(
            row["price"] for row in self.changed["ranking"]["rows"]
            if row["model"] == self.changed["ranking"]["chosen"]
        )  # fmt: skip
        found = []
        for option in options(self.changed):
            month = saved = ""
            if option.price is not None and self.calls:
                month = money(option.price * self.calls)
                if dear is not None:
                    less = (dear - option.price) * self.calls
                    saved = (
                        "–" if not less else money(abs(less)) + (" less" if less > 0 else " more")
                    )
            found.append(
                Line(
                    option.model,
                    "" if option.price is None else self.unit.amount(option.price),
                    month,
                    saved,
                    "" if option.p_within is None else probability(option.p_within),
                    self._when(option.model, option.below, option.sure),
                    option.model == used,
                    option.model == self.model and self.asks,
                )
            )
        return found

    def _when(self, model: str, below: float | None, sure: bool) -> SafeString:
        if model == self.changed["ranking"]["chosen"]:
            return prose("where nothing cheaper is sure enough")
        if not sure:
            return prose("at no price: the labels are not sure enough of it")
        if below is None:
            return prose("at any known price")
        return prose(f"below {self.unit.text(below)}")


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if isfinite(value) and 0 <= value <= _MOST_CALLS else None
