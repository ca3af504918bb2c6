"""The page of prices or a volume that are not so, or not yet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from math import isfinite
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.safestring import SafeString

from apps.catalog.money import PriceUnit, money
from apps.core.prose import name
from apps.core.templatetags.assay import prose
from apps.leaderboards.models import Board
from apps.leaderboards.parts import Part, shown
from apps.leaderboards.whatif import flips, options, with_prices
from apps.leaderboards.words import (
    Verdict,
    part_words,
    points,
    price_unit,
    probability,
    verdict,
)

MOST = 20
"""Prices that may be replaced at once."""

_MOST_NUMBER = 10**12
_NAMED = 3  # models that the verdict names with their prices
_SHOWN = 40  # letters of what cannot be read
_WANTED = f"give a number from 0 to {_MOST_NUMBER:,}"


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


@dataclass(frozen=True)
class Change:
    """A price that is asked about, as the address has it; `without_url`: the page without it."""

    model: str
    price: str
    without_url: str


class WhatIfPage:
    """A ranked board, or a part of it, with some prices and the number of calls replaced by the address.

    `model=a&price=2&model=b&price=3`: the first price is of the first model. `per`: how many calls the
    prices are for; `calls`: so many a month.
    """

    most = MOST

    def __init__(self, board: Board, query: QueryDict, url: str) -> None:
        assert board.current is not None  # noqa: S101
        self.board = board
        self.url = url
        self.part = Part.read(query)
        self.result: dict[str, Any] = shown(board.current, self.part)
        self.models = [row["model"] for row in self.result["ranking"]["rows"]]
        self.unit: PriceUnit = price_unit(self.result)
        self.asked = _asked(query)
        self.asked_calls = _text(query.get("calls", ""))
        self.calls = int(_number(self.asked_calls) or 0)
        # The unit travels with the amount: a price book that changes must not change what was asked.
        per = _number(query.get("per", ""))
        self.per = PriceUnit(int(per)) if per in (1, 10**3, 10**6, 10**9) else self.unit

    @cached_property
    def problem(self) -> str:
        """What cannot be worked out of what is asked, in a sentence; empty where all can."""
        seen: set[str] = set()
        for model, price in self.asked:
            if not model:
                return f"The price {name(price[:_SHOWN])} is of no model: choose one."
            if model not in self.models:
                return f"This board ranks no model {name(model[:_SHOWN])}: choose one of the list."
            if model in seen:
                return f"There are two prices of {name(model)}: take one of them back."
            if _number(price) is None:
                return f"{name(price[:_SHOWN])} is no price of {name(model)}: {_WANTED}."
            seen.add(model)
        if len(self.asked) > MOST:
            return f"{len(self.asked)} prices are asked about: at most {MOST} can be at once."
        if self.asked_calls and _number(self.asked_calls) is None:
            return f"{name(self.asked_calls[:_SHOWN])} is no number of calls: {_WANTED}."
        return ""

    @property
    def today_url(self) -> str:
        """The page at today's prices."""
        return self.url + self.part.query

    @property
    def where(self) -> SafeString:
        """The part that is looked at, as HTML; empty of the whole board."""
        return prose(part_words(self.result["part"]) if self.part else "")

    @property
    def prices(self) -> dict[str, float]:
        """The prices asked about, in US dollars a call; none where something of it cannot be read."""
        if self.problem:
            return {}
        return {model: (_number(price) or 0.0) / self.per.calls for model, price in self.asked}

    @property
    def changes(self) -> list[Change]:
        """The prices asked about, and for each the way back."""
        found = []
        for at, (model, price) in enumerate(self.asked[: MOST + 1]):
            rest = self.asked[:at] + self.asked[at + 1 :]
            found.append(Change(model, price, self.url + self._query(rest)))
        return found

    def _query(self, asked: list[tuple[str, str]]) -> str:
        """An address that asks about these prices, at the same number of calls."""
        pairs = self.part.pairs()
        for model, price in asked:
            pairs += [("model", model), ("price", price)]
        pairs += [("per", str(self.per.calls))] if asked else []
        pairs += [("calls", self.asked_calls)] if self.asked_calls else []
        return f"?{urlencode(pairs)}" if pairs else ""

    @cached_property
    def changed(self) -> dict[str, Any]:
        """The result with the prices that are asked about."""
        return with_prices(self.result, self.prices) if self.prices else self.result

    @property
    def sentence(self) -> SafeString:
        """Whether the recommendation stays, as HTML."""
        if self.problem:
            return prose(self.problem)
        before, after = flips(self.result, self.changed)
        if not self.prices:
            return prose(f"At today's prices the board recommends {name(before)}.")
        at = self._at()
        if before == after:
            return prose(f"With {at}, the recommendation stays: {name(after)}.")
        return prose(f"With {at}, the recommendation flips from {name(before)} to {name(after)}.")

    def _at(self) -> str:
        """The prices in words."""
        told = [f"{name(model)} at {self.per.text(price)}" for model, price in self.prices.items()]
        if len(told) > _NAMED:
            return f"other prices of {len(told)} models"
        return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"

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
                    option.model in self.prices,
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


def _asked(query: QueryDict) -> list[tuple[str, str]]:
    """Models and the prices asked about, as they stand in the address; a row without a price asks nothing."""
    models = [_text(text) for text in query.getlist("model")]
    prices = [_text(text) for text in query.getlist("price")]
    return [(model, price) for model, price in zip_longest(models, prices, fillvalue="") if price]


def _text(text: str) -> str:
    return text.replace("\x00", "").strip()


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if isfinite(value) and 0 <= value <= _MOST_NUMBER else None
