"""Prices in words: US dollars with digits that count, in a unit in which they can be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor

_CENT = 0.01  # US dollars that the typical price of a board reaches in the unit it is told in
_UNITS = {
    1: "a call",
    1_000: "per 1,000 calls",
    1_000_000: "per million calls",
    1_000_000_000: "per billion calls",
}


def money(usd: float) -> str:
    """US dollars with three digits that count and no exponent: `$0.00125`, `$12.50`, `$20.00`, `$0`."""
    if usd == 0:
        return "$0"
    digits = min(max(0, 2 - floor(_log10(usd))), 12)
    whole, point, cents = f"{usd:,.{digits}f}".partition(".")
    return f"${whole}{point}{cents.rstrip('0').ljust(2, '0') if point else ''}"


@dataclass(frozen=True)
class PriceUnit:
    """What the prices of a board are told for, so that their digits can be read: `calls` calls."""

    calls: int

    @classmethod
    def of(cls, prices: Iterable[float | None]) -> PriceUnit:
        """The smallest unit in which the median price (USD a call, None unknown) is a cent or more."""
        paid = sorted(price for price in prices if price)
        typical = paid[len(paid) // 2] if paid else _CENT
        return cls(next((calls for calls in _UNITS if typical * calls >= _CENT), max(_UNITS)))

    @property
    def name(self) -> str:
        """`a call`, `per 1,000 calls`, ..."""
        return _UNITS[self.calls]

    def amount(self, usd: float) -> str:
        """A price of a call in this unit, without its name: `$1.25`."""
        return money(usd * self.calls)

    def text(self, usd: float) -> str:
        """A price of a call with the unit: `$1.25 per 1,000 calls`."""
        return f"{self.amount(usd)} {self.name}"


def _log10(value: float) -> int:
    return int(f"{value:e}".rsplit("e", 1)[1])
