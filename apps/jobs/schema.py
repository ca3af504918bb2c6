"""Whether this process and the database are of the same version.

While an installation is upgraded, old and new workers live beside each other. A worker whose code does
not fit the tables takes no jobs: it leaves them to those that do, and says why.
"""

from functools import lru_cache

from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

Migration = tuple[str, str]


@lru_cache(maxsize=1)
def known() -> tuple[frozenset[Migration], frozenset[Migration]]:
    """The migrations of this project's rooms that this process came with, and those they replace.

    Read once, at the start of a worker: its code is as old as that, whatever lies on the disk later.
    """
    ours = {room.label for room in apps.get_app_configs() if room.name.startswith("apps.")}
    found = MigrationLoader(None).disk_migrations
    here = {key: migration for key, migration in found.items() if key[0] in ours}
    replaced = {old for migration in here.values() for old in migration.replaces}
    return frozenset(here), frozenset(replaced)


def difference() -> str:
    """Why this process must leave the database's jobs alone, in one sentence; empty where it fits."""
    here, replaced = known()
    rooms = {room for room, _ in here}
    rows = MigrationRecorder(connection).migration_qs.filter(app__in=rooms)
    there = set(rows.values_list("app", "name"))
    if newer := sorted(there - here - replaced):
        return (
            f"The database is newer than this worker: it has {_named(newer[0])}. "
            "Restart the worker with the new version."
        )
    missing = sorted(here - there)
    if missing and not (replaced & there):
        return (
            f"The database is older than this worker: it lacks {_named(missing[0])}. "
            "Run `manage.py migrate`."
        )
    return ""


def _named(migration: Migration) -> str:
    return ".".join(migration)
