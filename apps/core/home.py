"""The first page's sections: each room tells, in its `home.py`, what it has for this person.

Core knows no domain words; a room registers a function from the request to a `Section` or None.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.http import HttpRequest


@dataclass(frozen=True)
class Entry:
    """A line: what it is, where it leads, one sentence, a short note at its end, when.

    `todo` is what it waits for the reader to do, as a link to `todo_url`.
    """

    name: str
    url: str
    sentence: str = ""
    note: str = ""
    at: datetime | None = None
    todo: str = ""
    todo_url: str = ""


@dataclass(frozen=True)
class Section:
    """A list under a heading. `more_url` leads to the whole list."""

    title: str
    entries: list[Entry] = field(default_factory=list)
    more_url: str = ""


Provider = Callable[[HttpRequest], Section | None]
_providers: list[tuple[int, Provider]] = []


def register(order: int) -> Callable[[Provider], Provider]:
    """Decorator: show what the function returns on the first page, lower `order` first."""

    def keep(provider: Provider) -> Provider:
        _providers.append((order, provider))
        return provider

    return keep


def sections(request: HttpRequest) -> list[Section]:
    """Every room's section for this request that has something to show."""
    found = (provider(request) for _, provider in sorted(_providers, key=lambda pair: pair[0]))
    return [section for section in found if section is not None and section.entries]
