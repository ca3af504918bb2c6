"""Fair turns between teams, GPU jobs with and without GPU workers, and where a job stands."""

import random
import time
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import override_settings
from django.utils import timezone

from apps.jobs import leases, presence, queries
from apps.jobs.models import Attempt, Job, Queue, State, Worker
from apps.jobs.runner import run_next
from apps.teams.models import Team
from tests.jobs.helpers import KINDS, enqueue, fall_silent, handling, worker


def lease(queue: str = "default") -> Job | None:
    return leases.lease(worker(f"{queue}:1:1", [queue]), [queue], KINDS)


def gpu_job(team: Team) -> Job:
    return enqueue(team, queue=Queue.GPU)


def test_ten_thousand_jobs_of_one_team_do_not_starve_another(team: Team, other_team: Team) -> None:
    Job.objects.bulk_create(
        Job(team=team, kind="jobs.selftest", title=f"Job {number}") for number in range(10_000)
    )
    late = enqueue(other_team)
    assert lease() is not None
    began = time.monotonic()
    assert lease() == late
    assert time.monotonic() - began < 2
    assert queries.place_in_queue(enqueue(other_team)).before == 1


def test_a_job_that_ran_on_another_queue_costs_no_team_its_turn(
    team: Team, other_team: Team
) -> None:
    gpu_job(team)
    assert lease("gpu") is not None
    mine, _ = enqueue(team), enqueue(other_team)
    assert lease() == mine


@pytest.mark.parametrize("seed", range(5))
def test_the_place_that_a_page_names_is_the_place_in_which_jobs_start(
    team: Team, other_team: Team, seed: int
) -> None:
    rng = random.Random(seed)
    teams = [team, other_team, Team.objects.create(name="Third", slug="third")]
    for number in range(20):
        job = enqueue(rng.choice(teams))
        Job.objects.filter(pk=job.pk).update(
            created_at=timezone.now() - timedelta(minutes=60 - number)
        )
    for _ in range(rng.randint(0, 4)):
        lease()
    waiting = Job.objects.filter(state=State.QUEUED)
    places = {job.pk: queries.place_in_queue(job).before for job in waiting}
    started = []
    while (taken := lease()) is not None:
        started.append(taken.pk)
    assert {pk: started.index(pk) for pk in places} == places


def test_a_gpu_job_goes_to_a_gpu_worker_while_one_is_there(team: Team) -> None:
    worker("gpu:1:1", ["gpu"])
    job = gpu_job(team)
    assert lease() is None
    assert leases.queue_to_wake(job.queue, job.kind) == "gpu"
    assert lease("gpu") == job
    assert job.log.get().note == ""


def test_without_a_gpu_worker_a_default_one_takes_the_job_at_once_and_says_so(
    team: Team, woken: list[str], django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        job = gpu_job(team)
    assert woken == ["default"]
    worker()
    assert "a worker of the queue default takes it" in queries.waiting_reason(job)
    assert lease() == job
    assert Attempt.objects.get().note == leases.WITHOUT_GPU
    assert leases.WITHOUT_GPU in queries.waiting_reason(Job.objects.get())


def test_a_gpu_worker_that_left_is_waited_for_a_while_and_the_page_says_until_when(
    team: Team,
) -> None:
    worker("gpu:1:1", ["gpu"])
    worker()
    Worker.objects.filter(name="gpu:1:1").update(stopped_at=Now())
    job = gpu_job(team)
    assert lease() is None
    assert "If none comes back before" in queries.waiting_reason(job)
    with override_settings(JOB_GPU_WAIT_SECONDS=0):
        assert "No GPU worker has been seen lately" in queries.waiting_reason(job)
        assert lease() == job


def test_a_kind_that_only_default_workers_know_does_not_wait_for_a_gpu(team: Team) -> None:
    worker("gpu:1:1", ["gpu"])
    Worker.objects.update(kinds=["something.else"])
    job = gpu_job(team)
    assert lease() == job


def test_a_gpu_job_without_any_worker_says_how_to_get_one(team: Team) -> None:
    job = gpu_job(team)
    worker("gpu:1:1", ["gpu"])
    fall_silent("gpu:1:1")
    assert "No worker for the queue gpu has been seen" in queries.waiting_reason(job)


def test_a_job_that_is_given_back_wakes_another_worker(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[str] = []
    monkeypatch.setattr("apps.jobs.runner.wake", woken.append)

    def end(ctx: object) -> None:
        raise SystemExit(0)

    with handling(end):
        enqueue(team, "test.kind")
        with pytest.raises(SystemExit):
            run_next()
    assert woken == ["default"]


def test_gpu_workers_of_long_ago_are_not_waited_for(team: Team) -> None:
    worker("gpu:1:1", ["gpu"])
    assert presence.kinds_for_gpu() == set(KINDS)
    Worker.objects.update(seen_at=Now() - timedelta(seconds=121))
    assert presence.kinds_for_gpu() == set()
