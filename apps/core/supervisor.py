"""Starts programs, starts them again when they die, and leaves none behind.

Every program leads a process group of its own, so that ending it ends its children too, and Ctrl-C in
a terminal reaches the supervisor alone. Should the supervisor itself be killed, `apps.core.guard`
notices and ends the groups.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from apps.core import guard

QUICK_SECONDS = 10.0  # a program that lives shorter than this has failed quickly
QUICK_FAILURES = 5  # so many quick failures in a row end everything
LONGEST_PAUSE_SECONDS = 8.0


@dataclass
class Program:
    """A program to keep running, and what has become of it."""

    name: str
    argv: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_at: float = 0.0
    quick_failures: int = 0
    env: Mapping[str, str] = field(default_factory=dict)

    def describe_end(self) -> str:
        """ "exit status 1" or "signal SIGKILL"."""
        code = self.process.returncode if self.process else 0
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


class Supervisor:
    """Keeps `programs` running until `stop_requested` is set or one of them keeps failing."""

    def __init__(self, programs: Sequence[Program], say: Callable[[str], None]) -> None:
        self.programs = list(programs)
        self.say = say
        self.stop_requested = threading.Event()
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the guard, then every program."""
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "apps.core.guard"],
            stdin=subprocess.PIPE,
            start_new_session=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        for program in self.programs:
            self._launch(program)

    def _tell_guard(self, sign: str, group: int) -> None:
        if self._guard and self._guard.stdin:
            try:
                self._guard.stdin.write(f"{sign}{group}\n".encode())
                self._guard.stdin.flush()
            except BrokenPipeError:
                return

    def _launch(self, program: Program) -> None:
        program.process = subprocess.Popen(
            program.argv,
            process_group=0,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **program.env},
        )
        program.started = time.monotonic()
        self._tell_guard("+", program.process.pid)

    def _bury(self, program: Program) -> bool:
        """Clear up after a program that ended; False when it has failed too often to go on."""
        process = program.process
        if process is None:
            return True
        now = time.monotonic()
        guard.end_groups({process.pid}, patience=2.0)  # its children do not outlive it
        self._tell_guard("-", process.pid)
        quick = now - program.started < QUICK_SECONDS
        program.quick_failures = program.quick_failures + 1 if quick else 0
        ended = f"The {program.name} ended ({program.describe_end()})"
        program.process = None
        if program.quick_failures >= QUICK_FAILURES:
            self.say(f"{ended} for the {QUICK_FAILURES}th time in a row: giving up.")
            return False
        pause = min(0.5 * 2**program.quick_failures, LONGEST_PAUSE_SECONDS)
        program.start_at = now + pause
        self.say(f"{ended}; starting it again in {pause:g} s.")
        return True

    def something_ended(self) -> bool:
        """Whether a program that was started does not run now."""
        return any(
            program.process and program.process.poll() is not None for program in self.programs
        )

    def watch(self) -> int:
        """Keep the programs running; 0 when asked to stop, 1 when one keeps failing."""
        while not self.stop_requested.wait(0.1):
            for program in self.programs:
                if program.process is None:
                    if time.monotonic() >= program.start_at:
                        self._launch(program)
                elif program.process.poll() is not None and not self._bury(program):
                    return 1
        return 0

    def stop(self) -> None:
        """End every program: asked first, killed when it takes too long; then let the guard go."""
        processes = [program.process for program in self.programs if program.process]
        threads = [threading.Thread(target=process.wait) for process in processes]
        for thread in threads:  # reap at once: a zombie still counts as a living group
            thread.start()
        guard.end_groups({process.pid for process in processes})
        for thread in threads:
            thread.join()
        for process in processes:
            self._tell_guard("-", process.pid)
        if self._guard and self._guard.stdin:
            self._guard.stdin.close()
            self._guard.wait()
