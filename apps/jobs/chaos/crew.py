"""Real worker processes, and the ways to disturb them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Timer
from typing import IO

import psutil

from apps.jobs.worker import worker_argv

ROOT = Path(__file__).resolve().parents[3]
PHASE_SECONDS = 1.0
FULL_DISK_BYTES = 1  # that a process may still write to a file


class Crew:
    """`size` workers, each a parent with one child; a parent that was killed is started again.

    `phases`: the folder in which children say what they are in the middle of.
    """

    def __init__(self, size: int, log: IO[bytes], rng: random.Random, phases: Path) -> None:
        self.counts: Counter[str] = Counter()
        self.killed_in: Counter[str] = Counter()
        self._log, self._rng, self._phases = log, rng, phases
        self._workers = [self._start() for _ in range(size)]
        self._groups = [worker.pid for worker in self._workers]

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
        """Start parents that are gone again."""
        for place, worker in enumerate(self._workers):
            if worker.poll() is not None:
                self._workers[place] = self._start()
                self._groups.append(self._workers[place].pid)

    def later(self, seconds: float, end: Callable[[], object]) -> None:
        """Call `end` after so long, whatever this process waits for then: perhaps for a lock that only a
        sleeper can give up."""

        def act() -> None:
            with suppress(psutil.Error):
                end()

        timer = Timer(seconds, act)
        timer.daemon = True
        timer.start()

    def phase(self, pid: int) -> str:
        """What the child `pid` said last that it is in the middle of."""
        try:
            return (self._phases / str(pid)).read_text() or "idle"
        except OSError:
            return "idle"

    def phases_now(self) -> list[str]:
        """What each child is in the middle of."""
        return [self.phase(child.pid) for child in self._children()]

    def kill(self, wanted: str = "") -> bool:
        """Kill a child (nine of ten times) or a parent; False where there is no child.

        Waits PHASE_SECONDS for a child to come to the phase `wanted`, where one is named; whichever phase
        it was killed in is counted.
        """
        children = self._children()
        if not children:
            return False
        victim: psutil.Process | None = None
        deadline = time.monotonic() + PHASE_SECONDS
        while wanted and victim is None and time.monotonic() < deadline:
            victim = next((one for one in children if self.phase(one.pid) == wanted), None)
            time.sleep(0.0005)
        victim = victim or self._rng.choice(children)
        with suppress(psutil.Error):
            pid = victim.pid
            what = "child" if self._rng.random() < 0.9 else "parent"
            (victim if what == "child" else psutil.Process(victim.ppid())).kill()
            self.killed_in[self.phase(pid)] += 1
            self.counts[what] += 1
            return True
        return False

    def stop_for(self, seconds: float) -> None:
        """Stop a child (or it and its parent) for so long, as a laptop that sleeps would: its job goes to
        another worker, and when it wakes there are two on it."""
        for victim in self._some_worker():
            with suppress(psutil.Error):  # it has just been killed
                victim.suspend()
                self.later(seconds, victim.resume)
        self.counts["stopped"] += 1

    def fill_disk_for(self, seconds: float) -> None:
        """Let a worker write nothing to any file for so long: the kernel refuses it."""
        for victim in self._some_worker():
            with suppress(psutil.Error):
                soft, hard = victim.rlimit(psutil.RLIMIT_FSIZE)
                victim.rlimit(psutil.RLIMIT_FSIZE, (FULL_DISK_BYTES, hard))
                restore = partial(victim.rlimit, psutil.RLIMIT_FSIZE, (soft, hard))
                self.later(seconds, restore)
        self.counts["full"] += 1

    def _some_worker(self) -> list[psutil.Process]:
        """A child, or (three of ten times) it and its parent."""
        children = self._children()
        if not children:
            return []
        child = self._rng.choice(children)
        with suppress(psutil.Error):
            if self._rng.random() < 0.3:
                return [child, psutil.Process(child.ppid())]
        return [child]

    def kill_below(self, word: str) -> bool:
        """Kill a process that a child has started, with `word` in its command; False where there is none."""
        found: list[psutil.Process] = []
        for child in self._children():
            with suppress(psutil.Error):
                found += [one for one in child.children(recursive=True) if word in one.cmdline()]
        if not found:
            return False
        with suppress(psutil.Error):
            self._rng.choice(found).kill()
        return True

    def _children(self) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for worker in self._workers:
            with suppress(psutil.Error):
                found += psutil.Process(worker.pid).children()
        return found

    def end(self) -> None:
        """End every process that this crew ever started."""
        for group in self._groups:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        for worker in self._workers:
            worker.wait()
