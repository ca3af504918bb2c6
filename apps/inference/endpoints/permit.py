"""How much may go out to an endpoint now, as a thread that knows tells the event loop that asks."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

STALE_SECONDS = (
    1.0  # a turn that nobody could take in time is lost: taken later, they would come in a heap
)


class Permit:
    """Calls that may be out at once, and the turns of a pace. `allow` comes from any thread, the rest from
    inside an event loop.

    Attributes:
        busy: calls that are out. waiting: calls that would be, if they might.
    """

    def __init__(self, slots: int) -> None:
        self.busy = self.waiting = 0
        self._slots, self._until = slots, float("inf")
        self._turns: deque[float] | None = None  # moments, as time.monotonic() has them
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def held(self) -> int:
        """Calls that are out, or may be at any moment."""
        return max(self.busy, self._slots if time.monotonic() < self._until else 0)

    @property
    def in_stock(self) -> int:
        """Turns that have been allowed and not taken."""
        return len(self._turns or ())

    def allow(self, slots: int, until: float, turns: Sequence[float] | None) -> None:
        """Let so many be out at once until a moment, and one more go out at each of `turns`; None: at any."""
        self._slots, self._until = slots, until
        if turns is None:
            self._turns = None
        else:
            held = self._turns if self._turns is not None else deque[float]()
            held.extend(turns)
            self._turns = held
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._wake)

    async def take(self) -> None:
        """Wait until a call may go out; it counts as out until `give`."""
        self._loop = asyncio.get_running_loop()
        self.waiting += 1
        try:
            while self._room() < 1:
                woken = self._loop.create_future()
                self._waiters.append(woken)
                await woken
        finally:
            self.waiting -= 1
        self.busy += 1
        turns = self._turns
        if turns:
            wait = turns.popleft() - time.monotonic()
            if wait > 0:
                try:
                    await asyncio.sleep(wait)
                except BaseException:
                    self.give()
                    raise

    def give(self) -> None:
        """A call has come back."""
        self.busy -= 1
        self._wake()

    def _room(self) -> int:
        """How many more may go out now."""
        now = time.monotonic()
        if now >= self._until:
            return 0
        room = self._slots - self.busy
        turns = self._turns
        if turns is None:
            return room
        while turns and turns[0] < now - STALE_SECONDS:
            turns.popleft()
        return min(room, len(turns))

    def _wake(self) -> None:
        room = self._room()
        while room > 0 and self._waiters:
            woken = self._waiters.popleft()
            if not woken.done():
                woken.set_result(None)
                room -= 1
