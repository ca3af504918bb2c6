"""What several models made of a version's prompts, priced by the price book of a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from apps.catalog import store
from apps.catalog.cache import RecentlyUsed
from apps.catalog.models import CandidateModel, DatasetVersion, ModelOutcome, OutcomeBatch
from apps.catalog.queries.prices import Quote, quotes_of
from apps.catalog.queries.versions import item_ids_of, slices_of
from apps.catalog.tables import Floats, OutcomeTable

_CACHE_BYTES = 128 << 20
_MILLION = 1e6


@dataclass(frozen=True)
class _Held:
    """A model's part of one batch: whose it is, in which file, and under which name there."""

    model: CandidateModel
    blob: str
    column: str
    usage: bool


def outcomes_of(version: DatasetVersion, *, on: date | None = None) -> OutcomeTable:
    """All outcomes on a version: its prompts in their order, models with scores by name in any case.

    The cost of an outcome is its tokens at the model's price on a day (`on`, else today); where either
    is unknown, the cost that was recorded; else NaN. The version's slices are the table's groups.

    Raises:
        ValueError: the version has no outcomes.
    """
    held = _held(version)
    if all(one.usage for one in held):
        raise ValueError(f"{version} has no outcomes yet: upload a file of them.")
    return _priced(version, held, on)


def _priced(version: DatasetVersion, held: Sequence[_Held], on: date | None) -> OutcomeTable:
    quotes = _quotes(held, on)
    key = (
        version.items_blob,
        tuple((one.model.name, one.blob, one.column, one.usage) for one in held),
        tuple(sorted((quote.model.name, *quote.as_texts()) for quote in quotes.values())),
    )
    return _tables.get(key, lambda: _load(version, held, quotes))


def outcome_inputs_of(version: DatasetVersion, *, on: date | None = None) -> dict[str, Any]:
    """What a result on this version's outcomes rests on: content hashes, and the prices of a day.

    Plain JSON in a fixed order: two states of the data that agree in it give the same `outcomes_of`,
    so that a result whose inputs differ from these is out of date.
    """
    held = _held(version)
    quotes = _quotes(held, on)
    return {
        "items": version.items_blob,
        "outcomes": [[one.model.name, one.blob, one.column, one.usage] for one in held],
        "prices": sorted([quote.model.name, *quote.as_texts()] for quote in quotes.values()),
    }


@dataclass(frozen=True)
class OutcomeSummary:
    """One model's outcomes on a version: means over the prompts where they are known, None where none is.

    Attributes:
        answered: prompts with a score. priced: how many of these have a cost.
        cost: mean US dollars a prompt. latency_ms: mean.
    """

    model: CandidateModel
    answered: int
    priced: int
    score: float | None
    cost: float | None
    latency_ms: float | None


def outcome_summaries(version: DatasetVersion) -> list[OutcomeSummary]:
    """A line per model with scores, in the order of `outcomes_of`; empty where there are none."""
    held = _held(version)
    models = [one.model for one in held if not one.usage]
    if not models:
        return []
    table = _priced(version, held, None)
    found = []
    for column, model in enumerate(models):
        ran = table.ran[:, column]
        cost = table.cost[ran, column]
        found.append(
            OutcomeSummary(
                model=model,
                answered=int(ran.sum()),
                priced=int(np.isfinite(cost).sum()),
                score=_mean(table.score[ran, column]),
                cost=_mean(cost),
                latency_ms=None
                if table.latency_ms is None
                else _mean(table.latency_ms[ran, column]),
            )
        )
    return found


def outcome_batches_of(version: DatasetVersion) -> QuerySet[OutcomeBatch]:
    """The uploads of outcomes to a version, newest first, with their number of models."""
    rows: QuerySet[OutcomeBatch] = (
        version.outcome_batches.select_related("created_by", "upload")
        .annotate(
            model_count=Count("outcomes"),
            usage_count=Count("outcomes", filter=Q(outcomes__usage=True)),
        )
        .order_by("-created_at")
    )
    return rows


def _mean(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


def _held(version: DatasetVersion) -> list[_Held]:
    rows = ModelOutcome.objects.filter(version=version).select_related("model", "batch")
    held = [_Held(row.model, row.batch.blob, row.column, row.usage) for row in rows]
    return sorted(held, key=lambda one: (one.model.name.lower(), one.model.name, one.usage))


def _quotes(held: Sequence[_Held], on: date | None) -> dict[Any, Quote]:
    return quotes_of([one.model for one in held], on=on or timezone.localdate())


def _load(version: DatasetVersion, held: Sequence[_Held], quotes: dict[Any, Quote]) -> OutcomeTable:
    ids = item_ids_of(version)
    models = [one.model for one in held if not one.usage]
    place = {model.pk: column for column, model in enumerate(models)}
    measures: dict[str, Floats] = {}
    # What a spend log says of tokens and costs counts before what came with the scores.
    for usage in (False, True):
        part = [one for one in held if one.usage == usage and one.model.pk in place]
        for blob in dict.fromkeys(one.blob for one in part):
            those = [one for one in part if one.blob == blob]
            columns = [place[one.model.pk] for one in those]
            for name, values in store.read_outcomes(blob, [one.column for one in those]).items():
                whole = measures.setdefault(name, np.full((len(ids), len(models)), np.nan))
                whole[:, columns] = np.where(np.isnan(values), whole[:, columns], values)
    shape = (len(ids), len(models))
    return OutcomeTable.of(
        prompt_ids=ids,
        prompts=_texts(version),
        model_names=[model.name for model in models],
        score=measures.get("score", np.full(shape, np.nan)),
        cost=_cost(shape, measures, [quotes.get(model.pk) for model in models]),
        in_tokens=measures.get("in_tokens"),
        out_tokens=measures.get("out_tokens"),
        latency_ms=measures.get("latency_ms"),
        groups={name: values.tolist() for name, values in slices_of(version).items()},
    )


def _cost(
    shape: tuple[int, int], measures: dict[str, Floats], quotes: Sequence[Quote | None]
) -> Floats:
    """US dollars: tokens at the price where both are known, else what was recorded."""
    unknown = np.full(shape, np.nan)
    tokens = [measures.get(name, unknown) for name in ("in_tokens", "out_tokens")]
    cost = measures.get("cost", unknown).copy()
    for column, quote in enumerate(quotes):
        if quote is None:
            continue
        price = quote.price
        booked = np.full(shape[0], float(price.per_call or 0))
        if price.input_per_million is not None and price.output_per_million is not None:
            booked += tokens[0][:, column] * float(price.input_per_million) / _MILLION
            booked += tokens[1][:, column] * float(price.output_per_million) / _MILLION
        cost[:, column] = np.where(np.isnan(booked), cost[:, column], booked)
    return cost


def _texts(version: DatasetVersion) -> list[str]:
    if not version.has_text:
        return [""] * version.item_count
    columns = store.read_item_columns(version.items_blob, [store.TEXT])
    return [text or "" for text in columns[store.TEXT]]


def _table_bytes(table: OutcomeTable) -> int:
    matrices = (table.score, table.cost, table.in_tokens, table.out_tokens, table.latency_ms)
    numbers = sum(0 if matrix is None else matrix.nbytes for matrix in matrices)
    return numbers + sum(len(text) + 64 for text in table.prompts)


_tables: RecentlyUsed[OutcomeTable] = RecentlyUsed(_CACHE_BYTES, _table_bytes)
