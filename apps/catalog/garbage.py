"""Files that nobody needs any more."""

import re
from datetime import datetime, timedelta

from django.apps import apps
from django.db.models import JSONField, Model, Q
from django.utils import timezone

from apps.catalog.models import Upload
from apps.core import files

GRACE = timedelta(hours=1)  # longer than any writer takes from putting a file to naming it
ABANDONED = timedelta(days=7)
_HASH = re.compile(r"\b[0-9a-f]{64}\b")


def collect_garbage(*, now: datetime | None = None) -> int:
    """Delete uploads nobody finished within a week, then stored files that no row names.

    Files put within the last hour are left alone: the row that names them may be on its way.

    Returns:
        The number of files deleted.
    """
    moment = now or timezone.now()
    waiting = Q(state__in=(Upload.State.SNIFFED, Upload.State.REJECTED))
    Upload.objects.filter(waiting, created_at__lt=moment - ABANDONED, lead__isnull=True).delete()
    candidates = set(files.older_than(moment - GRACE))
    unnamed = candidates - _named() if candidates else set()
    # Asked once more: a file put a second time meanwhile is young again.
    doomed = unnamed & set(files.older_than(moment - GRACE)) if unnamed else set()
    for name in doomed:
        if _HASH.fullmatch(name):
            files.delete(name)
        else:
            files.delete_draft(name)
    return len(doomed)


def _named() -> set[str]:
    """Every hash that a row of any room names: in fields called `blob`, `..._blob`, `inputs`, `artifacts`."""
    found: set[str] = set()
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if field.name == "blob" or field.name.endswith("_blob"):
                found.update(_values(model, field.name))
            elif field.name in ("inputs", "artifacts") and isinstance(field, JSONField):
                for value in _values(model, field.name):
                    found.update(_HASH.findall(str(value)))
    return found


def _values(model: type[Model], name: str) -> set[str]:
    rows = model._default_manager.values_list(name, flat=True)
    return {str(value) for value in rows.iterator()}
