"""The whole of an installation in one file, to be read back into an empty one, on any database.

A tar archive: `manifest.json`, the rows of each table as JSON lines, and every stored file under its hash.
"""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from django.apps import apps
from django.core import serializers
from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model
from django.utils import timezone

from apps.core import files

FORMAT = 1
_MANIFEST = "manifest.json"

# Made by `migrate`, or of use to the running installation alone.
_LEFT_OUT = {
    "admin.LogEntry",
    "auth.Permission",
    "contenttypes.ContentType",
    "sessions.Session",
    "teams.KeyedRequest",
}


class BackupError(Exception):
    """Why a backup cannot be made or read, in one sentence; nothing was changed."""


def write_backup(target: IO[bytes]) -> dict[str, int]:
    """Write everything to `target` and return the number of rows by table, and of `files`.

    The rows are those of one moment; files are only ever added, so those it names are there.
    """
    counts: dict[str, int] = {}
    with tarfile.open(fileobj=target, mode="w|") as archive:
        with _one_moment():
            manifest = {
                "format": FORMAT,
                "made_at": timezone.now().isoformat(),
                "migrations": _migrations(),
            }
            _add(archive, _MANIFEST, io.BytesIO(json.dumps(manifest, indent=2).encode()))
            for number, model in enumerate(_models()):
                label = model._meta.label
                with tempfile.TemporaryFile() as rows:
                    counts[label] = _write_rows(model, rows)
                    _add(archive, f"rows/{number:03}-{label}.jsonl", rows)
        counts["files"] = 0
        for digest in files.older_than(timezone.now() + timedelta(days=1)):
            if len(digest) == 64:  # anything else is a draft
                with files.local_path(digest) as path, path.open("rb") as stream:
                    _add(archive, f"files/{digest}", stream)
                counts["files"] += 1
    return counts


def read_backup(path: Path) -> dict[str, int]:
    """Bring a backup into this installation, which must be empty and at the same migrations.

    All rows or none. Files that were stored before a failure stay; they are garbage, collected later.

    Raises:
        BackupError: it is not empty, the backup is cut, altered or of another version.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            _check(archive)
            return _read(archive)
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{path} is not a backup, or it is cut: {error}") from error


def _read(archive: tarfile.TarFile) -> dict[str, int]:
    counts: dict[str, int] = {"files": 0}
    members = archive.getmembers()
    for member in members:
        if member.name.startswith("files/"):
            digest = member.name.removeprefix("files/")
            if files.put(_opened(archive, member)) != digest:
                raise BackupError(f"The file {digest} was altered: its content has another hash.")
            counts["files"] += 1
    try:
        with transaction.atomic():
            for member in members:
                if member.name.startswith("rows/"):
                    label = member.name.split("-", 1)[1].removesuffix(".jsonl")
                    counts[label] = _read_rows(_opened(archive, member))
            connection.check_constraints()
    except (serializers.base.DeserializationError, DatabaseError, ValueError) as error:
        raise BackupError(f"The rows of {label} cannot be read back: {error}") from error
    _go_on_counting()
    return counts


def _check(archive: tarfile.TarFile) -> None:
    """Raise BackupError unless the backup is whole enough to begin, and there is nothing here."""
    try:
        manifest = json.load(_opened(archive, archive.getmember(_MANIFEST)))
    except (KeyError, ValueError) as error:
        raise BackupError("This archive is not a backup of Assay: it has no manifest.") from error
    if manifest.get("format") != FORMAT:
        raise BackupError(f"This backup has the format {manifest.get('format')}, not {FORMAT}.")
    theirs, ours = manifest.get("migrations", {}), _migrations()
    different = sorted(app for app in {*theirs, *ours} if theirs.get(app) != ours.get(app))
    if different:
        app = different[0]
        raise BackupError(
            f"The backup was made with another version: {app} is at {theirs.get(app)} there and at "
            f"{ours.get(app)} here. Restore it with the version that made it, then upgrade."
        )
    for model in _models():
        if model._default_manager.exists():
            raise BackupError(
                f"This installation is not empty: it has {model._meta.verbose_name_plural}. "
                "Restore into a new one."
            )


def _models() -> Iterator[type[Model]]:
    return (model for model in apps.get_models() if model._meta.label not in _LEFT_OUT)


def _migrations() -> dict[str, str]:
    """The last migration of each app."""
    rows = MigrationRecorder(connection).migration_qs.order_by("app", "name")
    return dict(rows.values_list("app", "name"))


@contextmanager
def _one_moment() -> Iterator[None]:
    """Every read inside sees the same state of the database."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                # Between two tables it writes to the archive, for as long as that takes.
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield


class _ToTheMicrosecond(DjangoJSONEncoder):
    """Django's own drops what is below a millisecond."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def _write_rows(model: type[Model], target: IO[bytes]) -> int:
    count = 0
    for row in model._default_manager.order_by("pk").iterator(chunk_size=1000):
        line = serializers.serialize("jsonl", [row], cls=_ToTheMicrosecond).strip()
        target.write(line.encode() + b"\n")
        count += 1
    return count


def _read_rows(source: IO[bytes]) -> int:
    count = 0
    lines = io.TextIOWrapper(source, encoding="utf-8", newline="\n")
    for found in serializers.deserialize("jsonl", lines):
        found.save()
        count += 1
    return count


def _add(archive: tarfile.TarFile, name: str, stream: IO[bytes]) -> None:
    info = tarfile.TarInfo(name)
    info.size = stream.seek(0, io.SEEK_END)
    info.mode = 0o600
    stream.seek(0)
    archive.addfile(info, stream)


def _opened(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    stream = archive.extractfile(member)
    if stream is None:
        raise BackupError(f"{member.name} is not a file in this backup.")
    return stream


def _go_on_counting() -> None:
    """Let databases that number rows themselves begin after those that were read back."""
    statements = connection.ops.sequence_reset_sql(no_style(), list(_models()))
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
