"""The items of a comparison side by side, with their filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from apps.leaderboards.comparing.items import Found, find
from apps.leaderboards.comparing.page.base import Comparison
from apps.leaderboards.comparing.state import SAYS

_LISTED = 200  # classes that a list of choices holds


class Items(Comparison):
    """A page of items, and what narrows it."""

    @cached_property
    def found(self) -> Found:
        """The page of items."""
        return find(self.columns, self.state)

    @property
    def answer_choices(self) -> list[tuple[str, list[tuple[str, str, bool]]]]:
        """Per model the choices of a filter by its answer: value, words, chosen."""
        asked = dict(self.state.answers)
        return [
            (model, [(f"{key}:{model}", word, asked.get(model) == key)
                     for key, word in SAYS.items()])
            for model in self.state.models
        ]  # fmt: skip

    @property
    def slice_choices(self) -> list[tuple[str, bool]]:
        """`name:value` of each slice that the comparison lists, and whether it is chosen."""
        listed = [(row["slice"], row["value"]) for row in self.numbers["slices"]]
        asked = self.state.slice
        if asked and asked not in listed:
            listed.append(asked)
        return [(":".join(pair), pair == asked) for pair in listed]

    @property
    def class_choices(self) -> Sequence[str]:
        """The classes, for a filter; none where they are too many for a list."""
        return self.columns.classes if len(self.columns.classes) <= _LISTED else ()

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """What the form of filters carries along unseen."""
        kept = replace(
            self.state, show_all=False, answers=(), labelled="", label="", slice=None,
            search="", page=1, start=0,
        )  # fmt: skip
        return [("model", model) for model in kept.models] + kept.pairs()

    @property
    def added(self) -> list[tuple[str, str]]:
        """What the form that adds a model carries along unseen."""
        state = replace(self.state, page=1, start=0)
        return [("model", model) for model in state.models] + state.pairs()

    @property
    def status(self) -> str:
        """What the list of items holds, in words."""
        found, state = self.found, self.state
        what = "item" if found.total == 1 else "items"
        kind = "" if state.show_all else " on which the answers differ"
        if replace(state, show_all=False, search="").filtered:
            kind = f"{kind} and the filters fit" if kind else " that the filters let through"
        if not state.search:
            return f"{found.total:,} {what}{kind}"
        shown = len(found.items)
        return (
            f"{shown:,} found in {found.looked_at:,} of {found.total:,} {what}{kind}"
            if found.following is not None or state.start
            else f"{shown:,} found in {found.total:,} {what}{kind}"
        )

    @property
    def clear_url(self) -> str:
        """The same without filters."""
        return self.link(
            show_all=False, answers=(), labelled="", label="", by="", said="", slice=None,
            search="", fragment="items",
        )  # fmt: skip

    @property
    def all_url(self) -> str:
        """The same with the items on which the models agree."""
        return self.link(show_all=True, fragment="items")

    @property
    def following_url(self) -> str:
        """Where a search goes on."""
        return self.link(start=self.found.following, fragment="items")

    @property
    def previous_url(self) -> str:
        """The page before this one; empty on the first."""
        page = self.found.page
        return self.link(page=page - 1, fragment="items") if page > 1 else ""

    @property
    def next_url(self) -> str:
        """The page after this one; empty on the last."""
        page = self.found.page
        return self.link(page=page + 1, fragment="items") if page < self.found.pages else ""
