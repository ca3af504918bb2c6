"""Reads of this room: runs that a person sees, what they rest on, what they brought."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db.models import QuerySet
from django.utils import timezone
from numpy.typing import NDArray

from apps.catalog import queries as catalog
from apps.catalog.models import DatasetVersion
from apps.catalog.queries import Quote
from apps.inference.budgets import UNLIMITED_TOKENS
from apps.inference.kinds import KINDS, Estimate, Gives
from apps.inference.kinds.endpoint import EndpointKind
from apps.inference.models import ModelSource, Run, Tournament

_SEED = 20_261  # of the order in which items are drawn for a sample
_SHOWN = ("team", "version__dataset", "version__team", "job__worker")
LETTERS_A_TOKEN = (3, 5)
"""Of English in common tokenizers, fewest and most: what an estimate goes by."""


def runs(user: Any) -> QuerySet[Run]:
    """The runs that `user` may see, with what a page needs of each in the same query."""
    return Run.objects.visible_to(user).select_related(*_SHOWN, "source__model")


def sources(user: Any) -> QuerySet[ModelSource]:
    """The sources that `user` may see."""
    return ModelSource.objects.visible_to(user).select_related("model", "team")


def tournaments(user: Any) -> QuerySet[Tournament]:
    """The tournaments that `user` may see, with what a page needs of each in the same queries."""
    rows = Tournament.objects.visible_to(user).select_related(*_SHOWN)
    return rows.prefetch_related("places__run__source__model")


def order_of(version: DatasetVersion, sample: int | None) -> NDArray[np.intp]:
    """The places of the items that a run asks about, in the order in which they are taken.

    All in their own order, or the first `sample` of one fixed shuffle: a larger sample holds a
    smaller one.
    """
    if sample is None:
        return np.arange(version.item_count)
    shuffled = np.random.default_rng(_SEED).permutation(version.item_count)
    return np.asarray(shuffled[:sample], np.intp)


def references_of(version: DatasetVersion, reference: str) -> dict[int, str]:
    """What answers are compared with, by the item's place: labels, or the values of a slice.

    Items without one are absent, and so are all where there is no such slice.
    """
    if reference:
        values = catalog.slices_of(version).get(reference)
        pairs = enumerate(values.tolist()) if values is not None else ()
        return {place: value for place, value in pairs if value}
    place = {item: index for index, item in enumerate(catalog.item_ids_of(version))}
    labels, _ = catalog.stored_labels(version)
    return {place[item]: label for item, label in labels.items() if item in place}


def quote_of(source: ModelSource) -> Quote | None:
    """Today's price of the source's model; None where none is known."""
    return catalog.quotes_of([source.model], on=timezone.localdate()).get(source.model_id)


def _answer_tokens(run: Run) -> tuple[float, float]:
    """Tokens of an answer, fewest and most: from half to twice of what this source took before, where
    it was run; else from one to the limit."""
    limit = float(run.settings.get("max_new_tokens") or UNLIMITED_TOKENS)
    before = Run.objects.filter(source=run.source, answered__gt=0, output_tokens__gt=0)
    last = before.exclude(pk=run.pk).order_by("-created_at").first()
    if last is None:
        return 1.0, limit
    usual = last.output_tokens / last.answered
    return min(limit, usual / 2), min(limit, 2 * usual)


def estimate_of(run: Run) -> Estimate:
    """What a run will probably take, from the lengths of some of its prompts and today's price."""
    order = order_of(run.version, run.sample)
    looked = order[:: max(1, len(order) // 200)]
    items = catalog.items_of(run.version, np.sort(looked).tolist())
    letters = float(np.mean([len(item.text or "") for item in items])) if items else 0.0
    kind = KINDS[run.source.kind]
    calls, around, behind = 1, 0, isinstance(kind, EndpointKind)
    if isinstance(kind, EndpointKind):
        calls, around = kind.asks(run.version.class_names)
    asked = len(order) * calls
    fixed = len(str(run.settings.get("instructions", ""))) + around
    most, fewest = ((letters + fixed) / one for one in LETTERS_A_TOKEN)
    inputs = (round(fewest * asked), round((most + 10) * asked))
    outputs = (0, 0)
    if behind or kind.gives == Gives.TEXT:
        least, longest = _answer_tokens(run)
        outputs = (round(least * asked), round(longest * asked))
    quote = quote_of(run.source)
    usd = None
    if quote is not None:
        fees = asked * float(quote.price.per_call or 0)
        low, high = (
            float(quote.per_call(input_tokens=i, output_tokens=o) - (quote.price.per_call or 0))
            for i, o in zip(inputs, outputs, strict=True)
        )
        usd = (fees + low, fees + high)
    return Estimate(len(order), inputs, outputs, usd)
