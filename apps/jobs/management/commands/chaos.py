"""`manage.py chaos`: kill workers and servers at random moments and prove that no job suffers."""

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
# What was done, then what came of it.
DONE = (
    ("child", "workers' children killed"),
    ("parent", "workers killed whole"),
    ("broker", "brokers killed"),
    ("database", "databases killed"),
    ("storage", "storage killed or taken away"),
    ("stopped", "workers put to sleep past their lease"),
    ("full", "disks full"),
    ("clock", "clocks set by three hours"),
    ("twice", "wake-ups sent twice"),
)
CAME = (
    ("jobs", "jobs"),
    ("leases_lost", "leases lost"),
    ("retried", "attempts that ended in an error"),
    ("lost", "jobs lost"),
    ("doubled", "steps or ends doubled"),
    ("stuck", "jobs stuck over 60 s"),
    ("differing", "numbers that differ"),
    ("silence", "longest time without a sign, s"),
    ("seconds", "seconds in all"),
)


class Command(BaseCommand):
    help = "Kill workers and servers on every set-up that is here; prove that no job suffers."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--kills", type=int, default=200, help="kills for each set-up")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--setups", default=",".join(setups.NAMES))

    def handle(self, *, kills: int, seed: int, **options: Any) -> None:
        names = [name.strip() for name in options["setups"].split(",") if name.strip()]
        if unknown := set(names) - set(setups.NAMES):
            raise CommandError(f"`{unknown.pop()}` is not one of {', '.join(setups.NAMES)}.")
        tried = {
            name: found for name in names if (found := self._one(name, kills, seed)) is not None
        }
        if not tried:
            raise CommandError("No set-up could be tested.")
        self._table(tried)
        if any(outcome[fault] for outcome in tried.values() for fault in FAULTS):
            raise CommandError("Jobs suffered.")
        done = sum(outcome["kills"] for outcome in tried.values())
        self.stdout.write(f"{done:,} kills: 0 lost, 0 doubled, 0 stuck, the same numbers.")

    def _one(self, name: str, kills: int, seed: int) -> dict[str, Any] | None:
        self.stdout.write(f"{name}: {kills} kills, seed {seed} …")
        self.stdout.flush()
        with tempfile.TemporaryDirectory(prefix="assay-chaos-", ignore_cleanup_errors=True) as made:
            folder = Path(made)
            found = self._trial(name, kills, seed, folder)
        if reason := found.get("unavailable"):
            self.stdout.write(f"{name}: skipped, because {reason}.")
            return None
        phases = ", ".join(
            f"{phase} {count}" for phase, count in sorted(found["killed_in"].items())
        )
        self.stdout.write(f"  on {found['description']}; killed while a worker was {phases}")
        self.stdout.flush()
        return found

    def _trial(self, name: str, kills: int, seed: int, folder: Path) -> dict[str, Any]:
        argv = [sys.executable, "-m", "apps.jobs.chaos.trial", name, str(kills), str(seed)]
        with subprocess.Popen(
            [*argv, str(folder)], cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
        ) as trial:
            try:
                output, _ = trial.communicate()
            except BaseException:
                trial.terminate()
                raise
        if trial.returncode != 0:
            log = folder / "workers.log"
            last = log.read_text(errors="replace")[-3000:] if log.exists() else ""
            raise CommandError(f"The trial on {name} broke off.\n{last}")
        found: dict[str, Any] = json.loads(output.splitlines()[-1])
        return found

    def _table(self, outcomes: dict[str, dict[str, Any]]) -> None:
        width = max(len(words) for _, words in (*DONE, *CAME))
        self.stdout.write(" " * width + "".join(f"{name:>12}" for name in outcomes))
        for key, words in (*DONE, *CAME):
            cells = "".join(f"{outcome.get(key, 0):>12,}" for outcome in outcomes.values())
            self.stdout.write(f"{words:<{width}}{cells}")
