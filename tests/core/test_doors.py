"""The Makefile's two doors say in one line what is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make` looks at, without what it installs."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(REPOSITORY / name, tmp_path)
    return tmp_path


def make(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    """Status of `make`, and its lines but for make's own."""
    inherited = ("ARGS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")  # this suite may itself be run by make
    done = subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in inherited},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, [line for line in done.stdout.splitlines() if line.startswith("Assay:")]


@pytest.mark.parametrize("door", ["run", "test"])
def test_a_missing_python_is_one_line(door: str, checkout: Path) -> None:
    status, lines = make(checkout, door, "PYTHON=")
    assert status != 0
    assert len(lines) == 1
    assert "no Python 3.11 or newer was found" in lines[0]
    assert not (checkout / ".venv").exists()


def test_a_python_that_cannot_make_an_environment_leaves_none(checkout: Path) -> None:
    status, lines = make(checkout, "run", f"PYTHON={shutil.which('false')}")
    assert status != 0
    assert len(lines) == 1
    assert "cannot make a virtual environment" in lines[0]
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("stamp", [None, "/somewhere/else\n"])
def test_a_half_made_or_moved_environment_is_made_anew(stamp: str | None, checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    if stamp is not None:
        (checkout / ".venv" / ".installed-run").write_text(stamp)
    _, lines = make(checkout, "run", f"PYTHON={shutil.which('false')}")
    assert "half-made or comes from another folder" in lines[0]
    assert not (checkout / ".venv" / "bin").exists()


def test_the_second_time_installs_nothing(checkout: Path) -> None:
    """A finished environment is used as it is: what runs is its own python."""
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "Assay: ran $*"\n')
    python.chmod(0o755)
    (checkout / ".venv" / ".installed-run").write_text(f"{checkout.resolve()}\n")
    status, lines = make(checkout, "run", "PORT=8123")
    assert status == 0
    assert lines == ["Assay: ran manage.py up --host 127.0.0.1 --port 8123"]
