"""One trial: a stream of jobs while workers and servers are killed, and worse.

A process of its own: `python -m apps.jobs.chaos.trial WATCH SETUP KILLS SEED FOLDER`, WATCH being the class
that brings the jobs and judges them; prints one JSON object.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from apps.jobs.chaos.crew import Crew
    from apps.jobs.chaos.setups import Setup
    from apps.jobs.chaos.watch import Watch

WORKERS = 2
# Of so many kills, one is a server's; so many kills lie between two disturbances of each other kind.
KILLS_TO_A_SERVER = 12
KILLS_BETWEEN = {"stop": 10, "full": 15, "clock": 20}
SERVER_AWAY_SECONDS = (0.2, 3.0)


def main(watch: str, name: str, kills: int, seed: int, folder: Path) -> dict[str, Any]:
    """Prepare the set-up, run the trial and say what came of it. Raises setups.Unavailable."""
    from apps.jobs.chaos import setups

    # Told to end, it leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with setups.prepared(name, folder, own_servers=True) as setup:
        os.environ.update(setup.env)
        phases = folder / "phases"
        phases.mkdir()
        os.environ["ASSAY_SELFTEST_PHASES"] = str(phases)
        django.setup()
        found = _run(import_string(watch), setup, kills, random.Random(seed), phases)
        return {"description": setup.description, **found}


def _run(
    watching: type[Watch], setup: Setup, kills: int, rng: random.Random, phases: Path
) -> dict[str, Any]:
    from django.core.management import call_command

    from apps.jobs.chaos.crew import Crew
    from apps.jobs.chaos.watch import patiently
    from apps.teams.models import Team

    patiently(lambda: call_command("migrate", verbosity=0))
    team = Team.objects.create(name="Chaos", slug="chaos")
    watch = watching(team, setup.folder, rng)
    began = time.monotonic()
    with (setup.folder / "workers.log").open("wb") as log:
        crew = Crew(WORKERS, log, rng, phases)
        trial = Trial(setup, crew, watch, rng)
        try:
            _wait_for_workers()
            trial.disturb(kills)
            while watch.live() and not watch.stuck:
                trial.tend()
                time.sleep(0.2)
        finally:
            crew.end()
    return {
        **watch.verdict(),
        **crew.counts,
        **watch.counts,
        "met": dict(watch.met),
        "kills": kills,
        "killed_in": dict(crew.killed_in),
        "seconds": round(time.monotonic() - began, 1),
    }


def _wait_for_workers() -> None:
    from apps.jobs import presence

    deadline = time.monotonic() + 120
    while presence.alive().count() < WORKERS:
        if time.monotonic() > deadline:
            raise SystemExit("The workers did not start.")
        time.sleep(0.1)


class Trial:
    """Keeps jobs coming and disturbs whoever works on them."""

    def __init__(self, setup: Setup, crew: Crew, watch: Watch, rng: random.Random) -> None:
        self.watch = watch
        self._setup, self._crew, self._rng = setup, crew, rng
        self._parent = os.getppid()

    def disturb(self, kills: int) -> None:
        """Kill somebody every now and then, until `kills` are done."""
        for done in range(1, kills + 1):
            if self.watch.stuck:
                return
            self.watch.enqueue()
            time.sleep(self._rng.expovariate(1 / self.watch.seconds_between_kills))
            if done % KILLS_TO_A_SERVER == 0:
                self._kill_a_server()
            else:
                while not self.watch.kill(self._crew):  # they are only just starting
                    self.tend()
                    time.sleep(0.05)
            if done % KILLS_BETWEEN["stop"] == 0:
                self._crew.stop_for(self._rng.uniform(2.2, 8.0))
            if done % KILLS_BETWEEN["full"] == 0:
                self._crew.fill_disk_for(self._rng.uniform(0.5, 2.0))
            if done % KILLS_BETWEEN["clock"] == 0:
                self._set_clock(self._rng.choice((-3, 3)))
            self.tend()

    def tend(self) -> None:
        """See that whoever was killed comes back; while a server is away, nobody is expected to work."""
        if os.getppid() != self._parent:
            raise SystemExit("Whoever wanted to know is gone.")
        self._crew.tend()
        if not all(server.answers() for server in self._setup.servers.values()):
            self.watch.forgive()

    def _kill_a_server(self) -> None:
        """Kill one, and have it start again a little later; the folder of the embedded set-up goes away."""
        phases = self._crew.phases_now()
        self._crew.killed_in.update(phases[:1] or ["idle"])
        away = self._rng.uniform(*SERVER_AWAY_SECONDS)
        if not self._setup.servers:
            self._crew.counts["storage"] += 1
            self._take_folder_away(away)
            return
        what = self._rng.choice(sorted(self._setup.servers))
        server = self._setup.servers[what]
        self._crew.counts[what] += 1
        server.kill()
        time.sleep(away)
        server.start()
        while not server.answers():
            self.tend()
            time.sleep(0.1)

    def _take_folder_away(self, seconds: float) -> None:
        """As when the disk that a folder lies on is not mounted any more."""
        folder = self._setup.folder / "files"
        aside = folder.with_name("files-away")
        with suppress(OSError):
            folder.rename(aside)
            folder.write_text("")
            time.sleep(seconds)
            folder.unlink()
            aside.rename(folder)

    def _set_clock(self, hours: int) -> None:
        """As when the clock of the database jumps by so many hours: all that was written moves the other
        way, seen from now."""
        from django.db.models import F

        from apps.jobs.chaos.watch import patiently
        from apps.jobs.models import Job, Worker

        shift = timedelta(hours=-hours)

        def move() -> None:
            Job.objects.filter(leased_until__isnull=False).update(
                leased_until=F("leased_until") + shift, heartbeat_at=F("heartbeat_at") + shift
            )
            Job.objects.filter(run_after__isnull=False).update(run_after=F("run_after") + shift)
            Worker.objects.update(seen_at=F("seen_at") + shift)

        patiently(move)
        self._crew.counts["clock"] += 1


if __name__ == "__main__":
    from apps.jobs.chaos.setups import Unavailable

    try:
        watch, name, kills, seed, folder = sys.argv[1:]
        found = main(watch, name, int(kills), int(seed), Path(folder))
    except Unavailable as reason:
        found = {"unavailable": str(reason)}
    totals: Counter[str] = Counter(found.pop("killed_in", {}))
    print(json.dumps({**found, "killed_in": totals}))
