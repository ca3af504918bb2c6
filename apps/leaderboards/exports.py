"""A board and its next items as files."""

from __future__ import annotations

from typing import Any

from apps.core.spreadsheets import csv_text

SELECTED_BY = "selected_by"

BOARD_COLUMNS = (
    "model", "correct", "answered", "accuracy", "low", "high", "rank_low", "rank_high", "p_best",
    "p_within_delta", "difference", "difference_low", "difference_high", "price", "on_frontier",
)  # fmt: skip


def board_csv(result: dict[str, Any]) -> str:
    """The board's rows; an unknown number is an empty cell."""
    rows = result["ranking"]["rows"] if result["ranking"] else []
    cells = ([row["model"], *(_cell(row[name]) for name in BOARD_COLUMNS[1:])] for row in rows)
    return csv_text([BOARD_COLUMNS, *cells])


def next_items_csv(result: dict[str, Any]) -> str:
    """The next items to label, to be filled in and uploaded again.

    `selected_by` tells the import that these items were chosen, not drawn at random.
    """
    listed = result["next"]
    items = ([item["id"], "", listed["method"]] for item in listed["items"])
    return csv_text([("item_id", "label", SELECTED_BY), *items])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
