"""What a board would recommend if prices were others. Pure: a result in, a result out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.leaderboards.statistics.frontier import pareto_frontier
from apps.leaderboards.words import recommended, sure_enough

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Option:
    """A model that may be recommended: the chosen one, or within delta of it in the sample.

    Attributes:
        price: USD a call, None where unknown. sure: what the labels say is sure enough.
        below: the price under which it would be recommended; None where no price would do.
    """

    model: str
    price: float | None
    p_within: float | None
    sure: bool
    below: float | None


def with_prices(result: dict[str, Any], prices: Mapping[str, float]) -> dict[str, Any]:
    """The same result if some models cost `prices` (USD a call, by name); the rest of it is shared."""
    ranking = result["ranking"]
    rows = [{**row, "price": prices.get(row["model"], row["price"])} for row in ranking["rows"]]
    cost = np.array([np.nan if row["price"] is None else row["price"] for row in rows], float)
    accuracy = np.array([row["accuracy"] if row["compared"] else np.nan for row in rows], float)
    rows = [
        {**row, "on_frontier": bool(on)}
        for row, on in zip(rows, pareto_frontier(cost, accuracy), strict=True)
    ]
    changed = {**ranking, "rows": rows}
    changed["cheapest_within_delta"] = _cheapest(changed)
    return {**result, "ranking": changed}


def _near(ranking: dict[str, Any]) -> list[dict[str, Any]]:
    """The compared models at most delta below the chosen one in the sample, in the board's order."""
    best = next(row for row in ranking["rows"] if row["model"] == ranking["chosen"])
    floor = best["accuracy"] - ranking["delta"] - _ROUNDING
    return [row for row in ranking["rows"] if row["compared"] and row["accuracy"] >= floor]


def _cheapest(ranking: dict[str, Any]) -> str:
    priced = [row for row in _near(ranking) if row["price"] is not None]
    found: str = min(priced, key=lambda row: row["price"])["model"] if priced else ranking["chosen"]
    return found


def options(result: dict[str, Any]) -> list[Option]:
    """The models between which the price decides, the cheapest first, unknown prices last."""
    ranking = result["ranking"]
    near = _near(ranking)
    found = []
    for row in near:
        sure = sure_enough(row, result)
        rivals = [
            other["price"] for other in near if other is not row and other["price"] is not None
        ]
        chosen = row["model"] == ranking["chosen"]
        # The chosen model is what is left where nothing cheaper is sure enough.
        below = min(rivals, default=None) if sure and not chosen else None
        found.append(Option(row["model"], row["price"], row["p_within_delta"], sure, below))
    return sorted(found, key=lambda one: (one.price is None, one.price or 0.0))


def flips(result: dict[str, Any], changed: dict[str, Any]) -> tuple[str, str]:
    """What is recommended now, and what would be."""
    return recommended(result), recommended(changed)
