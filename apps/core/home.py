"""The first page: each room tells, in its `home.py`, what it has for this person.

Core knows no domain words; a room registers functions from the request: to a `Section` (what is going
on), to entries (what needs this person now), and to a `Step` of the guide for newcomers.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest


@dataclass(frozen=True)
class Entry:
    """A line: what it is, where it leads, one sentence, a short note at its end, when.

    `todo` is what it waits for the reader to do, as a link to `todo_url`. `kind`: what sort of thing
    it is, where things of several sorts stand together; `failed`: it went wrong.
    """

    name: str
    url: str
    sentence: str = ""
    note: str = ""
    at: datetime | None = None
    todo: str = ""
    todo_url: str = ""
    kind: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Section:
    """A list under a heading. `more_url` leads to the whole list."""

    title: str
    entries: list[Entry] = field(default_factory=list)
    more_url: str = ""


@dataclass(frozen=True)
class Step:
    """A step of the guide: what to do, where, and whether the team has done it."""

    text: str
    done: bool
    action: str = ""
    url: str = ""


# Asked only for somebody signed in who looks at a team: `apps.teams.access.MemberRequest`.
Provider = Callable[[Any], Section | None]
Needs = Callable[[Any], Iterable[Entry]]
Guide = Callable[[Any], Step | None]
_providers: list[tuple[int, Provider]] = []
_needs: list[tuple[int, Needs]] = []
_steps: list[tuple[int, Guide]] = []


def register(order: int) -> Callable[[Provider], Provider]:
    """Decorator: show what the function returns on the first page, lower `order` first."""

    def keep(provider: Provider) -> Provider:
        _providers.append((order, provider))
        return provider

    return keep


def needs(order: int) -> Callable[[Needs], Needs]:
    """Decorator: the entries that the function returns need the reader now, lower `order` first."""

    def keep(provider: Needs) -> Needs:
        _needs.append((order, provider))
        return provider

    return keep


def step(order: int) -> Callable[[Guide], Guide]:
    """Decorator: the function's step stands in the guide; None where this person cannot take it."""

    def keep(provider: Guide) -> Guide:
        _steps.append((order, provider))
        return provider

    return keep


def needed(request: HttpRequest) -> list[Entry]:
    """All that waits for this person, the most pressing first."""
    return [
        entry
        for _, provider in sorted(_needs, key=lambda pair: pair[0])
        for entry in provider(request)
    ]


def guide(request: HttpRequest) -> list[Step]:
    """The steps of the guide; none once all of them are done or this person has put it away."""
    if getattr(request.user, "guide_hidden", True):
        return []
    found = (provider(request) for _, provider in sorted(_steps, key=lambda pair: pair[0]))
    steps = [one for one in found if one is not None]
    return [] if all(one.done for one in steps) else steps


def sections(request: HttpRequest) -> list[Section]:
    """Every room's section for this request that has something to show."""
    found = (provider(request) for _, provider in sorted(_providers, key=lambda pair: pair[0]))
    return [section for section in found if section is not None and section.entries]
