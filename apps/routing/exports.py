"""An evaluation as files."""

from __future__ import annotations

from typing import Any

COLUMNS = (
    "router", "accuracy", "accuracy_sd", "accuracy_minus_best", "accuracy_minus_best_low",
    "accuracy_minus_best_high", "aiq", "aiq_sd", "aiq_minus_zero", "aiq_minus_zero_low",
    "aiq_minus_zero_high", "cost_save", "cost_save_low", "cost_save_high", "cost_save_worst",
    "splits_reached", "apgr", "ece", "brier", "routing_accuracy", "train_seconds",
    "milliseconds_per_prompt", "problem",
)  # fmt: skip


def router_rows(result: dict[str, Any]) -> list[list[str]]:
    """Heads, and a row a router; points are x100, an unknown number is an empty cell."""
    rows = ([name, *_cells(router)] for name, router in result["routers"].items())
    return [list(COLUMNS), *rows]


def _cells(router: dict[str, Any]) -> list[str]:
    def of(name: str, *keys: str) -> list[Any]:
        return [(router[name] or {}).get(key) for key in keys]

    interval = ("mean", "low", "high")
    values = [
        *of("accuracy", "mean", "sd"),
        *of("accuracy_minus_best", *interval),
        *of("aiq", "mean", "sd"),
        *of("aiq_minus_zero", *interval),
        *of("cost_save", *interval, "worst", "splits_reached"),
        *(router[name] for name in COLUMNS[-7:-1]),
        router["problem"],
    ]
    return ["" if value is None else str(value) for value in values]
