"""What the page of a comparison shows: made from its numbers, its items and one reader's address."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from apps.core import twins
from apps.leaderboards.comparing.page.classes import Classes
from apps.leaderboards.comparing.page.items import Items
from apps.leaderboards.comparing.page.models import Models
from apps.leaderboards.comparing.page.pairs import Pairs
from apps.leaderboards.comparing.words import verdict
from apps.leaderboards.pages.said import Said
from apps.leaderboards.words import Verdict

TERMS = [
    (
        "Difference",
        "The accuracy of one model minus that of the other, on the items both answered.",
    ),
    ("McNemar's test", "Whether each is the only right one equally often. Exact: never too sure."),
    ("mid-p", "The same test, nearer to the level it states, without the guarantee."),
    ("Holm", "A correction of p-values for making several tests at once."),
    ("Recall", "Of the items of a class, the share that the model recognised."),
]


class ComparePage(Said, Models, Pairs, Classes, Items):
    """A comparison as members see it."""

    terms = TERMS

    @cached_property
    def verdict(self) -> Verdict:
        """What the comparison comes to."""
        return verdict(self.numbers, {card.name: card.price for card in self.cards})

    @property
    def document(self) -> dict[str, Any]:
        """All that it says of the models, but for items; plain JSON."""
        said = self.verdict
        return {
            "verdict": {
                "sentence": said.sentence,
                "support": said.support,
                "cautions": said.cautions,
            },
            **self.numbers,
            "prices": {card.name: card.price for card in self.cards},
            "latency_ms": {card.name: card.latency_ms for card in self.cards},
        }

    @property
    def files(self) -> list[tuple[str, str]]:
        """Names and addresses of the page's twins, for the same models and tests."""
        known = any(line["accuracy"] is not None for line in self.numbers["lines"])
        return twins.links(self.url, drawn=known, query=self.state.query())
