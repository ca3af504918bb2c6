"""Whether this worker has been asked to stop.

Celery's parent process learns of a shutdown, but its children run the jobs: one shared byte, mapped
before the fork, tells them at once.
"""

import mmap

_SOON, _AT_ONCE = 1, 2
_everybody = mmap.mmap(-1, 1)
_this_process = [False]
_held_back = [""]


def request_everywhere(*, at_once: bool = False) -> None:
    """Ask this process and all that were forked from it to stop, after or `at_once` amid their jobs."""
    _everybody[0] = _AT_ONCE if at_once else _SOON


def request_here() -> None:
    """Ask this process alone to stop."""
    _this_process[0] = True


def requested() -> bool:
    return _this_process[0] or _everybody[0] != 0


def requested_at_once() -> bool:
    return _everybody[0] == _AT_ONCE


def hold_back(reason: str) -> None:
    """Let this process take no jobs, and return the one that it has, until called with no reason."""
    _held_back[0] = reason


def held_back() -> str:
    """Why this process takes no jobs; empty where it does."""
    return _held_back[0]


def forget() -> None:
    """Work on as if no stop had been asked for."""
    _held_back[0] = ""
    _everybody[0] = 0
    _this_process[0] = False
