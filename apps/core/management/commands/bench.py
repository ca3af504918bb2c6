"""`manage.py bench [NAME ...]`: measures what the product promises and says whether it holds.

`manage.py bench NAME ARGUMENT ...` runs one that takes arguments of its own.
"""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

# Prints what it measures through `say`; False where a promise is broken.
Benchmark = Callable[[Callable[[str], None]], bool]


class Study(Protocol):
    """A benchmark with arguments of its own: a module that has these two."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare them."""

    def run(self, say: Callable[[str], None], options: argparse.Namespace) -> None:
        """Measure and print; a ValueError is told to the user as it stands."""


def _declared(what: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for room in apps.get_app_configs():
        if room.name.startswith("apps.") and find_spec(f"{room.name}.benchmarks"):
            found |= getattr(import_module(f"{room.name}.benchmarks"), what, {})
    return found


def benchmarks() -> dict[str, Benchmark]:
    """All that the rooms have in `benchmarks.py`, by name."""
    return _declared("BENCHMARKS")


def studies() -> dict[str, Study]:
    """Those that take arguments."""
    return _declared("STUDIES")


class Command(BaseCommand):
    help = "Measure what the product promises: all of it, or the benchmarks named."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("names", nargs=argparse.REMAINDER, metavar="NAME")

    def handle(self, *, names: list[str], **options: Any) -> None:
        if names and (study := studies().get(names[0])):
            self.study(names[0], study, names[1:])
            return
        known = benchmarks()
        if unknown := sorted(set(names) - set(known)):
            raise CommandError(
                f"There is no benchmark {', '.join(unknown)}; there are "
                f"{', '.join(sorted({*known, *studies()}))}."
            )
        broken = []
        for name in names or known:
            self.say(f"{name}:")
            if not known[name](self.say):
                broken.append(name)
        if broken:
            self.say(f"A promise is broken: {', '.join(broken)}")
            sys.exit(1)

    def study(self, name: str, study: Study, arguments: list[str]) -> None:
        """Run a benchmark that takes arguments."""
        parser = argparse.ArgumentParser(prog=f"manage.py bench {name}", description=study.__doc__)
        study.add_arguments(parser)
        try:
            study.run(self.say, parser.parse_args(arguments))
        except ValueError as problem:
            raise CommandError(str(problem)) from problem

    def say(self, line: str) -> None:
        self.stdout.write(f"  {line}" if not line.endswith(":") else line)
        self.stdout.flush()
