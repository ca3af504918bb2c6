"""Ends the process groups of a supervisor that died without ending them itself.

Run as `python -m apps.core.guard` with a pipe from the supervisor as its input: a line `+N` puts the
process group N under guard, `-N` releases it. When the pipe closes, whatever is still under guard is
asked to end and, some seconds later, killed. Imports nothing but the standard library.
"""

import os
import signal
import sys
import time

PATIENCE_SECONDS = 8.0


def group_lives(group: int) -> bool:
    """Whether any process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS: a group of zombies only
        return False
    return True


def signal_group(group: int, number: int) -> None:
    """Send a signal to a whole group; nothing happens where it has ended."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def ask_to_end(group: int) -> None:
    """Ask the group's leader, who ends its children in good order; them, where it is gone."""
    try:
        os.kill(group, signal.SIGTERM)
    except ProcessLookupError:
        signal_group(group, signal.SIGTERM)


def end_groups(groups: set[int], patience: float = PATIENCE_SECONDS) -> None:
    """Ask every group to end, wait up to `patience` seconds, kill what is left."""
    for group in groups:
        ask_to_end(group)
    deadline = time.monotonic() + patience
    while any(map(group_lives, groups)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for group in groups:
        signal_group(group, signal.SIGKILL)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    end_groups(groups)


if __name__ == "__main__":
    main()
