"""`manage.py verify CARD`: whether the numbers of a result card follow from the data here."""

import sys
from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core import cards


class Command(BaseCommand):
    help = (
        "Compute the numbers of a result card again from the data of this installation. Ends with 0 "
        "where they are the same, with 1 where they differ or nothing can be said."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("card", type=Path, help="a .card.json file; - reads from the input")

    def handle(self, *, card: Path, **options: Any) -> None:
        try:
            with nullcontext(sys.stdin.buffer) if str(card) == "-" else card.open("rb") as stream:
                content = stream.read(cards.MOST_BYTES + 1)
            finding = cards.verify(content, self._tell if options["verbosity"] > 1 else _quiet)
        except OSError as error:
            raise CommandError(f"{card} cannot be read: {error.strerror}.") from error
        except cards.CardError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{'The same' if finding.same else 'Different'}. {finding.note}")
        for line in finding.differences:
            self.stdout.write(f"  {line}")
        if not finding.same:
            sys.exit(1)

    def _tell(self, done: int, total: int, message: str) -> None:
        self.stdout.write(f"{done:,} of {total:,}: {message}")


def _quiet(done: int, total: int, message: str) -> None:
    """Says nothing."""
