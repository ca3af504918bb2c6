"""Reads of boards: which ones a person sees, what a snapshot says, what a board rests on."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from apps.catalog import queries as catalog
from apps.catalog.cache import RecentlyUsed
from apps.catalog.models import CandidateModel, DatasetVersion
from apps.core import files
from apps.leaderboards.compute import FORMAT, Question
from apps.leaderboards.models import Board, Snapshot
from apps.teams.models import User

TEXT_SHOWN = 400
"""Characters of an item's text that a list shows."""


def boards(user: User) -> QuerySet[Board]:
    """The boards that `user` may see, with what a page needs of each in the same query."""
    return Board.objects.visible_to(user).select_related(
        "team", "version__dataset", "current", "job"
    )


def result_of(snapshot: Snapshot) -> dict[str, Any]:
    """The result that a snapshot holds. It is shared by whoever asks: treat it as read-only."""
    return _results.get(snapshot.blob, lambda: _read(snapshot.blob))[0]


_PYTHON_BYTES = 8  # about what a byte of JSON takes once it is read
_results: RecentlyUsed[tuple[dict[str, Any], int]] = RecentlyUsed(
    64 << 20, lambda pair: _PYTHON_BYTES * pair[1]
)


def _read(blob: str) -> tuple[dict[str, Any], int]:
    with files.open_blob(blob) as stream:
        content = stream.read()
    return json.loads(content), len(content)


def leading(ranking: dict[str, Any] | None) -> dict[str, float | None]:
    """The chosen model's `accuracy`, `low` and `high`; None where nothing is ranked."""
    row: dict[str, Any] = {}
    if ranking:
        row = next(row for row in ranking["rows"] if row["model"] == ranking["chosen"])
    return {name: row.get(name) for name in ("accuracy", "low", "high")}


def question_of(board: Board) -> Question:
    """What a board asks of its data."""
    return Question(
        delta=board.delta,
        alpha=board.alpha,
        seed=board.seed,
        input_tokens=board.input_tokens,
        output_tokens=board.output_tokens,
    )


def digest_of(content: dict[str, Any]) -> str:
    """SHA-256 of what a board rests on."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True)
class BoardInputs:
    """What a board's numbers follow from; equal `digest`, equal numbers.

    `prices`: USD a call by the name of the model, NaN where unknown on `priced_on`.
    """

    content: dict[str, Any]
    facts: dict[str, dict[str, Any]]
    prices: dict[str, float]
    priced_on: date

    @property
    def digest(self) -> str:
        """SHA-256 of the content in one canonical form."""
        return digest_of(self.content)


def inputs_of(
    board: Board, *, question: Question | None = None, on: date | None = None
) -> BoardInputs:
    """Content hashes of the data, prices in force on a day, the models' facts and the settings.

    `question` and `on`: the board's own, and today, where there is none.
    """
    today, asked = on or timezone.localdate(), question or question_of(board)
    models = CandidateModel.objects.filter(outputs__version=board.version).order_by("name")
    quotes = catalog.quotes_of(models, on=today)
    facts = {model.name: _facts(model, quotes.get(model.pk)) for model in models}
    size = {"input_tokens": asked.input_tokens, "output_tokens": asked.output_tokens}
    prices = {
        model.name: float(quotes[model.pk].per_call(**size)) if model.pk in quotes else math.nan
        for model in models
    }
    content = {
        "format": FORMAT,
        "question": asdict(asked),
        "data": catalog.inputs_of(board.version, on=today),
        "models": facts,
    }
    return BoardInputs(content, facts, prices, today)


def _facts(model: CandidateModel, quote: catalog.Quote | None) -> dict[str, Any]:
    """What a board tells about a model beside its numbers."""
    return {
        "slug": model.slug,
        "provider": model.provider,
        "parameters": model.parameters,
        "licence": model.licence,
        "released": model.released_on.isoformat() if model.released_on else None,
        "tags": list(model.tags),
        "price_from": quote.price.valid_from.isoformat() if quote else None,
    }


@dataclass(frozen=True)
class NextItem:
    """An item to label: its place in the version, its id, and what there is to look at."""

    index: int
    id: str
    text: str
    has_image: bool


def next_items(version: DatasetVersion, listed: Sequence[dict[str, Any]]) -> tuple[NextItem, ...]:
    """The items of a result's `next` list, with their texts cut to what a list shows."""
    if not (version.has_text or version.has_images):
        return tuple(NextItem(item["index"], item["id"], "", False) for item in listed)
    return _looked_up(version, tuple(item["index"] for item in listed))


_shown: RecentlyUsed[tuple[NextItem, ...]] = RecentlyUsed(
    4 << 20, lambda items: sum(200 + 2 * len(item.text) for item in items)
)


def _looked_up(version: DatasetVersion, indices: tuple[int, ...]) -> tuple[NextItem, ...]:
    """Read once for each list: finding items in their file takes a while."""
    return _shown.get(
        (version.items_blob, indices),
        lambda: tuple(
            NextItem(view.index, view.id, short(view.text or ""), view.image is not None)
            for view in catalog.items_of(version, indices)
        ),
    )


def short(text: str) -> str:
    """An item's text, cut to what a list shows."""
    return text if len(text) <= TEXT_SHOWN else text[: TEXT_SHOWN - 1].rstrip() + "…"
