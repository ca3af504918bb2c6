"""Which function does which kind of job."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.urls import reverse
from django.utils.module_loading import autodiscover_modules

if TYPE_CHECKING:
    from apps.jobs.context import JobContext

Handler = Callable[["JobContext"], None]
Page = Callable[[Mapping[str, Any]], str]
_handlers: dict[str, Handler] = {}
_pages: dict[str, Page] = {}


def handler(kind: str, page: Page | None = None) -> Callable[[Handler], Handler]:
    """Register a function of a room's `tasks.py` as what does the jobs of `kind`.

    `page`: gives by a job's params the address where its result is read; "" where that is gone.
    """

    def register(function: Handler) -> Handler:
        if page:
            _pages[kind] = page
        if _handlers.setdefault(kind, function) is not function:
            raise ValueError(f"Two handlers want the kind {kind!r}.")
        return function

    return register


def page_of(view: str, model: type[Model], param: str) -> Page:
    """For `handler`: the page `view` of the object whose id a job has as `param`, found by its slug."""

    def page(params: Mapping[str, Any]) -> str:
        slugs = model._default_manager.filter(pk=params[param]).values_list("slug", flat=True)
        slug = slugs.first()
        return reverse(view, args=[slug]) if slug else ""

    return page


def find(kind: str) -> Handler:
    """The handler of `kind`; LookupError where no room has one."""
    if kind not in _handlers:
        _discover()
    if kind not in _handlers:
        raise LookupError(f"No room has registered a handler for jobs of the kind {kind!r}.")
    return _handlers[kind]


def result_page(kind: str, params: Mapping[str, Any]) -> str:
    """The address where the result of a job is read; "" where there is none."""
    _discover()
    return _pages[kind](params) if kind in _pages else ""


def kinds() -> list[str]:
    """Every kind that this process can do, sorted."""
    _discover()
    return sorted(_handlers)


@lru_cache(maxsize=1)
def _discover() -> None:
    """Load what every room has registered; looking for it costs milliseconds, and nothing comes later."""
    autodiscover_modules("tasks")
