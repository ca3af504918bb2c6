"""`manage.py demo`: a board of really trained models to look at and play with."""

import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Train the demo's classifiers and bring them in, into the local admin's team."

    def handle(self, *args: Any, **options: Any) -> None:
        from apps.catalog.models import Dataset
        from apps.core.demo import loading, people

        user = people.local_admin()
        team = people.local_team(user) if user else None
        if user is None or team is None:
            raise CommandError(
                f"The demo belongs to {people.ADMIN_EMAIL}, and there is no such admin."
            )
        if Dataset.objects.filter(team=team, name=loading.NAME).exists():
            raise CommandError(f"The team {team.name} has a dataset {loading.NAME} already.")
        from apps.core.demo.training import make

        began = time.monotonic()
        self.stdout.write("Making the demo, once: training classifiers on handwritten digits")
        demo = make(self._progress)
        try:
            loading.load(demo, user=user, team=team, say=lambda line: None)
            self._routing(user, team)
        except loading.DemoFailed as failure:
            raise CommandError(f"The demo could not be made: {failure}") from failure
        self.stdout.write(f"The demo is made ({time.monotonic() - began:.0f} s)")

    def _routing(self, user: Any, team: Any) -> None:
        """The example of routing; its evaluation is the worker's first work."""
        from apps.core.demo.routing import loading
        from apps.core.demo.routing.making import make

        self.stdout.write("Asking six small models short questions, for an example of routing")
        loading.load(*make(self._progress), user=user, team=team)

    def _progress(self, done: int, total: int, name: str) -> None:
        """One line that is written over, where somebody looks at it."""
        if sys.stdout.isatty():
            self.stdout.write(f"\r  {done + 1} of {total}: {name:<24}", ending="")
            if done + 1 == total:
                self.stdout.write("")
            self.stdout.flush()
