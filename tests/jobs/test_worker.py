"""A real worker process on a folder of its own: it works, it stops, it is killed."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.test import override_settings

from apps.jobs.worker import worker_argv

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0

BEGIN = """
import django
django.setup()
from django.core.management import call_command
from apps.jobs import services
from apps.teams.models import Team
call_command("migrate", verbosity=0)
services.enqueue(
    user=None,
    team=Team.objects.create(name="T", slug="t"),
    kind="jobs.selftest",
    title="Job",
    params={"seed": 1, "steps": 2000, "pause": 0.05},
)
"""
OUTCOMES = "SELECT outcome FROM jobs_attempt ORDER BY number"


class House:
    """A data folder with one long job, and the workers in it."""

    def __init__(self, folder: Path) -> None:
        decided = ("DATABASE_URL", "BROKER_URL", "JOB_QUEUE_PREFIX")
        self._folder = folder
        self.env = {key: value for key, value in os.environ.items() if key not in decided} | {
            "ASSAY_DATA_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "JOB_LEASE_SECONDS": "2",
            "JOB_HEARTBEAT_SECONDS": "0.4",
        }
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self, queue: str = "default", concurrency: int = 1) -> subprocess.Popen[bytes]:
        with override_settings(JOB_QUEUE_PREFIX=""):  # whatever set-up the suite runs on
            argv = worker_argv((queue,), concurrency)
        worker = subprocess.Popen(
            argv,
            cwd=ROOT,
            env=self.env,
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        self.workers.append(worker)
        return worker

    def read(self, query: str) -> list[Any]:
        """The first column of what `query` finds."""
        with closing(sqlite3.connect(self._folder / "assay.sqlite3", timeout=20)) as connection:
            return [row[0] for row in connection.execute(query)]

    def write(self, query: str) -> None:
        with closing(sqlite3.connect(self._folder / "assay.sqlite3", timeout=20)) as connection:
            connection.execute(query)
            connection.commit()

    def wait_for(self, query: str, wanted: list[Any]) -> None:
        deadline = time.monotonic() + PATIENCE
        while (found := self.read(query)) != wanted:
            assert time.monotonic() < deadline, f"still {found}, not {wanted}"
            time.sleep(0.1)

    def wait_for_work(self) -> None:
        self.wait_for("SELECT checkpoint IS NOT NULL FROM jobs_job", [1])


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one long job: made once, because to migrate takes ten seconds."""
    folder = tmp_path_factory.mktemp("begun")
    subprocess.run([sys.executable, "-c", BEGIN], cwd=ROOT, env=House(folder).env, check=True)
    return folder


@pytest.fixture
def house(begun: Path, tmp_path: Path) -> Iterator[House]:
    shutil.copytree(begun, tmp_path, dirs_exist_ok=True)
    house = House(tmp_path)
    yield house
    for worker in house.workers:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


def _children(worker: subprocess.Popen[Any]) -> list[psutil.Process]:
    return psutil.Process(worker.pid).children()


def test_a_job_whose_worker_was_killed_is_taken_up_again(house: House) -> None:
    worker = house.start()
    house.wait_for_work()
    _children(worker)[0].kill()
    house.wait_for(OUTCOMES, ["lost", ""])


def test_a_worker_whose_idle_child_was_killed_does_not_sit_on_jobs_for_ever(house: House) -> None:
    house.write("UPDATE jobs_job SET run_after = '2999-01-01'")
    worker = house.start()
    house.wait_for("SELECT count(*) FROM jobs_worker", [1])
    time.sleep(1)  # until the child waits for work: it holds the lock of the pipe then
    _children(worker)[0].kill()
    house.write("UPDATE jobs_job SET run_after = NULL")
    worker.wait(timeout=PATIENCE)  # for whoever supervises it to start it again
    house.start()
    house.wait_for_work()


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["to the parent", "to the group"])
def test_a_worker_that_is_ended_gives_its_job_back_and_leaves_no_process(
    house: House, send: Callable[[int, int], None]
) -> None:
    worker = house.start()
    house.wait_for_work()
    children = _children(worker)
    send(worker.pid, signal.SIGTERM)
    worker.wait(timeout=PATIENCE)
    _, alive = psutil.wait_procs(children, timeout=PATIENCE)
    assert alive == []
    assert house.read(OUTCOMES) == ["returned"]
    assert house.read("SELECT state || attempts FROM jobs_job") == ["queued0"]
    assert house.read("SELECT name FROM jobs_worker WHERE stopped_at IS NULL") == []


def test_another_worker_goes_on_at_once_with_what_a_stopped_one_gave_back(house: House) -> None:
    house.env["JOB_HEARTBEAT_SECONDS"] = "60"  # housekeeping finds nothing in this test
    house.env["JOB_LEASE_SECONDS"] = "600"
    first = house.start()
    house.wait_for("SELECT count(*) FROM jobs_worker", [1])
    house.wait_for_work()
    house.start()
    house.wait_for("SELECT count(*) FROM jobs_worker", [2])
    first.send_signal(signal.SIGTERM)
    house.wait_for(OUTCOMES, ["returned", ""])
    ended, began = house.read(
        "SELECT ended_at FROM jobs_attempt WHERE number = 1 UNION ALL "
        "SELECT created_at FROM jobs_attempt WHERE number = 2"
    )
    between = datetime.fromisoformat(began) - datetime.fromisoformat(ended)
    assert between < timedelta(seconds=3)


def test_a_worker_that_a_new_version_left_behind_gives_its_job_back_and_waits(house: House) -> None:
    worker = house.start()
    house.wait_for_work()
    house.write(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('jobs', '9999_next', '2999-01-01')"
    )
    house.wait_for(OUTCOMES, ["returned"])
    house.wait_for("SELECT holds_back <> '' FROM jobs_worker", [1])
    time.sleep(2)  # several rounds of housekeeping
    assert house.read(OUTCOMES) == ["returned"]
    assert worker.poll() is None
    house.write(
        "DELETE FROM django_migrations WHERE name = '9999_next'"
    )  # as if it were the new one
    house.wait_for(OUTCOMES, ["returned", ""])


def test_a_gpu_worker_does_one_job_at_a_time_whatever_it_was_started_with(house: House) -> None:
    worker = house.start("gpu", concurrency=3)
    house.wait_for("SELECT queues FROM jobs_worker", ['["gpu"]'])
    assert len(_children(worker)) == 1


def test_no_child_outlives_a_killed_parent_and_another_worker_goes_on(house: House) -> None:
    worker = house.start()
    house.wait_for_work()
    children = _children(worker)
    worker.kill()
    worker.wait()
    _, alive = psutil.wait_procs(children, timeout=PATIENCE)
    assert alive == []
    house.start()
    house.wait_for("SELECT count(*) FROM jobs_attempt", [2])
