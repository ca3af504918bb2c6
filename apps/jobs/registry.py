"""Which function does which kind of job."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils.module_loading import autodiscover_modules

if TYPE_CHECKING:
    from apps.jobs.context import JobContext

Handler = Callable[["JobContext"], None]
_handlers: dict[str, Handler] = {}


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Register a function of a room's `tasks.py` as what does the jobs of `kind`."""

    def register(function: Handler) -> Handler:
        if _handlers.setdefault(kind, function) is not function:
            raise ValueError(f"Two handlers want the kind {kind!r}.")
        return function

    return register


def find(kind: str) -> Handler:
    """The handler of `kind`; LookupError where no room has one."""
    if kind not in _handlers:
        _discover()
    if kind not in _handlers:
        raise LookupError(f"No room has registered a handler for jobs of the kind {kind!r}.")
    return _handlers[kind]


def kinds() -> list[str]:
    """Every kind that this process can do, sorted."""
    _discover()
    return sorted(_handlers)


@lru_cache(maxsize=1)
def _discover() -> None:
    """Load what every room has registered; looking for it costs milliseconds, and nothing comes later."""
    autodiscover_modules("tasks")
