"""`manage.py doctor`: looks at this installation and says what is wrong and what to do."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from apps.core import doctor


class Command(BaseCommand):
    help = "Look for the usual mistakes; ends with status 1 where something must be mended."
    requires_system_checks: list[str] = []  # it tells in words what these would fail on

    def handle(self, **options: Any) -> None:
        grave = small = 0
        for name, complaints in doctor.examine():
            if not complaints:
                self.stdout.write(f"well     {name}")
            for complaint in complaints:
                grave += complaint.grave
                small += not complaint.grave
                word = "mend" if complaint.grave else "better"
                self.stdout.write(
                    f"{word:<8} {name}: {complaint.what}.\n         {complaint.remedy}"
                )
        self.stdout.write("")
        if not grave and not small:
            self.stdout.write("Nothing was found.")
            return
        self.stdout.write(f"To mend: {grave}. Better otherwise: {small}.")
        if grave:
            sys.exit(1)
