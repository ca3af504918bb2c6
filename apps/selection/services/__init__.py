"""Verbs of this room: suggest and certify for other rooms, hold sessions, take labels."""

from apps.selection.services.labelling import (
    Answer,
    Turn,
    next_item,
    record,
    reveal,
    settle,
    undo,
)
from apps.selection.services.sessions import (
    NO_LABELS,
    close_session,
    delete_session,
    hand_over,
    move,
    pause_session,
    reopen_session,
    start_session,
)
from apps.selection.services.suggestions import (
    DEFAULT_METHOD,
    METHOD_NAMES,
    SuggestedItems,
    certificate_summary,
    certify,
    suggest_items,
)

__all__ = [
    "DEFAULT_METHOD",
    "METHOD_NAMES",
    "NO_LABELS",
    "Answer",
    "SuggestedItems",
    "Turn",
    "certificate_summary",
    "certify",
    "close_session",
    "delete_session",
    "hand_over",
    "move",
    "next_item",
    "pause_session",
    "record",
    "reopen_session",
    "reveal",
    "settle",
    "start_session",
    "suggest_items",
    "undo",
]
