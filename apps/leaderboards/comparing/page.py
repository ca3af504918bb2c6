"""What the page of a comparison shows: made from its numbers, its items and one reader's address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote_plus

from django.http import QueryDict
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.catalog import queries as catalog
from apps.catalog.money import PriceUnit
from apps.catalog.queries import Columns
from apps.core import twins
from apps.core.templatetags.assay import prose
from apps.leaderboards.comparing.items import Found, find
from apps.leaderboards.comparing.numbers import numbers
from apps.leaderboards.comparing.state import SAYS, CompareState
from apps.leaderboards.comparing.words import decided, p_value, signed, verdict
from apps.leaderboards.models import Board
from apps.leaderboards.pages.forest import HEIGHT, WIDTH
from apps.leaderboards.queries import result_of
from apps.leaderboards.statistics.comparison import MOST_MODELS
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

_LISTED = 200  # classes that a list of choices holds


@dataclass(frozen=True)
class ModelCard:
    """One model of a comparison. Prices in US dollars a call; None is unknown."""

    number: int
    name: str
    slug: str
    line: dict[str, Any]
    price: float | None
    latency_ms: float | None
    without_url: str
    first_url: str


class ComparePage:
    """A comparison as members see it."""

    terms = TERMS
    most = MOST_MODELS

    def __init__(self, board: Board, query: QueryDict, url: str) -> None:
        self.board = board
        self.url = url
        self.columns: Columns = catalog.columns_of(board.version)
        self.choices: list[str] = self.columns.models
        self.state = CompareState.read(
            query,
            models=self.choices,
            classes=self.columns.classes,
            slices=board.version.slice_names,
            usual=self._leaders(),
        )

    def _leaders(self) -> list[str]:
        """The two models that lead the board, or the first two there are."""
        ranked = [model for model in self._rows if model in self.columns.held]
        return (ranked + [name for name in self.choices if name not in ranked])[:2]

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        """The board's rows by model, best first; empty while it ranks nothing."""
        current = self.board.current
        ranking = result_of(current)["ranking"] if current else None
        return {row["model"]: row for row in ranking["rows"]} if ranking else {}

    @cached_property
    def numbers(self) -> dict[str, Any]:
        """See `comparing.numbers.numbers`."""
        return numbers(
            self.columns,
            self.state.models,
            alpha=self.board.alpha,
            first_only=self.state.first_only,
        )

    @cached_property
    def found(self) -> Found:
        """The page of items."""
        return find(self.columns, self.state)

    # --- The verdict --------------------------------------------------------------------------
    @property
    def problem(self) -> str:
        """Why there is nothing to compare; empty where there is."""
        if self.state.unknown:
            names = ", ".join(f"`{name}`" for name in self.state.unknown)
            return f"{self.board.version} has no predictions of {names}: choose models of the list."
        if self.state.fits:
            return ""
        if len(self.choices) < 2:
            return "This board has fewer than two models: there is nothing to compare."
        return (
            f"{len(self.state.models)} models are chosen: choose two to {MOST_MODELS} to compare."
        )

    @property
    def problem_html(self) -> SafeString:
        """The same as HTML."""
        return prose(self.problem)

    @cached_property
    def verdict(self) -> Verdict:
        """What the comparison comes to."""
        return verdict(self.numbers, {card.name: card.price for card in self.cards})

    @property
    def sentence(self) -> SafeString:
        """The verdict as HTML."""
        return prose(self.verdict.sentence)

    @property
    def support(self) -> list[SafeString]:
        """What supports the verdict, as HTML."""
        return [prose(line) for line in self.verdict.support]

    @property
    def cautions(self) -> list[SafeString]:
        """What limits it, as HTML."""
        return [prose(line) for line in self.verdict.cautions]

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

    # --- Models -------------------------------------------------------------------------------
    @cached_property
    def cards(self) -> list[ModelCard]:
        """The models in their order; the first is the baseline."""
        latency = {
            one.model.name: one.latency_ms for one in catalog.outcome_summaries(self.board.version)
        }
        current = self.board.current
        facts = (result_of(current).get("facts") or {}) if current else {}
        return [
            ModelCard(
                number,
                model,
                facts.get(model, {}).get("slug", ""),
                self.numbers["lines"][number],
                self._rows.get(model, {}).get("price"),
                latency.get(model),
                self.link(models=_without(self.state.models, model)),
                self.link(models=(model, *_without(self.state.models, model))),
            )
            for number, model in enumerate(self.state.models)
        ]

    @cached_property
    def unit(self) -> PriceUnit:
        """In which prices are told."""
        return PriceUnit.of(card.price for card in self.cards)

    @property
    def has_latency(self) -> bool:
        """Whether the time of an answer is known of any model."""
        return any(card.latency_ms is not None for card in self.cards)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What the table of models shows."""
        return [
            {
                "card": card,
                "price": None if card.price is None else self.unit.amount(card.price),
                "latency": None if card.latency_ms is None else f"{card.latency_ms:,.0f} ms",
                "accuracy": _percent(card.line["accuracy"]),
                "interval": _span(card.line),
                "forest": _forest_share(card.line, self._axis),
            }
            for card in self.cards
        ]

    @cached_property
    def _axis(self) -> tuple[float, float]:
        known = [line for line in self.numbers["lines"] if line["accuracy"] is not None]
        return (
            min((line["low"] for line in known), default=0.0),
            max((line["high"] for line in known), default=1.0),
        )

    @property
    def others(self) -> list[str]:
        """Models that may be added."""
        if len(self.state.models) >= MOST_MODELS:
            return []
        return [name for name in self.choices if name not in self.state.models]

    # --- Pairs --------------------------------------------------------------------------------
    @property
    def pairs(self) -> list[dict[str, Any]]:
        """What the table of pairs shows, with links to the items behind each count."""
        models, widest = self.state.models, _widest(self.numbers["pairs"])
        found = []
        for pair in self.numbers["pairs"]:
            a, b = models[pair["a"]], models[pair["b"]]
            links = {
                key: self.link(answers=((a, says), (b, other)), show_all=True, fragment="items")
                for key, says, other in (
                    ("both_right", "right", "right"),
                    ("only_a", "right", "wrong"),
                    ("only_b", "wrong", "right"),
                    ("both_wrong", "wrong", "wrong"),
                )
            }
            found.append(
                {
                    "a": a,
                    "b": b,
                    "counts": [
                        (label, pair[key], links[key])
                        for label, key in (
                            ("both right", "both_right"),
                            (f"only {a} right", "only_a"),
                            (f"only {b} right", "only_b"),
                            ("both wrong", "both_wrong"),
                        )
                    ],
                    "gap": _interval(pair) if pair["difference"] is not None else "",
                    "p": p_value(pair["p_adjusted"]).removeprefix("p = ").removeprefix("p "),
                    "mid_p": p_value(pair["mid_p_adjusted"])
                    .removeprefix("p = ")
                    .removeprefix("p "),
                    "says": _says(pair, a, b, self.numbers["alpha"]),
                    "decided": decided(pair, self.numbers["alpha"]),
                    "forest": _forest_gap(pair, widest),
                }
            )
        return found

    @property
    def family_url(self) -> str:
        """The same with the other family of tests."""
        return self.link(first_only=not self.state.first_only)

    # --- Classes and slices -------------------------------------------------------------------
    @property
    def confusions(self) -> list[dict[str, Any]]:
        """A matrix or a list of the most frequent confusions, one a model."""
        return [
            self._confusion(number, model, entry)
            for number, (model, entry) in enumerate(
                zip(self.state.models, self.numbers["confusions"], strict=True)
            )
        ]

    def _confusion(self, number: int, model: str, entry: dict[str, Any]) -> dict[str, Any]:
        classes = self.numbers["classes"]
        # A matrix has many links: what they share is made once.
        shared = escape(self.link(show_all=True, by="", said="", label="", slice=None, answers=()))
        of = quote_plus(model)

        def items(label: int, said: int, count: int) -> str:
            said_as, labelled_as = quote_plus(classes[said]), quote_plus(classes[label])
            where = f"{shared}&amp;by={of}&amp;said={said_as}&amp;label={labelled_as}#items"
            return f'<a href="{where}">{count:,}</a>' if count else "0"

        if "matrix" in entry:
            rows = [
                f'<tr><th scope="row">{escape(classes[label])}</th>'
                + "".join(
                    f'<td class="number level-{_level(n, sum(row))}'
                    f'{" diagonal" if said == label else ""}">{items(label, said, n)}</td>'
                    for said, n in enumerate(row)
                )
                + "</tr>"
                for label, row in enumerate(entry["matrix"])
            ]
            return {"model": model, "classes": classes, "body": mark_safe("".join(rows))}  # noqa: S308
        most = [
            (classes[label], classes[said], mark_safe(items(label, said, n)))  # noqa: S308
            for label, said, n in entry["most"]
        ]
        return {"model": model, "most": most}

    @property
    def slices(self) -> list[dict[str, Any]]:
        """Each slice value with the other models against the first."""
        rows = self.numbers["slices"]
        widest = _widest([gap for row in rows for gap in row["differences"] if gap["shared"]])
        alpha = self.numbers["alpha"]
        return [
            {
                "slice": row["slice"],
                "value": row["value"],
                "labels": row["labels"],
                "base": _percent(row["lines"][0]["accuracy"]),
                "gaps": [
                    {
                        "text": _interval(gap) if gap["difference"] is not None else "",
                        "decided": bool(gap["difference"]) and gap["p_adjusted"] <= alpha,
                        "forest": _forest_gap(gap, widest),
                    }
                    for gap in row["differences"]
                ],
                "url": self.link(slice=(row["slice"], row["value"]), fragment="items"),
            }
            for row in rows
        ]

    # --- Items and filters --------------------------------------------------------------------
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

    def link(self, *, fragment: str = "", **changes: Any) -> str:
        """The address of this comparison with changes."""
        return self.url + self.state.query(**changes) + (f"#{fragment}" if fragment else "")


def _level(count: int, total: int) -> int:
    """How deep a cell of a matrix is shaded, 0 to 4, by its share of the row."""
    return min(4, -(-4 * count // total)) if total else 0


def _without(models: Sequence[str], model: str) -> tuple[str, ...]:
    return tuple(name for name in models if name != model)


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share * 100:.1f}%"


def _span(line: dict[str, Any]) -> str:
    known = line["accuracy"] is not None
    return f"{line['low'] * 100:.1f}–{line['high'] * 100:.1f}%" if known else ""


def _interval(line: dict[str, Any]) -> str:
    return f"{signed(line['difference'])} ({signed(line['low'])} to {signed(line['high'])})"


def _says(pair: dict[str, Any], a: str, b: str, alpha: float) -> str:
    if pair["difference"] is None:
        return "no shared label"
    if not decided(pair, alpha):
        return "not told apart"
    return f"{a if pair['difference'] > 0 else b} is better"


def _widest(lines: Sequence[dict[str, Any]]) -> float:
    """Half the width of an axis around zero that holds every interval."""
    known = [line for line in lines if line["difference"] is not None]
    ends = [abs(line[key]) for line in known for key in ("low", "high")]
    return float(max([0.01, *ends]))


_BOX = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" aria-hidden="true"'


def _picture(low: float, at: float, high: float, mark: float | None) -> SafeString:
    """A dot on a line, shares of the width; `mark` is where a thin vertical line stands."""
    x = [f"{6 + share * (WIDTH - 12):.1f}" for share in (low, at, high)]
    line = (
        "" if mark is None else f'<path class="ref" d="M{6 + mark * (WIDTH - 12):.1f} 0V{HEIGHT}"/>'
    )
    return mark_safe(  # noqa: S308
        f'<svg class="forest" {_BOX}>{line}<path d="M{x[0]} 7H{x[2]}"/>'
        f'<circle cx="{x[1]}" cy="7" r="3.5"/></svg>'
    )


def _forest_gap(line: dict[str, Any], widest: float) -> SafeString:
    """A difference and its interval around zero."""
    if line["difference"] is None:
        return SafeString()
    low, at, high = (0.5 + line[key] / (2 * widest) for key in ("low", "difference", "high"))
    return _picture(low, at, high, 0.5)


def _forest_share(line: dict[str, Any], axis: tuple[float, float]) -> SafeString:
    """An accuracy and its interval on the axis of all models."""
    if line["accuracy"] is None:
        return SafeString()
    start, width = axis[0], max(axis[1] - axis[0], 1e-9)
    low, at, high = ((line[key] - start) / width for key in ("low", "accuracy", "high"))
    return _picture(low, at, high, None)
