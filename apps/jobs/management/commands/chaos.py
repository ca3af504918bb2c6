"""`manage.py chaos`: kill workers at random moments and prove that no job suffers."""

import json
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.jobs.chaos import setups

FAULTS = ("lost", "doubled", "stuck", "differing")
COLUMNS = ("jobs", "child", "parent", "stopped", "leases_lost", *FAULTS, "seconds")


class Command(BaseCommand):
    help = "Kill workers at random moments on every set-up that is here; prove that no job suffers."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--kills", type=int, default=200, help="kills for each set-up")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--setups", default=",".join(setups.NAMES))
        parser.add_argument("--broker", help="address of the broker, for a single set-up")
        parser.add_argument("--database", default=setups.DATABASE, help="a PostgreSQL server")

    def handle(self, *, kills: int, seed: int, broker: str | None, **options: Any) -> None:
        names = [name.strip() for name in options["setups"].split(",") if name.strip()]
        outcomes = {
            name: self._one(name, kills, seed, broker, options["database"]) for name in names
        }
        tried = {name: outcome for name, outcome in outcomes.items() if outcome is not None}
        if not tried:
            raise CommandError("No set-up could be tested.")
        self._table(tried)
        if any(outcome[fault] for outcome in tried.values() for fault in FAULTS):
            raise CommandError("Jobs suffered from killed workers.")
        self.stdout.write("0 lost, 0 doubled, 0 stuck, the same numbers.")

    def _one(
        self, name: str, kills: int, seed: int, broker: str | None, database: str
    ) -> dict[str, Any] | None:
        if name not in setups.NAMES:
            raise CommandError(f"`{name}` is not one of {', '.join(setups.NAMES)}.")
        with tempfile.TemporaryDirectory(prefix="assay-chaos-") as folder:
            try:
                with setups.prepared(name, Path(folder), broker, database) as setup:
                    self.stdout.write(f"{name}: {kills} kills on {setup.description} …")
                    self.stdout.flush()
                    return self._trial(setup, kills, seed, Path(folder))
            except setups.Unavailable as reason:
                self.stdout.write(f"{name}: skipped, because {reason}.")
                return None

    def _trial(self, setup: setups.Setup, kills: int, seed: int, folder: Path) -> dict[str, Any]:
        trial = subprocess.run(
            [sys.executable, "-m", "apps.jobs.chaos.trial", str(kills), str(seed)],
            cwd=settings.BASE_DIR,
            env=setup.env,
            stdout=subprocess.PIPE,
            text=True,
        )
        if trial.returncode != 0:
            log = folder / "workers.log"
            last = log.read_text(errors="replace")[-3000:] if log.exists() else ""
            raise CommandError(f"The trial on {setup.name} broke off.\n{last}")
        found: dict[str, Any] = json.loads(trial.stdout.splitlines()[-1])
        return found

    def _table(self, outcomes: dict[str, dict[str, Any]]) -> None:
        self.stdout.write("set-up    " + "".join(f"{column:>12}" for column in COLUMNS))
        for name, outcome in outcomes.items():
            cells = "".join(f"{outcome.get(column, 0):>12}" for column in COLUMNS)
            self.stdout.write(f"{name:<10}{cells}")
