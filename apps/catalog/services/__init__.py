"""Verbs that write to the catalog: each checks permission and leaves its trace in one transaction."""

from apps.catalog.services.commit import commit_upload
from apps.catalog.services.datasets import (
    add_version,
    create_dataset,
    delete_dataset,
    delete_predictions,
    delete_version,
    update_dataset,
    withdraw_labels,
)
from apps.catalog.services.given import add_labels
from apps.catalog.services.models import (
    create_model,
    delete_model,
    delete_price,
    set_price,
    update_model,
)
from apps.catalog.services.outcomes import delete_outcomes, record_outcomes
from apps.catalog.services.uploads import (
    choose_columns,
    confirm_mapping,
    confirm_upload,
    discard_upload,
    free_name,
    name_dataset,
    receive_upload,
    record_rejection,
    replace_file,
    role_for,
    take_labels_inside,
    waits,
)

__all__ = [
    "add_labels",
    "add_version",
    "choose_columns",
    "commit_upload",
    "confirm_mapping",
    "confirm_upload",
    "create_dataset",
    "create_model",
    "delete_dataset",
    "delete_model",
    "delete_outcomes",
    "delete_predictions",
    "delete_price",
    "delete_version",
    "discard_upload",
    "free_name",
    "name_dataset",
    "receive_upload",
    "record_outcomes",
    "record_rejection",
    "replace_file",
    "role_for",
    "set_price",
    "take_labels_inside",
    "update_dataset",
    "update_model",
    "waits",
    "withdraw_labels",
]
