"""Reads of replays, and what a replay of a version would rest on."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import QuerySet

from apps.catalog import queries as catalog
from apps.catalog.cache import RecentlyUsed
from apps.catalog.models import DatasetVersion
from apps.core import files
from apps.selection.history.models import Replay
from apps.selection.replay import Collection

MIN_ITEMS = 20
"""Labelled items below which a replay says nothing."""


def replays(user: Any) -> QuerySet[Replay]:
    """The replays that `user` may see, with what a page needs of each in the same query."""
    rows: QuerySet[Replay] = Replay.objects.visible_to(user).select_related(
        "team", "version__dataset", "version__team", "job", "created_by"
    )
    return rows


def labelled_versions(user: Any, team: Any) -> QuerySet[DatasetVersion]:
    """Versions of a team with predictions and labels: what can be replayed."""
    rows: QuerySet[DatasetVersion] = (
        DatasetVersion.objects.visible_to(user)
        .filter(team=team, outputs__isnull=False, label_batches__withdrawn_at__isnull=True)
        .filter(label_batches__isnull=False)
        .select_related("dataset", "team")
        .distinct()
        .order_by("-created_at")
    )
    return rows


def collection_of(version: DatasetVersion) -> tuple[Collection, int]:
    """The labelled items that every model answered, and how many of their labels were chosen.

    Raises:
        ValueError: no predictions, one model, too few such items, or models that agree on them all.
    """
    table = catalog.predictions_of(version)
    state = catalog.labels_of(version, table.class_names)
    if table.n_models < 2:
        raise ValueError(f"{version} has the predictions of one model only: nothing is to choose.")
    answered = (table.predictions >= 0).all(axis=0) & (state.labels >= 0)
    if (count := int(answered.sum())) < MIN_ITEMS:
        raise ValueError(
            f"{count or 'No'} item{' of' if count == 1 else 's of'} {version} "
            f"{'has' if count == 1 else 'have'} a label and an answer of every model; "
            f"a replay needs at least {MIN_ITEMS}."
        )
    collection = Collection.of(str(version), table, state.labels)
    votes = collection.table.predictions
    if (votes == votes[0]).all():
        raise ValueError(
            f"All {table.n_models:,} models of {version} agree on every labelled item: "
            "no label can tell them apart."
        )
    return collection, int((state.chosen & answered).sum())


def result_of(replay: Replay) -> dict[str, Any]:
    """What a finished replay found. It is shared by whoever asks: treat it as read-only."""
    return read(replay.blob)


_PYTHON_BYTES = 8  # about what a byte of JSON takes once it is read
_results: RecentlyUsed[tuple[dict[str, Any], int]] = RecentlyUsed(
    32 << 20, lambda pair: _PYTHON_BYTES * pair[1]
)


def read(blob: str) -> dict[str, Any]:
    """A result by its content hash."""

    def load() -> tuple[dict[str, Any], int]:
        with files.open_blob(blob) as stream:
            content = stream.read()
        return json.loads(content), len(content)

    return _results.get(blob, load)[0]
