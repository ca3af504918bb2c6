"""Small caches of a process for what never changes: things made from files kept by their hash."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class RecentlyUsed(Generic[Value]):
    """Keeps the values used last, up to a number of bytes; larger ones are made anew each time."""

    def __init__(self, most_bytes: int, size: Callable[[Value], int]) -> None:
        self._most = most_bytes
        self._size = size
        self._held: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of `key`, made where it is not held."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key][0]
        value = make()
        size = self._size(value)
        if size <= self._most:
            with self._lock:
                self._keep(key, value, size)
        return value

    def _keep(self, key: Hashable, value: Value, size: int) -> None:
        if key in self._held:
            return
        self._held[key] = value, size
        self._bytes += size
        while self._bytes > self._most:
            _, (_, freed) = self._held.popitem(last=False)
            self._bytes -= freed
