"""Search over everything: each room tells, in its `search.py`, what of it can be found and done.

Core knows no domain words. A room registers a function from a person and words to hits, and one from a
request to the actions that this person may take. Reads begin at `visible_to(user)` in the rooms.
"""

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.utils.text import slugify

MOST_WORDS = 6
MOST_CHARACTERS = 100
FIRST = 5
"""Hits of a kind that are shown beside those of other kinds."""
ALONE = 100
"""Hits of a kind that is asked for alone."""


@dataclass(frozen=True)
class Hit:
    """Something that was found: its name, where it leads, what it is in a few words."""

    name: str
    url: str
    note: str = ""


@dataclass(frozen=True)
class Group:
    """The hits of one kind. `more`: there are others, which the kind alone shows."""

    title: str
    hits: list[Hit] = field(default_factory=list)
    more: bool = False

    @property
    def kind(self) -> str:
        return slugify(self.title)


@dataclass(frozen=True)
class Words:
    """What was asked for, cleaned: at most six words, nothing that cannot be printed."""

    text: str

    @classmethod
    def of(cls, raw: str) -> "Words":
        printable = "".join(c if c.isprintable() else " " for c in raw[:MOST_CHARACTERS])
        return cls(" ".join(printable.split()[:MOST_WORDS]))

    @property
    def all(self) -> list[str]:
        return self.text.split()

    def fit(self, text: str) -> bool:
        """Whether every word stands in `text`."""
        return all(word.casefold() in text.casefold() for word in self.all)

    def __bool__(self) -> bool:
        return bool(self.text)


Finder = Callable[[Any, Words, int], Iterable[Hit]]
Actions = Callable[[HttpRequest], Iterable[Hit]]
_finders: list[tuple[int, str, Finder]] = []
_actions: list[tuple[int, Actions]] = []


def register(title: str, *, order: int) -> Callable[[Finder], Finder]:
    """Decorator: search asks this function for at most so many hits under `title`."""

    def keep(finder: Finder) -> Finder:
        _finders.append((order, title, finder))
        return finder

    return keep


def register_actions(*, order: int) -> Callable[[Actions], Actions]:
    """Decorator: the function tells what the person behind a request may do from anywhere."""

    def keep(actions: Actions) -> Actions:
        _actions.append((order, actions))
        return actions

    return keep


def matching(rows: QuerySet[Any, Any], words: Words, name: str, *others: str) -> Any:
    """Rows in which every word stands in one of the fields; those whose `name` begins so come first."""
    for word in words.all:
        either = (Q(**{f"{column}__icontains": word}) for column in (name, *others))
        rows = rows.filter(reduce(operator.or_, either))
    rank = Case(
        When(**{f"{name}__iexact": words.text}, then=Value(0)),
        When(**{f"{name}__istartswith": words.text}, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return rows.order_by(rank, name, "pk")


def find(user: Any, words: Words, kind: str = "") -> list[Group]:
    """What `user` may see that fits: a few of each kind, or many of one. No words find nothing."""
    if not words:
        return []
    groups = []
    for _, title, finder in sorted(_finders, key=lambda entry: entry[0]):
        if kind and slugify(title) != kind:
            continue
        most = ALONE if kind else FIRST
        hits = list(finder(user, words, most + 1))
        if hits:
            groups.append(Group(title, hits[:most], more=len(hits) > most))
    return groups


def actions(request: HttpRequest, words: Words) -> list[Hit]:
    """What this person may do from anywhere, as far as the words fit."""
    offered = (
        hit
        for _, provider in sorted(_actions, key=lambda entry: entry[0])
        for hit in provider(request)
    )
    return [hit for hit in offered if words.fit(f"{hit.name} {hit.note}")]
