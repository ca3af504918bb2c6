"""Real worker processes, and the ways to disturb them."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from apps.jobs.worker import worker_argv

ROOT = Path(__file__).resolve().parents[3]


class Crew:
    """`size` workers, each a parent with one child; a parent that was killed is started again."""

    def __init__(self, size: int, log: IO[bytes], rng: random.Random) -> None:
        self.counts: Counter[str] = Counter()
        self._log = log
        self._rng = rng
        self._workers = [self._start() for _ in range(size)]
        self._groups = [worker.pid for worker in self._workers]
        self._asleep: list[tuple[float, psutil.Process]] = []

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            worker_argv(("default",), 1),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def tend(self) -> None:
        """Start parents that are gone again, and wake the processes that have slept long enough."""
        for place, worker in enumerate(self._workers):
            if worker.poll() is not None:
                self._workers[place] = self._start()
                self._groups.append(self._workers[place].pid)
        now = time.monotonic()
        for _, process in [entry for entry in self._asleep if entry[0] <= now]:
            with suppress(psutil.Error):
                process.resume()
        self._asleep = [entry for entry in self._asleep if entry[0] > now]

    def kill(self) -> bool:
        """Kill a child (four of five times) or a parent; False where the one drawn has no child."""
        parent = psutil.Process(self._rng.choice(self._workers).pid)
        with suppress(psutil.Error):
            children = parent.children()
            if not children:
                return False
            what = "child" if self._rng.random() < 0.8 else "parent"
            (children[0] if what == "child" else parent).kill()
            self.counts[what] += 1
            return True
        return False

    def stop_for(self, seconds: float) -> None:
        """Stop a child (or it and its parent) for so long, as a laptop that sleeps would."""
        parent = psutil.Process(self._rng.choice(self._workers).pid)
        with suppress(psutil.Error):
            victims = parent.children()
            if self._rng.random() < 0.3:
                victims.append(parent)
            for victim in victims:
                victim.suspend()
                self._asleep.append((time.monotonic() + seconds, victim))
            self.counts["stopped"] += 1

    def end(self) -> None:
        """End every process that this crew ever started."""
        for group in self._groups:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        for worker in self._workers:
            worker.wait()
