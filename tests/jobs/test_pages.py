"""Pages and API of jobs: what is read there, by whom, and what may be done."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from apps.jobs import leases, queries, services
from apps.jobs.models import Job, Outcome, State, Worker
from apps.teams.models import AuditEntry, Role, Team, User
from tests.jobs.helpers import enqueue, fall_silent, leased, let_the_lease_end, worker

ClientOf = Callable[[User], Client]
ApiOf = Callable[..., APIClient]
RunJobs = Callable[[], list[Job]]


def page(client: Client, name: str, job: Job | None = None) -> str:
    response = client.get(reverse(name, args=[job.pk] if job else []))
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("name", ["job_detail", "job_progress", "job_cancel", "job_retry"])
def test_a_stranger_finds_no_job(team: Team, charlie: User, client_of: ClientOf, name: str) -> None:
    job = enqueue(team)
    client = client_of(charlie)
    send = client.post if name in ("job_cancel", "job_retry") else client.get
    assert send(reverse(name, args=[job.pk])).status_code == 404
    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_a_stranger_finds_no_job_in_the_api(team: Team, charlie: User, api_of: ApiOf) -> None:
    job = enqueue(team)
    api = api_of(charlie)
    assert api.get(f"/api/v1/jobs/{job.pk}/").status_code == 404
    assert api.post(f"/api/v1/jobs/{job.pk}/cancel/").status_code == 404
    assert api.get("/api/v1/jobs/").json()["results"] == []


def test_a_viewer_reads_but_neither_cancels_nor_retries(
    team: Team, vic: User, client_of: ClientOf, api_of: ApiOf
) -> None:
    job = enqueue(team)
    client = client_of(vic)
    assert "Cancel this job" not in page(client, "job_detail", job)
    assert client.post(reverse("job_cancel", args=[job.pk])).status_code == 403
    assert client.post(reverse("job_retry", args=[job.pk])).status_code == 403
    assert api_of(vic).post(f"/api/v1/jobs/{job.pk}/cancel/").status_code == 403
    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_a_token_below_editor_cancels_nothing(team: Team, alice: User, api_of: ApiOf) -> None:
    job = enqueue(team)
    api = api_of(alice, scope=Role.ANNOTATOR)
    assert api.post(f"/api/v1/jobs/{job.pk}/cancel/").status_code == 403


def test_an_editor_cancels_what_waits_at_once(
    team: Team, eddie: User, client_of: ClientOf, run_jobs: RunJobs
) -> None:
    job = enqueue(team)
    client = client_of(eddie)
    assert "Cancel this job" in page(client, "job_detail", job)
    client.post(reverse("job_cancel", args=[job.pk]))
    job.refresh_from_db()
    assert job.state == State.CANCELLED
    assert run_jobs() == []
    assert AuditEntry.objects.get(action="job.cancelled").created_by == eddie


def test_a_failed_job_runs_again_as_a_new_one(
    team: Team, eddie: User, client_of: ClientOf, run_jobs: RunJobs
) -> None:
    job = leased(team)
    leases.write(job, checkpoint={"sums": [1.0]}, done=1, total=3)
    leases.fail(job, "Row 3 has no label.")
    client = client_of(eddie)
    assert "Row 3 has no label." in page(client, "job_detail", job)
    response = client.post(reverse("job_retry", args=[job.pk]))
    again = Job.objects.get(retry_of=job)
    assert response["Location"] == reverse("job_detail", args=[again.pk])
    assert again.checkpoint is None  # what led to an error is not gone on from
    client.post(reverse("job_retry", args=[job.pk]))
    assert Job.objects.count() == 2
    assert "run again" in page(client, "job_detail", job)
    assert [ran.state for ran in run_jobs()] == [State.SUCCEEDED]


def test_a_cancelled_job_goes_on_where_it_was(team: Team, eddie: User) -> None:
    job = leased(team)
    leases.write(job, checkpoint={"sums": [1.0]}, done=1, total=3)
    services.cancel(user=eddie, job=job)
    leases.cancel(job)
    again = services.retry(user=eddie, job=job)
    assert (again.checkpoint, again.done, again.state) == ({"sums": [1.0]}, 1, State.QUEUED)


def test_retrying_what_succeeded_changes_nothing(
    team: Team, eddie: User, run_jobs: RunJobs
) -> None:
    enqueue(team)
    (job,) = run_jobs()
    assert services.retry(user=eddie, job=job) == job
    assert Job.objects.count() == 1


def test_the_list_is_filtered_by_its_address(
    team: Team, vic: User, client_of: ClientOf, api_of: ApiOf
) -> None:
    leases.fail(leased(team, title="Was refused"), "no")
    enqueue(team, title="Still waits")
    client = client_of(vic)
    rows = client.get(reverse("job_list"), {"state": "failed"}).content.decode()
    assert "Was refused" in rows
    assert "Still waits" not in rows
    for address in ("?state=nonsense", "?page=1000000000000", "?team__slug=elsewhere", "?page=x"):
        assert client.get(reverse("job_list") + address).status_code == 200
    api = api_of(vic)
    assert api.get("/api/v1/jobs/?state=failed").json()["count"] == 1
    assert api.get("/api/v1/jobs/?state=nonsense").status_code == 400


def test_a_name_with_markup_is_shown_as_text(team: Team, vic: User, client_of: ClientOf) -> None:
    job = enqueue(team, title="<script>alert(1)</script>")
    for text in (
        page(client_of(vic), "job_detail", job),
        page(client_of(vic), "job_progress", job),
        page(client_of(vic), "job_list"),
    ):
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


def test_the_fragment_asks_for_the_page_when_the_job_has_ended(
    team: Team, vic: User, client_of: ClientOf, run_jobs: RunJobs
) -> None:
    job = enqueue(team)
    address = reverse("job_progress", args=[job.pk])
    waiting = client_of(vic).get(address, headers={"HX-Request": "true"})
    assert "HX-Refresh" not in waiting
    assert 'hx-trigger="every 2s"' in waiting.content.decode()
    run_jobs()
    ended = client_of(vic).get(address, headers={"HX-Request": "true"})
    assert ended["HX-Refresh"] == "true"
    assert "hx-trigger" not in ended.content.decode()


def test_a_wait_without_workers_says_so_and_how_to_end_it(team: Team) -> None:
    job = enqueue(team)
    assert queries.waiting_reason(job) == (
        "No worker has been seen: start one with `make run` or `celery -A project worker`."
    )
    worker()
    assert queries.waiting_reason(job) == "It is next: a worker takes it in a moment."
    fall_silent()
    assert queries.waiting_reason(job).startswith("No worker has been seen since ")
    Worker.objects.update(seen_at=Now(), stopped_at=Now())
    assert queries.waiting_reason(job).startswith("No worker has been seen since ")


def test_a_wait_for_a_worker_that_knows_the_kind_says_so(team: Team) -> None:
    job = enqueue(team)
    worker()
    Worker.objects.update(kinds=["something.else"])
    assert "knows jobs of the kind jobs.selftest" in queries.waiting_reason(job)


def test_a_wait_in_the_queue_says_the_place(team: Team) -> None:
    leased(team)
    enqueue(team)
    job = enqueue(team)
    worker()
    assert queries.waiting_reason(job) == "1 job runs and 1 starts before it: teams take turns."


def test_a_wait_after_a_lost_worker_says_why(team: Team) -> None:
    job = leased(team, by="smelter:7:1")
    let_the_lease_end(job)
    assert "has said nothing since" in queries.waiting_reason(Job.objects.get())
    leases.reap()
    reason = queries.waiting_reason(Job.objects.get())
    assert "Attempt 2 of 3 is next" in reason
    assert "Worker smelter:7:1 fell silent." in reason


def test_a_wait_for_the_next_attempt_says_until_when(team: Team) -> None:
    leases.fail_attempt(leased(team), "ConnectionError: the store is away")
    reason = queries.waiting_reason(Job.objects.get())
    assert "the store is away" in reason
    assert "It starts after" in reason


def test_a_cancel_under_way_says_whom_it_waits_for(team: Team, eddie: User) -> None:
    job = leased(team, by="smelter:7:1")
    services.cancel(user=eddie, job=job)
    assert "Cancelling: worker smelter:7:1" in queries.waiting_reason(Job.objects.get())


def test_an_estimate_comes_with_a_range_around_it(team: Team) -> None:
    job = leased(team)
    leases.write(job, done=1, total=100)
    assert queries.estimate(Job.objects.get()) is None  # too early to tell
    job.log.update(created_at=Now() - timedelta(seconds=30))
    leases.write(job, done=25, total=100)
    estimate = queries.estimate(Job.objects.get())
    assert estimate is not None
    assert 80 < estimate.seconds < 100
    assert estimate.low < estimate.seconds < estimate.high
    assert str(estimate).startswith("about 1 min left (")


def test_the_pace_is_that_of_the_present_worker_alone(team: Team) -> None:
    job = leased(team)
    leases.write(job, done=50, total=100)
    leases.give_back(job)
    job = leases.lease(worker(), ["default"], ["jobs.selftest"])  # type: ignore[assignment]
    job.log.filter(number=2).update(created_at=Now() - timedelta(seconds=10))
    leases.write(job, done=60, total=100)
    estimate = queries.estimate(Job.objects.get())
    assert estimate is not None
    assert 35 < estimate.seconds < 45


def test_the_api_shows_a_job_whole_and_the_workers(
    team: Team, vic: User, api_of: ApiOf, run_jobs: RunJobs
) -> None:
    enqueue(team)
    (job,) = run_jobs()
    api = api_of(vic)
    answer = api.get(f"/api/v1/jobs/{job.pk}/").json()
    assert answer["state"] == "succeeded"
    assert [attempt["outcome"] for attempt in answer["log"]] == [Outcome.SUCCEEDED]
    (seen,) = api.get("/api/v1/workers/").json()["results"]
    assert seen["alive"] is True
    assert "jobs.selftest" in seen["kinds"]
