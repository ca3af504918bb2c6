"""`manage.py restore FILE`: a backup into an empty installation."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.backup import BackupError, read_backup


class Command(BaseCommand):
    help = "Read a backup into this installation, which must be migrated and empty."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            counts = read_backup(file)
        except BackupError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        rows = sum(counts.values()) - counts["files"]
        self.stdout.write(f"{rows:,} rows and {counts['files']:,} files are back.")
