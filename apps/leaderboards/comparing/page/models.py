"""The table of the models of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from apps.catalog import queries as catalog
from apps.catalog.money import PriceUnit
from apps.leaderboards.comparing.page.base import Comparison
from apps.leaderboards.comparing.page.forest import forest_share, percent
from apps.leaderboards.queries import result_of
from apps.leaderboards.statistics.comparison import MOST_MODELS


@dataclass(frozen=True)
class ModelCard:
    """One model of a comparison. Prices in US dollars a call; None is unknown."""

    number: int
    name: str
    slug: str
    line: dict[str, Any]
    price: float | None
    latency_ms: float | None
    without_url: str
    first_url: str


class Models(Comparison):
    """The models in their order."""

    @cached_property
    def cards(self) -> list[ModelCard]:
        """The models in their order; the first is the baseline."""
        latency = {
            one.model.name: one.latency_ms for one in catalog.outcome_summaries(self.board.version)
        }
        current = self.board.current
        facts = (result_of(current).get("facts") or {}) if current else {}
        return [
            ModelCard(
                number,
                model,
                facts.get(model, {}).get("slug", ""),
                self.numbers["lines"][number],
                self._rows.get(model, {}).get("price"),
                latency.get(model),
                self.link(models=_without(self.state.models, model)),
                self.link(models=(model, *_without(self.state.models, model))),
            )
            for number, model in enumerate(self.state.models)
        ]

    @cached_property
    def unit(self) -> PriceUnit:
        """In which prices are told."""
        return PriceUnit.of(card.price for card in self.cards)

    @property
    def has_latency(self) -> bool:
        """Whether the time of an answer is known of any model."""
        return any(card.latency_ms is not None for card in self.cards)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What the table of models shows."""
        return [
            {
                "card": card,
                "price": None if card.price is None else self.unit.amount(card.price),
                "latency": None if card.latency_ms is None else f"{card.latency_ms:,.0f} ms",
                "accuracy": percent(card.line["accuracy"]),
                "interval": _span(card.line),
                "forest": forest_share(card.line, self._axis),
            }
            for card in self.cards
        ]

    @cached_property
    def _axis(self) -> tuple[float, float]:
        known = [line for line in self.numbers["lines"] if line["accuracy"] is not None]
        return (
            min((line["low"] for line in known), default=0.0),
            max((line["high"] for line in known), default=1.0),
        )

    @property
    def others(self) -> list[str]:
        """Models that may be added."""
        if len(self.state.models) >= MOST_MODELS:
            return []
        return [name for name in self.choices if name not in self.state.models]


def _span(line: dict[str, Any]) -> str:
    known = line["accuracy"] is not None
    return f"{line['low'] * 100:.1f}–{line['high'] * 100:.1f}%" if known else ""


def _without(models: Sequence[str], model: str) -> tuple[str, ...]:
    return tuple(name for name in models if name != model)
