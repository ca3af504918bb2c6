"""`manage.py chaos`: kill and spoil whatever work rests on, and prove that it does not suffer."""

import json
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.jobs.chaos import setups

FAULTS = ("lost", "doubled", "stuck", "differing", "paid_twice", "over_limit")
# What is told of a trial beside its row of the table, and how.
DONE = (
    ("child", "workers' children killed"),
    ("parent", "workers killed whole"),
    ("model", "models' processes killed"),
    ("broker", "brokers killed"),
    ("database", "databases killed"),
    ("storage", "storage killed or taken away"),
    ("stopped", "workers put to sleep past their lease"),
    ("full", "disks full"),
    ("clock", "clocks set by three hours"),
    ("twice", "wake-ups sent twice"),
    ("leases_lost", "leases lost"),
    ("retried", "attempts that ended in an error"),
    ("chats", "chats beside the runs"),
    ("resumed", "runs resumed by their owner"),
)
COLUMNS = {
    "jobs": "jobs",
    "kills": "kills",
    "lost": "lost",
    "doubled": "doubled",
    "stuck": "stuck over 60 s",
    "differing": "numbers that differ",
    "paid_twice": "paid twice",
    "over_limit": "over the limit",
    "silence": "longest silence, s",
    "seconds": "seconds",
}


@dataclass(frozen=True)
class Trial:
    """`watch`: the class that brings the jobs and judges them. `kills_to_one`: so many kills of the jobs'
    trials stand for one of this, which takes longer."""

    title: str
    watch: str
    setup: str = "embedded"
    kills_to_one: int = 1


_RUNS = "apps.inference.chaos.runs."
TRIALS = {
    **{name: Trial(f"jobs, {name}", "apps.jobs.chaos.steps.Steps", name) for name in setups.NAMES},
    "endpoint": Trial("runs over an endpoint", f"{_RUNS}EndpointRuns", kills_to_one=10),
    "hangs": Trial("an endpoint that hangs", f"{_RUNS}Hangs", kills_to_one=20),
    "lies": Trial("an endpoint that lies", f"{_RUNS}Lies", kills_to_one=20),
    "floods": Trial("an endpoint that floods", f"{_RUNS}Floods", kills_to_one=20),
    "local": Trial("runs of a local model", f"{_RUNS}LocalRuns", kills_to_one=20),
}


class Command(BaseCommand):
    help = "Disturb jobs on every set-up that is here, and runs of models; prove that none suffers."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--kills", type=int, default=200, help="kills for each set-up")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--trials", default=",".join(TRIALS))

    def handle(self, *, kills: int, seed: int, **options: Any) -> None:
        names = [name.strip() for name in options["trials"].split(",") if name.strip()]
        if unknown := set(names) - set(TRIALS):
            raise CommandError(f"`{unknown.pop()}` is not one of {', '.join(TRIALS)}.")
        tried = {
            name: found for name in names if (found := self._one(name, kills, seed)) is not None
        }
        if not tried:
            raise CommandError("Nothing could be tried.")
        self._table(tried)
        if any(outcome.get(fault) for outcome in tried.values() for fault in FAULTS):
            raise CommandError("Jobs suffered.")
        done = sum(outcome["kills"] for outcome in tried.values())
        self.stdout.write(
            f"{done:,} kills: 0 lost, 0 doubled, 0 stuck, the same numbers, nothing paid twice, no limit "
            "passed."
        )

    def _one(self, name: str, kills: int, seed: int) -> dict[str, Any] | None:
        trial = TRIALS[name]
        own = max(1, kills // trial.kills_to_one)
        self.stdout.write(f"{name}: {own} kills, seed {seed} …")
        self.stdout.flush()
        with tempfile.TemporaryDirectory(prefix="assay-chaos-", ignore_cleanup_errors=True) as made:
            found = self._trial(trial, own, seed, Path(made))
        if reason := found.get("unavailable"):
            self.stdout.write(f"{name}: skipped, because {reason}.")
            return None
        done = [f"{words}: {found[key]:,}" for key, words in DONE if found.get(key)]
        met = [f"{count} {what}" for what, count in sorted(found.get("met", {}).items())]
        phases = [f"{phase} {count}" for phase, count in sorted(found["killed_in"].items())]
        self.stdout.write(f"  on {found['description']}: {', '.join(done)}")
        if set(found["killed_in"]) - {"idle"}:
            self.stdout.write(f"  killed while a worker was {', '.join(phases)}")
        if met:
            self.stdout.write(f"  the endpoint: {', '.join(met)}")
        self.stdout.flush()
        return found

    def _trial(self, trial: Trial, kills: int, seed: int, folder: Path) -> dict[str, Any]:
        argv = [sys.executable, "-m", "apps.jobs.chaos.trial", trial.watch, trial.setup]
        with subprocess.Popen(
            [*argv, str(kills), str(seed), str(folder)],
            cwd=settings.BASE_DIR,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                output, _ = process.communicate()
            except BaseException:
                process.terminate()
                raise
        if process.returncode != 0:
            log = folder / "workers.log"
            last = log.read_text(errors="replace")[-3000:] if log.exists() else ""
            raise CommandError(f"The trial of {trial.title} broke off.\n{last}")
        found: dict[str, Any] = json.loads(output.splitlines()[-1])
        return found

    def _table(self, outcomes: dict[str, dict[str, Any]]) -> None:
        width = max(len(TRIALS[name].title) for name in outcomes)
        heads = "".join(f"  {words}" for words in COLUMNS.values())
        self.stdout.write(f"\n{'':<{width}}{heads}")
        for name, outcome in outcomes.items():
            cells = "".join(
                f"  {outcome.get(key, '-'):>{len(words)}}" for key, words in COLUMNS.items()
            )
            self.stdout.write(f"{TRIALS[name].title:<{width}}{cells}")
