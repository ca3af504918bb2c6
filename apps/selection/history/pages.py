"""What a replay's page shows, made from its result alone: the same for members and shared links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from apps.core import twins
from apps.core.prose import plain
from apps.core.templatetags.assay import prose
from apps.selection.history import charts, words
from apps.selection.services.suggestions import METHOD_NAMES

TERMS = (
    (
        "Replay",
        "Labels that are known already are hidden, and each method asks for them one by one on the same "
        "random pools of items; after each label it names a model.",
    ),
    (
        "Labels to a best model",
        "After so many labels the model named is a best one of the pool in 90% of the realisations, and "
        "stays so until the budget ends.",
    ),
    (
        "Regret",
        "By how many points of accuracy the model named falls short of the best one of the pool; "
        "cumulative: summed over the first 100 labels.",
    ),
    (
        "Stop",
        "The median number of labels at which the rule would have ended labelling, and in how many of the "
        "pools that it ended the model named then was good enough.",
    ),
)


@dataclass(frozen=True)
class Row:
    """A method in the table. `stops`: for the calibrated rule, the same within 1 point, and the
    certificate, (median labels, share right, share stopped)."""

    name: str
    called: str
    chosen: bool
    best: int | None
    within: int | None
    regret: float | None
    stops: Sequence[tuple[int | None, float | None, float]]
    milliseconds: float


@dataclass(frozen=True)
class ReplayPage:
    """A finished replay; `url` is the page's own address, `chart_url` that of its pictures.

    `drawn`: pictures and files are part of what the reader gets. `shared`: who reads it has a link, and
    nothing to recompute it from.
    """

    result: dict[str, Any]
    chart_url: str
    url: str
    drawn: bool = True
    shared: bool = False

    @property
    def twins(self) -> list[tuple[str, str]]:
        """The page as files: names and addresses."""
        return twins.links(self.url, drawn=True, card=not self.shared) if self.drawn else []

    @property
    def verdict(self) -> str:
        """The verdict, its names in backticks."""
        return words.verdict(self.result).sentence

    @property
    def outcome(self) -> dict[str, Any]:
        """The numbers as `manage.py bench selection` writes them."""
        found: dict[str, Any] = self.result["outcome"]
        return found

    @property
    def sentence(self) -> SafeString:
        """The verdict as HTML."""
        return prose(words.verdict(self.result).sentence)

    @property
    def title(self) -> str:
        """The verdict as plain text, for previews of a link."""
        return plain(words.verdict(self.result).sentence)

    @property
    def cautions(self) -> Sequence[str]:
        """What limits it."""
        return words.verdict(self.result).cautions

    @property
    def rows(self) -> list[Row]:
        """The methods, the fewest labels to a best model first."""
        found, chosen = self.outcome["methods"], words.speaker(self.outcome)
        rows = [_row(name, one, name == chosen) for name, one in found.items()]
        never = self.outcome["budget"] + 1
        return sorted(rows, key=lambda row: (row.best or never, row.within or never))

    @property
    def pictures(self) -> list[tuple[str, str, str]]:
        """What is drawn: its key, its heading, and what it shows in a sentence."""
        drawn = ("best", "regret") if self.drawn else ()
        return [(key, charts.SHOWN[key], charts.describe(self.result, key)) for key in drawn]

    @property
    def terms(self) -> Sequence[tuple[str, str]]:
        """For "?"."""
        return TERMS


def _row(name: str, one: dict[str, Any], chosen: bool) -> Row:
    stops = [one["stopping"][rule] for rule in ("delta_0", "delta_1pct", "certificate")]
    return Row(
        name=name,
        called=METHOD_NAMES.get(name, "MODEL SELECTOR, tuned without labels"),
        chosen=chosen,
        best=one["labels_to_best_90"]["sustained"],
        within=one["labels_to_within_1pct_90"]["sustained"],
        regret=one["cumulative_regret_100"],
        stops=[(stop["median_labels"], stop["correct"], stop["stopped"]) for stop in stops],
        milliseconds=1000 * one["seconds_per_step"]["median"],
    )
