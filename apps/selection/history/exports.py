"""A replay's result as files."""

from __future__ import annotations

from typing import Any

from apps.core.spreadsheets import csv_text

_CURVES = (
    "best", "best_low", "best_high", "within_1pct", "within_1pct_low", "within_1pct_high",
    "regret", "regret_low", "regret_high",
)  # fmt: skip


def curves_csv(result: dict[str, Any]) -> str:
    """A row a method and label: shares of the pools, and mean regret in points, with 95% bands."""
    rows = (
        [name, str(place + 1), *(str(curves[key][place]) for key in _CURVES)]
        for name, curves in result["curves"].items()
        for place in range(result["outcome"]["budget"])
    )
    return csv_text([("method", "labels", *_CURVES), *rows])
