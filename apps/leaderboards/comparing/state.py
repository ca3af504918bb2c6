"""What a reader has asked a comparison to show. The address holds all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from django.http import QueryDict

from apps.leaderboards.parts import slice_asked
from apps.leaderboards.statistics.comparison import MOST_MODELS

SAYS = {"right": "right", "wrong": "wrong", "none": "not run"}
"""What a filter may ask of a model's answer."""

_TEXT = 200


@dataclass(frozen=True)
class CompareState:
    """Models, tests and filters; what an address says wrongly is left out.

    Attributes:
        models: names, the first is the baseline. unknown: names asked for that are no models here.
        first_only: tests against the first model alone.
        show_all: items on which the models agree too.
        answers: (model, key of `SAYS`): only items on which it holds.
        labelled: "yes", "no" or "" for both.
        label: only items of this class. by, said: only items on which model `by` answered `said`.
        slice: (name, value): only items of it. search: only items whose id or text holds it.
        page: of the items, from 1. start: where a search goes on, a place among the items.
    """

    models: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    first_only: bool = False
    show_all: bool = False
    answers: tuple[tuple[str, str], ...] = ()
    labelled: str = ""
    label: str = ""
    by: str = ""
    said: str = ""
    slice: tuple[str, str] | None = None
    search: str = ""
    page: int = 1
    start: int = 0

    @classmethod
    def read(
        cls,
        query: QueryDict,
        *,
        models: Sequence[str],
        classes: Sequence[str],
        slices: Sequence[str],
        usual: Sequence[str] = (),
    ) -> CompareState:
        """The state that an address holds.

        Args:
            models, classes, slices: those that there are. usual: the models where none is asked for.
        """
        asked = _asked(query, models)
        found = tuple(dict.fromkeys(name for name in asked if name in set(models)))
        if not asked:
            found = tuple(usual)
        by, said, label = (_text(query, name) for name in ("by", "said", "label"))
        known = by in found and said in classes
        return cls(
            models=found,
            unknown=tuple(dict.fromkeys(name for name in asked if name not in set(models))),
            first_only=query.get("against") == "first",
            show_all=query.get("show") == "all",
            answers=tuple(_answers(query, found)),
            labelled=query.get("labelled", "") if query.get("labelled") in ("yes", "no") else "",
            label=label if label in classes else "",
            by=by if known else "",
            said=said if known else "",
            slice=slice_asked(_text(query, "slice"), slices),
            search=_text(query, "q"),
            page=_number(query, "page", 1),
            start=_number(query, "from", 0),
        )

    @property
    def fits(self) -> bool:
        """Whether there are as many models as can be compared."""
        return 2 <= len(self.models) <= MOST_MODELS

    @property
    def filtered(self) -> bool:
        """Whether some items on which the models differ may be hidden, or others be shown."""
        return self != replace(
            self,
            show_all=False,
            answers=(),
            labelled="",
            label="",
            by="",
            said="",
            slice=None,
            search="",
        )

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of the shortest query that holds this state, but for the models."""
        found = {
            "against": "first" if self.first_only else "",
            "show": "all" if self.show_all else "",
            "labelled": self.labelled,
            "label": self.label,
            "by": self.by,
            "said": self.said,
            "slice": ":".join(self.slice) if self.slice else "",
            "q": self.search,
            "page": str(self.page) if self.page > 1 else "",
            "from": str(self.start) if self.start else "",
        }
        asked = [("is", f"{says}:{model}") for model, says in self.answers]
        return asked + [(name, text) for name, text in found.items() if text]

    def query(self, **changes: Any) -> str:
        """The shortest query string of this state with changes, which lead to the first page."""
        state = replace(self, **({"page": 1, "start": 0} | changes))
        if any("," in model for model in state.models):
            models = urlencode([("model", model) for model in state.models])
        else:
            models = "models=" + ",".join(quote(model, safe="") for model in state.models)
        return "?" + "&".join(part for part in (models, urlencode(state.pairs())) if part)


def _asked(query: QueryDict, models: Sequence[str]) -> list[str]:
    """`models=a,b` and `model=a&model=b`: the second for names with a comma, and for checkboxes."""
    joined = query.get("models", "").replace("\x00", "")
    names = [joined] if joined in set(models) else joined.split(",")
    return [name for name in (*names, *query.getlist("model")) if name][:100]


def _answers(query: QueryDict, models: Sequence[str]) -> list[tuple[str, str]]:
    asked = dict.fromkeys(models, "")
    for text in query.getlist("is"):
        says, _, model = text.partition(":")
        if says in SAYS and model in asked:
            asked[model] = says
    return [(model, says) for model, says in asked.items() if says]


def _text(query: QueryDict, name: str) -> str:
    return query.get(name, "").replace("\x00", "").strip()[:_TEXT]


def _number(query: QueryDict, name: str, least: int) -> int:
    text = query.get(name, "")
    return max(least, int(text)) if text.isascii() and text.isdigit() and len(text) < 12 else least
