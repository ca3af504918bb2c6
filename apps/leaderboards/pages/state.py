"""What a reader has asked a board to show. The address holds all of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from apps.leaderboards.parts import WHOLE, Part

_SEARCH_LENGTH = 200


@dataclass(frozen=True)
class ViewState:
    """Part, sorting, filters and columns of a board; whatever an address says wrongly is left out.

    A part that the board does not have is kept: it has no rows, and a sentence says so.
    """

    sort: str = "rank"
    falling: bool = False
    search: str = ""
    provider: str = ""
    tag: str = ""
    licence: str = ""
    tied: bool = False
    max_price: float | None = None
    base: str = ""
    columns: tuple[str, ...] = ()
    part: Part = WHOLE

    @classmethod
    def read(
        cls, query: QueryDict, columns: dict[str, Any], bases: Collection[str] = ()
    ) -> ViewState:
        """The state that an address holds, for a board that offers `columns` and baselines."""
        sort = query.get("sort", "")
        key = sort.removeprefix("-")
        known = key in columns
        asked = set(query.getlist("col"))
        chosen = tuple(key for key in columns if key in asked)
        usual = {key for key, column in columns.items() if column.default}
        return cls(
            sort=key if known else "rank",
            falling=known and sort.startswith("-"),
            search=_text(query, "q"),
            provider=_text(query, "provider"),
            tag=_text(query, "tag"),
            licence=_text(query, "licence"),
            tied=query.get("tied") == "1",
            max_price=_price(query.get("max_price", "")),
            base=query.get("base", "") if query.get("base") in bases else "",
            columns=() if asked | {"model"} == usual else chosen,
            part=Part.read(query),
        )

    @property
    def filtered(self) -> bool:
        """Whether some models may be hidden."""
        return self != ViewState(
            sort=self.sort,
            falling=self.falling,
            base=self.base,
            columns=self.columns,
            part=self.part,
        )

    def query(self) -> str:
        """The shortest query string that holds this state, with its question mark."""
        pairs = self.part.pairs()
        if (self.sort, self.falling) != ("rank", False):
            pairs.append(("sort", f"{'-' if self.falling else ''}{self.sort}"))
        texts = {
            "q": self.search,
            "provider": self.provider,
            "tag": self.tag,
            "licence": self.licence,
            "tied": "1" if self.tied else "",
            "base": self.base,
            "max_price": "" if self.max_price is None else f"{self.max_price:g}",
        }
        pairs += [(name, text) for name, text in texts.items() if text]
        pairs += [("col", key) for key in self.columns]
        return "?" + urlencode(pairs) if pairs else ""

    def on(self, part: Part) -> ViewState:
        """The same view of another part."""
        return replace(self, part=part)

    def sorted_by(self, key: str, *, falls: bool) -> ViewState:
        """The state after a click on a column's head: its own direction first, then the other."""
        falling = not self.falling if key == self.sort else falls
        return replace(self, sort=key, falling=falling)


def _text(query: QueryDict, name: str) -> str:
    return query.get(name, "").replace("\x00", "").strip()[:_SEARCH_LENGTH]


def _price(text: str) -> float | None:
    try:
        price = float(text)
    except ValueError:
        return None
    return price if isfinite(price) and price >= 0 else None
