"""Replaying a labelled collection: how many labels each method would have needed.

Pure: no Django. `Collection` is what is replayed, `replay` does it, `Outcome` holds the curves.
"""

from .collection import Collection, read_collection
from .outcome import MethodOutcome, Outcome, StopOutcome
from .run import Plan, Track, checked, known_methods, outcome_of, realisations, replay

__all__ = [
    "Collection",
    "MethodOutcome",
    "Outcome",
    "Plan",
    "StopOutcome",
    "Track",
    "checked",
    "known_methods",
    "outcome_of",
    "read_collection",
    "realisations",
    "replay",
]
