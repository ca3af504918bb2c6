"""`manage.py up` serves, and ends without leaving anything behind."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.db.migrations.loader import MigrationLoader

REPOSITORY = Path(__file__).resolve().parents[2]
FOREIGN = ("DATABASE_URL", "BROKER_URL", "SITE_URL", "ALLOWED_HOSTS", "S3_BUCKET", "STATIC_ROOT")


def environment(data_dir: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return kept | {"ASSAY_DATA_DIR": str(data_dir)}


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def up(data_dir: Path, port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "up", "--no-demo", "--port", str(port)],
        cwd=REPOSITORY,
        env=environment(data_dir),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def lines_until(process: subprocess.Popen[str], beginning: str) -> list[str]:
    """What was printed up to the line that begins so, or to the end."""
    lines: list[str] = []
    assert process.stdout
    for line in process.stdout:
        lines.append(line.rstrip())
        if line.startswith(beginning):
            break
    return lines


# Migrates as `manage.py up` does, and is killed where it would note that a migration is done. Of those with
# indexes Django notes that after it has committed them.
KILLED_WHILE_MIGRATING = """
import os, signal, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
import django
django.setup()
from django.db.migrations.recorder import MigrationRecorder
from apps.core.management.commands.up import migrate
noted = MigrationRecorder.record_applied
def note(self, app, name):
    if f"{app}.{name}" == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)
    noted(self, app, name)
MigrationRecorder.record_applied = note
migrate()
"""


@pytest.fixture
def running(tmp_path: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    process = up(tmp_path, port)
    try:
        yield process, lines_until(process, "Sign in, once")
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def test_it_serves_and_ends_whole(
    running: tuple[subprocess.Popen[str], list[str]], port: int
) -> None:
    process, lines = running
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as response:
        assert json.load(response)["status"] == "ready"
    assert re.fullmatch(rf"Sign in, once, at  http://127.0.0.1:{port}/signin/[\w-]+/", lines[-1])
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 4, "server and worker, each with children"
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert printed.rstrip().endswith("Assay has stopped.")
    assert not [child for child in family if child.is_running()]


def test_a_killed_one_leaves_nothing_behind(
    running: tuple[subprocess.Popen[str], list[str]],
) -> None:
    process, _ = running
    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive


def test_a_port_in_use_is_one_line_and_touches_nothing(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = up(tmp_path / "data", port)
        printed, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert len(printed.splitlines()) == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in printed
    assert not (tmp_path / "data" / "assay.sqlite3").exists()


def test_a_data_folder_that_cannot_be_written_is_one_line(tmp_path: Path, port: int) -> None:
    (tmp_path / "file").write_text("in the way")
    process = up(tmp_path / "file" / "data", port)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert len(printed.splitlines()) == 1
    assert "cannot write its data folder" in printed


def test_a_start_that_is_killed_while_migrating_is_made_good_by_the_next(tmp_path: Path) -> None:
    def migrated(killed_at: str) -> int:
        argv = [sys.executable, "-c", KILLED_WHILE_MIGRATING, killed_at]
        return subprocess.run(argv, cwd=REPOSITORY, env=environment(tmp_path)).returncode

    for killed_at in ("auth.0001_initial", "catalog.0001_initial", "sharing.0001_initial"):
        assert migrated(killed_at) == -signal.SIGKILL
    assert migrated("nowhere") == 0
    with sqlite3.connect(tmp_path / "assay.sqlite3") as database:
        noted = set(database.execute("SELECT app, name FROM django_migrations"))
        assert not database.execute("PRAGMA foreign_key_check").fetchall()
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert noted == set(MigrationLoader(None).disk_migrations)
