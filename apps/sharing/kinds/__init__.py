"""The sorts of things that can be shared. What is not listed here cannot be.

A room gets one of its own shared in four steps:

1. a nullable foreign key on `ShareLink` with the kind's name, its name in `_SHOWS` there, and a
   migration: the database deletes links with what they show, and keeps each to one object;
2. a file here with a subclass of `Kind`: what may be seen, what is frozen, what is shown;
3. a partial template of the room itself, without any address but the link's own;
4. a line in `KINDS`. The pages, the API and the checks over all routes follow from it; the object's
   own page leads to `<name>_links`, and `tests/routes.py` needs the object.
"""

from __future__ import annotations

from .base import Kind, Opening
from .board import Boards
from .evaluation import Evaluations
from .replay import Replays
from .selection import Selections

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (Boards(), Selections(), Replays(), Evaluations())
}

__all__ = ["KINDS", "Kind", "Opening"]
