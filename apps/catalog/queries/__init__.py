"""Reads of the catalog. Pages begin at `visible_to(user)`; results begin at a version."""

from apps.catalog.queries.columns import Columns, Slice, columns_of, find_items
from apps.catalog.queries.lists import (
    datasets_for,
    models_for,
    prediction_batches_of,
    upload_group,
    versions_of,
)
from apps.catalog.queries.outcomes import (
    OutcomeSummary,
    outcome_batches_of,
    outcome_inputs_of,
    outcome_summaries,
    outcomes_of,
)
from apps.catalog.queries.prices import Quote, prices_of, quotes_of
from apps.catalog.queries.versions import (
    ItemView,
    LabelState,
    class_names_of,
    inputs_of,
    item_ids_of,
    items_of,
    label_times,
    labels_of,
    predictions_of,
    slices_of,
    stored_labels,
)

__all__ = [
    "Columns",
    "ItemView",
    "LabelState",
    "OutcomeSummary",
    "Quote",
    "Slice",
    "class_names_of",
    "columns_of",
    "datasets_for",
    "find_items",
    "inputs_of",
    "item_ids_of",
    "items_of",
    "label_times",
    "labels_of",
    "models_for",
    "outcome_batches_of",
    "outcome_inputs_of",
    "outcome_summaries",
    "outcomes_of",
    "prediction_batches_of",
    "predictions_of",
    "prices_of",
    "quotes_of",
    "slices_of",
    "stored_labels",
    "upload_group",
    "versions_of",
]
