"""What a board's files hold, and its next items as a file to fill in."""

from __future__ import annotations

from typing import Any

from apps.core.spreadsheets import csv_text

SELECTED_BY = "selected_by"

BOARD_COLUMNS = (
    "model", "correct", "answered", "accuracy", "low", "high", "rank_low", "rank_high", "p_best",
    "p_within_delta", "difference", "difference_low", "difference_high", "price", "on_frontier",
)  # fmt: skip


def next_items_csv(result: dict[str, Any]) -> str:
    """The next items to label, to be filled in and uploaded again.

    `selected_by` tells the import that these items were chosen, not drawn at random.
    """
    listed = result["next"]
    items = ([item["id"], "", listed["method"]] for item in listed["items"])
    return csv_text([("item_id", "label", SELECTED_BY), *items])


def cell(value: Any) -> str:
    """A value of a row; an unknown one is an empty cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
