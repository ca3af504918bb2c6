"""Replaying a labelled collection: how many labels each method would have needed.

Pure: no Django. `Collection` is what is replayed, `replay` does it, `Outcome` holds the curves.
"""

from .collection import Collection, read_collection
from .outcome import MethodOutcome, Outcome, StopOutcome
from .run import Plan, replay

__all__ = [
    "Collection",
    "MethodOutcome",
    "Outcome",
    "Plan",
    "StopOutcome",
    "read_collection",
    "replay",
]
