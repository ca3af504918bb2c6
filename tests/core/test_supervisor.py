"""Programs are started again when they die, and none is left behind."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.core import guard
from apps.core.supervisor import QUICK_FAILURES, Program, Supervisor

REPOSITORY = Path(__file__).resolve().parents[2]
# A parent with a child, both of which write their process ids; the parent ignores being asked to end.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}")
time.sleep(600)
"""


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def pids_in(path: Path) -> list[int]:
    wait_until(lambda: path.exists() and len(path.read_text().split()) == 2)
    return [int(pid) for pid in path.read_text().split()]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def watched(said: list[str]) -> Iterator[Callable[[list[Program]], Supervisor]]:
    """Start a supervisor over programs, watch it in a thread, and end it after the test."""
    running: list[tuple[Supervisor, threading.Thread]] = []

    def start(programs: list[Program]) -> Supervisor:
        supervisor = Supervisor(programs, said.append)
        supervisor.start()
        thread = threading.Thread(target=supervisor.watch)
        thread.start()
        running.append((supervisor, thread))
        return supervisor

    yield start
    for supervisor, thread in running:
        supervisor.stop_requested.set()
        thread.join()
        supervisor.stop()


def test_a_killed_program_is_started_again(
    watched: Callable[[list[Program]], Supervisor], said: list[str]
) -> None:
    program = Program("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"])
    watched([program])
    first = program.process
    assert first is not None
    first.kill()
    wait_until(lambda: program.process not in (None, first))
    assert said == ["The sleeper ended (signal SIGKILL); starting it again in 1 s."]


def test_a_program_that_keeps_failing_is_given_up_with_one_line(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.core.supervisor.LONGEST_PAUSE_SECONDS", 0.0)
    supervisor = Supervisor([Program("quitter", [sys.executable, "-c", "exit(3)"])], said.append)
    supervisor.start()
    status = supervisor.watch()
    supervisor.stop()
    assert status == 1
    assert len(said) == QUICK_FAILURES
    assert said[-1] == "The quitter ended (exit status 3) for the 5th time in a row: giving up."


def test_stopping_kills_what_does_not_end_by_itself_and_its_children(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard.end_groups, "__defaults__", (0.3,))
    program = Program("stubborn", [sys.executable, "-c", STUBBORN, str(tmp_path / "pids")])
    supervisor = Supervisor([program], said.append)
    supervisor.start()
    pids = pids_in(tmp_path / "pids")
    supervisor.stop()
    wait_until(lambda: not any(map(lives, pids)))


def test_children_of_a_dead_program_do_not_outlive_it(
    tmp_path: Path, watched: Callable[[list[Program]], Supervisor]
) -> None:
    program = Program("stubborn", [sys.executable, "-c", STUBBORN, str(tmp_path / "pids")])
    watched([program])
    parent, child = pids_in(tmp_path / "pids")
    os.kill(parent, signal.SIGKILL)
    wait_until(lambda: not lives(child))


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import sys
        from apps.core.supervisor import Program, Supervisor
        argv = [sys.executable, "-c", {STUBBORN!r}, {str(tmp_path / "pids")!r}]
        supervisor = Supervisor([Program("stubborn", argv)], print)
        supervisor.start()
        supervisor.watch()
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY)
    pids = pids_in(tmp_path / "pids")
    process.kill()
    process.wait()
    wait_until(lambda: not any(map(lives, pids)))
