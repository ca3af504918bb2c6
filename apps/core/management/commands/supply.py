"""`manage.py supply`: licences, pins and known weaknesses of what Assay is built of."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.core import supply


class Command(BaseCommand):
    help = "Check licences and versions of everything that Assay needs; works without a network."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        found = supply.complaints(settings.BASE_DIR / "constraints.txt")
        for sentence in found:
            self.stdout.write(sentence)
        if found:
            sys.exit(1)
        count = sum(1 for _ in supply.required())
        self.stdout.write(f"{count} distributions: licences allowed, versions pinned, none unsafe.")
