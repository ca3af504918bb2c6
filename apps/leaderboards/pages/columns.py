"""The columns of a board: what stands in their cells, and how they sort.

Ten thousand cells are too many for templates: each cell is made once for a result by a small function
here, escaped here, and kept (see `table.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import ceil, log10
from typing import Any

from django.utils.html import escape

from apps.core.templatetags.assay import UNKNOWN
from apps.leaderboards.pages.forest import Axis
from apps.leaderboards.words import points, price_unit, probability

Row = dict[str, Any]
Value = float | str | None


@dataclass(frozen=True)
class Column:
    """A column. `value` is what it sorts by (None last); `cell` is HTML.

    `falls`: the first click sorts from the largest.
    """

    key: str
    head: str
    about: str
    value: Callable[[Row], Value]
    cell: Callable[[Row], str]
    number: bool = True
    falls: bool = False
    default: bool = False


class Columns:
    """The columns that a result offers, by key, in their order."""

    def __init__(
        self,
        result: dict[str, Any],
        base: str = "",
        gaps: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        ranking = result["ranking"]
        self.result = result
        self.base = base
        self.gaps = gaps or {}
        self.metrics: dict[str, dict[str, Any]] = result.get("metrics", {})
        self.rows: list[Row] = ranking["rows"]
        self.facts: dict[str, dict[str, Any]] = result.get("facts", {})
        self.chosen: Row = next(row for row in self.rows if row["model"] == ranking["chosen"])
        self.tied = set(ranking["tied_with"])
        self.place = {row["model"]: number for number, row in enumerate(self.rows)}
        self.axis = Axis.over(self.rows, [self.chosen["model"]])
        self.unit = price_unit(result)
        days = {self.fact(row, "price_from") for row in self.rows if row["price"] is not None}
        self.since: str | None = days.pop() if len(days) == 1 else None  # the day of every price

    @cached_property
    def all(self) -> dict[str, Column]:
        """Every column."""
        found = [
            *self._numbers(),
            *self._price(),
            *self._metrics(),
            *self._facts(),
            *self._classes(),
            *self._slices(),
        ]
        return {column.key: column for column in found}

    @cached_property
    def digits(self) -> int:
        """Decimals of a percentage: what the chosen model's interval deserves."""
        width = (self.chosen["high"] - self.chosen["low"]) * 100
        return max(0, min(2, ceil(-log10(max(width, 1e-9) / 10))))

    def fact(self, row: Row, key: str) -> Any:
        """Something known of a model beside its numbers; None where it is not."""
        return self.facts.get(row["model"], {}).get(key) or None

    def percent(self, share: float | None) -> str:
        """An accuracy as a percentage."""
        return UNKNOWN if share is None else f"{share * 100:.{self.digits}f}%"

    def _numbers(self) -> list[Column]:
        alpha, delta = self.result["ranking"]["alpha"], self.result["ranking"]["delta"]
        level = f"{(1 - alpha) * 100:g}%"
        reference = self.chosen["accuracy"]
        near = f"Within {points(delta)}"
        return [
            Column("rank", "Rank", "the ranks that paired evidence leaves open",
                   lambda row: self.place[row["model"]], _rank, default=True),
            Column("model", "Model", "its name in the predictions file",
                   lambda row: row["model"].lower(), self._name, number=False, default=True),
            Column("plot", f"Accuracy, {level} interval",
                   "drawn on one axis for all models; an arrow: further left",
                   lambda row: row["accuracy"], lambda row: self.axis.row(row, reference),
                   number=False, falls=True, default=True),
            Column("accuracy", "Accuracy", "share right of the labelled items it was run on",
                   lambda row: row["accuracy"], lambda row: self.percent(row["accuracy"]),
                   falls=True, default=True),
            Column("interval", "Interval", f"Wilson's {level} interval of the accuracy",
                   lambda row: row["low"], self._interval, falls=True, default=True),
            Column("correct", "Right", "labelled items it got right, of those it was run on",
                   lambda row: row["correct"],
                   lambda row: f"{row['correct']:,}/{row['answered']:,}", falls=True),
            Column("p_best", "P(best)",
                   "share of bootstrap resamples in which it is the best, capped by the exact test",
                   lambda row: row["p_best"], lambda row: _chance(row["p_best"]),
                   falls=True, default=True),
            Column("p_within", near,
                   f"share of bootstrap resamples in which it is {near.lower()} of the best",
                   lambda row: row["p_within_delta"], lambda row: _chance(row["p_within_delta"]),
                   falls=True),
            Column("difference", f"Against {escape(self.base) or 'the chosen'}",
                   f"difference in points on the items both were run on, {level} interval",
                   lambda row: self._gap(row)["difference"], self._difference, falls=True,
                   default=bool(self.base)),
        ]  # fmt: skip

    def _price(self) -> list[Column]:
        question = self.result["question"]
        size = f"{question['input_tokens']:,} tokens in and {question['output_tokens']:,} out"
        size += "" if self.since else ", and since when"
        known = any(row["price"] is not None for row in self.rows)
        return [
            Column("price", f"Price {self.unit.name}", f"US dollars for {size}",
                   lambda row: row["price"], self._cost, default=known)
        ]  # fmt: skip

    def _metrics(self) -> list[Column]:
        """What else may count than accuracy; none in results of before it was computed."""
        if not self.metrics:
            return []

        def held(row: Row, key: str) -> Any:
            return self.metrics[row["model"]][key]

        def value(key: str) -> Callable[[Row], Value]:
            return lambda row: (held(row, key) or {}).get("value")

        priced = any(row["price"] is not None for row in self.rows)
        found = [
            Column("macro_f1", "Macro-F1", "F1 averaged over the classes, with its interval",
                   value("macro_f1"), lambda row: self._span(held(row, "macro_f1")), falls=True),
            Column("worst", "Worst class", "the lowest recall of a class; its interval allows for "
                   "having picked the lowest", value("worst"), self._worst, falls=True),
        ]  # fmt: skip
        if priced:
            found += [
                Column("p_frontier", "P(on the frontier)",
                       "share of bootstrap resamples in which no other model is both cheaper and "
                       "as accurate", lambda row: held(row, "p_frontier"),
                       lambda row: _chance(held(row, "p_frontier")), falls=True),
                Column("per_right", f"Cost of right answers {self.unit.name.split(' ', 1)[-1]}",
                       "price divided by accuracy: what as many right answers cost",
                       _per_right, self._per_right),
            ]  # fmt: skip
        return found

    def _span(self, span: dict[str, float | None]) -> str:
        if span["value"] is None or span["low"] is None or span["high"] is None:
            return UNKNOWN
        low, high = span["low"] * 100, span["high"] * 100
        return f"{self.percent(span['value'])} ({low:.{self.digits}f}–{high:.{self.digits}f})"

    def _worst(self, row: Row) -> str:
        worst = self.metrics[row["model"]]["worst"]
        return UNKNOWN if worst is None else f"{escape(worst['class'])}: {self._span(worst)}"

    def _per_right(self, row: Row) -> str:
        cost = _per_right(row)
        return UNKNOWN if cost is None else self.unit.amount(cost)

    def _classes(self) -> list[Column]:
        cells = self.result.get("class_cells", {})
        return [
            Column(
                f"class:{index}",
                f"Recall: {escape(entry['class'])}",
                f"share recognised of {entry['labels']:,} labelled items of this class",
                lambda row, at=index: _ratio(cells[row["model"]][at]),  # type: ignore[misc]
                lambda row, at=index: self._slice(cells[row["model"]][at]),  # type: ignore[misc]
                falls=True,
            )
            for index, entry in enumerate(self.result.get("class_columns", []))
        ]

    def _facts(self) -> list[Column]:
        def text(key: str) -> Callable[[Row], str]:
            return lambda row: escape(self.fact(row, key)) if self.fact(row, key) else UNKNOWN

        def lower(key: str) -> Callable[[Row], Value]:
            return lambda row: str(self.fact(row, key)).lower() if self.fact(row, key) else None

        has_provider = any(self.fact(row, "provider") for row in self.rows)
        return [
            Column("provider", "Provider", "who offers it", lower("provider"), text("provider"),
                   number=False, default=has_provider),
            Column("parameters", "Parameters", "number of parameters",
                   lambda row: self.fact(row, "parameters"),
                   lambda row: _size(self.fact(row, "parameters")), falls=True),
            Column("licence", "Licence", "its licence", lower("licence"), text("licence"),
                   number=False),
            Column("released", "Released", "day of its release", lower("released"),
                   text("released"), falls=True),
            Column("tags", "Tags", "your team's tags",
                   lambda row: ", ".join(self.fact(row, "tags") or ()) or None, self._tags,
                   number=False),
        ]  # fmt: skip

    def _slices(self) -> list[Column]:
        cells = self.result["slice_cells"]
        return [
            Column(
                f"slice:{index}",
                f"{escape(entry['slice'])}: {escape(entry['value'])}",
                f"accuracy on {entry['labels']:,} labelled items of this slice",
                lambda row, at=index: _ratio(cells[row["model"]][at]),  # type: ignore[misc]
                lambda row, at=index: self._slice(cells[row["model"]][at]),  # type: ignore[misc]
                falls=True,
            )
            for index, entry in enumerate(self.result["slice_columns"])
        ]

    def _name(self, row: Row) -> str:
        model = row["model"]
        mark = ""
        if row is self.chosen:
            mark = ' <span class="tag chosen">chosen</span>'
        elif model in self.tied:
            mark = ' <span class="tag undecided">tied</span>'
        if model == self.result["ranking"]["cheapest_within_delta"] and row is not self.chosen:
            near = points(self.result["ranking"]["delta"])
            mark += f' <span class="tag chosen">cheapest within {near}</span>'
        if not row["compared"]:
            mark += ' <span class="tag">too few answers</span>'
        return f"{escape(model)}{mark}"

    def _interval(self, row: Row) -> str:
        if row["accuracy"] is None:
            return UNKNOWN
        return f"{row['low'] * 100:.{self.digits}f}–{row['high'] * 100:.{self.digits}f}%"

    def _gap(self, row: Row) -> dict[str, Any]:
        """The difference of a model from the baseline, or else from the chosen one."""
        if not self.base:
            return row
        return self.gaps.get(
            row["model"], {"difference": 0.0 if row["model"] == self.base else None}
        )

    def _difference(self, row: Row) -> str:
        if row["model"] == (self.base or self.chosen["model"]):
            return "–"
        known, row = row, self._gap(row)
        if row["difference"] is None:
            return UNKNOWN
        digits = max(1, self.digits)
        low, middle, high = (
            f"{row[key] * 100:+.{digits}f}".replace("-", "−")
            for key in ("difference_low", "difference", "difference_high")
        )
        tail = ""
        if self.base and known["compared"] and row["p_adjusted"] <= self.result["ranking"]["alpha"]:
            word = "better" if row["difference"] > 0 else "worse"
            tail = f' <span class="tag">{word}</span>'
        return f"{middle} ({low} to {high}){tail}"

    def _cost(self, row: Row) -> str:
        if row["price"] is None:
            return UNKNOWN
        since = None if self.since else self.fact(row, "price_from")
        tail = f' <small>since <time datetime="{since}">{since}</time></small>' if since else ""
        return self.unit.amount(row["price"]) + tail

    def _tags(self, row: Row) -> str:
        return " ".join(
            f'<span class="tag">{escape(tag)}</span>' for tag in self.fact(row, "tags") or ()
        )

    def _slice(self, cell: list[int]) -> str:
        share = _ratio(cell)
        return UNKNOWN if share is None else f"{share * 100:.{self.digits}f}%"


def _rank(row: Row) -> str:
    low, high = row["rank_low"], row["rank_high"]
    return str(low) if low == high else f"{low}–{high}"


def _per_right(row: Row) -> float | None:
    """US dollars a right answer; None where it is not known."""
    if row["price"] is None or not row["accuracy"]:
        return None
    return float(row["price"] / row["accuracy"])


def _ratio(cell: list[int]) -> float | None:
    correct, answered = cell
    return correct / answered if answered else None


def _chance(p: float | None) -> str:
    if p is None:
        return UNKNOWN
    if p == 1:
        return "100%"
    return escape(probability(p).replace("over ", ">").replace("under ", "<"))


def _size(parameters: int | None) -> str:
    if parameters is None:
        return UNKNOWN
    for unit, word in ((10**12, " T"), (10**9, " B"), (10**6, " M"), (10**3, " k")):
        if parameters >= unit:
            return f"{parameters / unit:.3g}{word}"
    return str(parameters)
