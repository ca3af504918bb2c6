"""What judges a trial must itself notice a job that was lost, doubled, stuck or brought other numbers."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import OperationalError

from apps.jobs.chaos import setups, watch
from apps.jobs.chaos.steps import Steps
from apps.jobs.models import Job
from apps.jobs.selftest import PHASES
from apps.teams.models import Team
from apps.teams.services import audit
from tests.jobs.helpers import enqueue

RunJobs = Callable[[], list[Job]]
PARAMS = {"seed": 4, "steps": 4, "pause": 0, "files": True}


@pytest.fixture
def trial(team: Team, run_jobs: RunJobs) -> tuple[Steps, Job]:
    watching = Steps(team, Path(), Random(0))
    job = enqueue(team, params=PARAMS)
    watching.expected[str(job.pk)] = PARAMS
    run_jobs()
    return watching, Job.objects.get()


def faults(watching: Steps) -> dict[str, int]:
    verdict = watching.verdict()
    return {name: verdict[name] for name in ("lost", "doubled", "stuck", "differing")}


def test_an_undisturbed_job_has_no_fault(trial: tuple[Steps, Job]) -> None:
    assert set(faults(trial[0]).values()) == {0}


def test_a_job_that_is_gone_or_did_not_succeed_is_lost(trial: tuple[Steps, Job]) -> None:
    watching, _ = trial
    watching.expected["00000000-0000-0000-0000-000000000000"] = PARAMS
    assert faults(watching)["lost"] == 1
    Job.objects.update(state="failed")
    assert faults(watching)["lost"] == 2


def test_a_step_an_end_or_a_job_that_is_there_twice_is_doubled(
    trial: tuple[Steps, Job], team: Team
) -> None:
    watching, job = trial
    audit(user=None, team=team, action="jobs.selftest.step", target=job, number=2)
    assert faults(watching)["doubled"] == 1
    enqueue(team)
    assert faults(watching)["doubled"] == 2


def test_other_numbers_are_noticed(trial: tuple[Steps, Job]) -> None:
    watching, job = trial
    job.result["sums"][1] += 1e-9  # type: ignore[index]
    job.save()
    assert faults(watching)["differing"] == 1


def test_a_queue_in_which_nothing_happens_is_stuck_unless_a_server_is_away(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: now[0])  # type: ignore[attr-defined]
    watching = Steps(team, Path(), Random(0))
    enqueue(team)
    watching.live()
    now[0] = 59
    watching.live()
    watching.forgive()
    now[0] = 100
    watching.live()
    assert not watching.stuck
    assert watching.longest == 59
    now[0] = 120
    watching.live()
    assert len(watching.stuck) == 1


def test_whoever_asks_a_database_that_is_away_asks_again(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch.time, "sleep", lambda seconds: None)  # type: ignore[attr-defined]
    tries: list[int] = []

    def ask() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("the server closed the connection")
        return 7

    assert watch.patiently(ask) == 7


def test_a_job_says_what_it_is_in_the_middle_of_where_somebody_wants_to_know(
    team: Team, run_jobs: RunJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setenv(PHASES, str(tmp_path))
    monkeypatch.setattr(Path, "write_text", lambda path, text: said.append(text))
    enqueue(team, params=PARAMS | {"steps": 1})
    run_jobs()
    wanted = ["computing", "storing", "writing", "committing", "reading", "ending", "idle"]
    assert said == wanted


def test_nothing_of_the_caller_decides_where_a_trial_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://nobody@127.0.0.1/production")
    monkeypatch.setenv("S3_BUCKET", "production")
    with setups.prepared("embedded", tmp_path) as setup:
        env: dict[str, Any] = setup.env
    assert not {"DATABASE_URL", "S3_BUCKET"} & set(env)
    assert env["ASSAY_DATA_DIR"] == str(tmp_path)
