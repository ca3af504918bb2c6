"""`manage.py gc`: delete stored files that nothing needs."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.catalog.garbage import collect_garbage


class Command(BaseCommand):
    help = "Delete abandoned uploads and stored files that no row names."

    def handle(self, *args: Any, **options: Any) -> None:
        count = collect_garbage()
        self.stdout.write(f"{count} {'file' if count == 1 else 'files'} deleted.")
