"""Labels that were given one by one and join the dataset's together."""

from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.catalog import store
from apps.catalog.models import DatasetVersion, LabelBatch
from apps.catalog.queries import item_ids_of, stored_labels
from apps.catalog.readers.problems import shown
from apps.catalog.services.models import announce
from apps.catalog.services.records import StoredLabels, record_labels
from apps.teams.models import Role, User
from apps.teams.services import require


@transaction.atomic
def add_labels(
    *,
    user: User,
    version: DatasetVersion,
    labels: Mapping[str, str],
    annotators: Mapping[str, str] | None = None,
    chosen: bool = True,
) -> LabelBatch | None:
    """Add labels by item id to a version; None where all of them are there already.

    `annotators`: who gave the label, by item id.

    Raises:
        PermissionDenied: below annotator. ValidationError: an item that the version lacks, or a label
        that disagrees with a stored one.
    """
    require(user=user, team=version.team, role=Role.ANNOTATOR)
    DatasetVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
    strange = labels.keys() - set(item_ids_of(version))
    if strange:
        raise ValidationError(f"{version} has no item `{shown(min(strange))}`.")
    held, _ = stored_labels(version)
    for item, label in labels.items():
        if held.get(item, label) != label:
            raise ValidationError(
                f"Item `{shown(item)}` is labelled `{shown(label)}` here, but `{shown(held[item])}` "
                "is stored; withdraw the stored label first."
            )
    new = {item: label for item, label in labels.items() if item not in held}
    if not new:
        return None
    by = [annotators.get(item) for item in new] if annotators else None
    blob = store.write_labels(list(new), list(new.values()), by)
    stored = StoredLabels(blob=blob, count=len(new), chosen=chosen)
    batch = record_labels(user=user, version=version, stored=stored)
    announce([version], user=user)
    return batch
