"""`manage.py backup FILE`: everything in one file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.backup import write_backup


class Command(BaseCommand):
    help = "Write all rows and files of this installation into one new file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **options: Any) -> None:
        draft = file.with_name(f".{file.name}.part")
        if file.exists():
            raise CommandError(f"{file} exists already; a backup is never written over another.")
        try:
            with draft.open("xb") as target:
                draft.chmod(0o600)
                counts = write_backup(target)
            draft.rename(file)
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
        finally:
            draft.unlink(missing_ok=True)
        rows = sum(counts.values()) - counts["files"]
        self.stdout.write(
            f"{rows:,} rows and {counts['files']:,} files are in {file}. Keep it as safe as the "
            "database, and SECRET_KEY with it."
        )
