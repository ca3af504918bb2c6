"""What becomes of a job, by what its handler does."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models.functions import Now
from django.test import override_settings

from apps.jobs import leases, runner, services, stopping
from apps.jobs.context import JobContext, JobFailed, LeaseLost
from apps.jobs.models import Job, Outcome, State
from apps.jobs.selftest import undisturbed
from apps.teams.models import AuditEntry, Team, User
from tests.jobs.helpers import enqueue, handling, let_the_lease_end, worker

RunJobs = Callable[[], list[Job]]


def test_a_job_runs_to_its_result(team: Team, run_jobs: RunJobs) -> None:
    job = enqueue(team)
    assert [ran.pk for ran in run_jobs()] == [job.pk]
    job.refresh_from_db()
    assert job.state == State.SUCCEEDED
    assert job.result == {"sums": undisturbed(job.params)}
    assert job.finished_at is not None
    assert job.leased_until is None
    assert [attempt.outcome for attempt in job.log.all()] == [Outcome.SUCCEEDED]
    assert AuditEntry.objects.filter(action="jobs.selftest.end").count() == 1


def test_a_handler_that_just_returns_has_succeeded(team: Team, run_jobs: RunJobs) -> None:
    with handling(lambda ctx: None):
        enqueue(team, "test.kind")
        (job,) = run_jobs()
    assert job.state == State.SUCCEEDED
    assert job.result == {}


def test_a_refusal_fails_at_once_with_its_sentence(team: Team, run_jobs: RunJobs) -> None:
    def refuse(ctx: JobContext) -> None:
        raise JobFailed("Row 3 has no label.")

    with handling(refuse):
        enqueue(team, "test.kind")
        (job,) = run_jobs()
    assert (job.state, job.error, job.attempts) == (State.FAILED, "Row 3 has no label.", 1)


def test_an_error_is_tried_again_and_then_given_up_with_its_reason(
    team: Team, run_jobs: RunJobs
) -> None:
    def stumble(ctx: JobContext) -> None:
        raise RuntimeError("the \0 store is full")

    with handling(stumble), override_settings(JOB_RETRY_SECONDS=0):
        enqueue(team, "test.kind")
        ran = run_jobs()
    job = ran[-1]
    assert len(ran) == 3
    assert job.state == State.FAILED
    assert job.error == "Given up after 3 attempts: RuntimeError: the  store is full"
    assert [attempt.outcome for attempt in job.log.all()] == [Outcome.FAILED] * 3


def test_the_next_attempt_waits_longer_each_time(team: Team) -> None:
    def stumble(ctx: JobContext) -> None:
        raise RuntimeError("no")

    with handling(stumble), override_settings(JOB_RETRY_SECONDS=10):
        job = enqueue(team, "test.kind")
        runner.run_next()
        assert runner.run_next() is None
        assert Job.objects.filter(run_after__gt=Now() + timedelta(seconds=8)).exists()
        Job.objects.update(run_after=Now() - timedelta(seconds=1))
        runner.run_next()
        assert Job.objects.filter(run_after__gt=Now() + timedelta(seconds=18)).exists()
    job.refresh_from_db()
    assert job.attempts == 2


def test_a_job_goes_on_from_its_checkpoint_to_the_same_numbers(
    team: Team, run_jobs: RunJobs
) -> None:
    job = enqueue(team)
    taken = leases.lease(worker(), ["default"], ["jobs.selftest"])
    assert taken is not None
    JobContext(taken).checkpoint({"sums": undisturbed(job.params)[:2]})
    let_the_lease_end(taken)
    assert leases.reap() == 1
    (job,) = run_jobs()
    assert job.result == {"sums": undisturbed(job.params)}
    assert AuditEntry.objects.filter(action="jobs.selftest.step").count() == 1
    assert [attempt.outcome for attempt in job.log.all()] == [Outcome.LOST, Outcome.SUCCEEDED]


def test_a_job_whose_end_no_database_took_is_done_by_the_next_worker(
    team: Team, run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("the server closed the connection")

    job = enqueue(team)
    with monkeypatch.context() as silent:
        silent.setattr(leases, "fail_attempt", away)
        silent.setattr(JobContext, "checkpoint", away)
        assert [ran.state for ran in run_jobs()] == [State.RUNNING]
    let_the_lease_end(job)
    assert leases.reap() == 1
    (job,) = run_jobs()
    assert job.result == {"sums": undisturbed(job.params)}


def test_nothing_written_beside_a_result_survives_a_lost_lease(
    team: Team, run_jobs: RunJobs
) -> None:
    def lose(ctx: JobContext) -> None:
        let_the_lease_end(ctx.job)
        leases.reap()
        Team.objects.filter(pk=team.pk).update(name="before")
        with ctx.finishing({}):
            Team.objects.filter(pk=team.pk).update(name="written without a lease")

    with handling(lose):
        enqueue(team, "test.kind", max_attempts=1)
        (job,) = run_jobs()
    team.refresh_from_db()
    assert team.name == "before"
    assert job.state == State.FAILED


def test_a_lease_lost_inside_the_last_block_takes_its_writes_along(
    team: Team, run_jobs: RunJobs
) -> None:
    def lose(ctx: JobContext) -> None:
        with ctx.finishing({}):
            Team.objects.filter(pk=team.pk).update(name="half written")
            Job.objects.filter(pk=ctx.job.pk).update(fence=ctx.job.fence + 1)

    with handling(lose):
        enqueue(team, "test.kind", max_attempts=1)
        run_jobs()
    team.refresh_from_db()
    assert team.name == "Metallurgy"


def test_a_checkpoint_without_a_lease_is_refused(team: Team) -> None:
    enqueue(team)
    job = leases.lease(worker(), ["default"], ["jobs.selftest"])
    assert job is not None
    context = JobContext(job)
    let_the_lease_end(job)
    leases.reap()
    with pytest.raises(LeaseLost):
        context.checkpoint({"sums": []})
    assert context.should_stop()


def test_a_cancel_before_the_end_wins_and_nothing_is_written(
    team: Team, alice: User, run_jobs: RunJobs
) -> None:
    def race(ctx: JobContext) -> None:
        services.cancel(user=alice, job=ctx.job)
        with ctx.finishing({}):
            Team.objects.filter(pk=team.pk).update(name="written after the cancel")

    with handling(race):
        enqueue(team, "test.kind")
        (job,) = run_jobs()
    team.refresh_from_db()
    assert job.state == State.CANCELLED
    assert team.name == "Metallurgy"
    assert [attempt.outcome for attempt in job.log.all()] == [Outcome.CANCELLED]


def test_a_cancel_after_the_end_changes_nothing(team: Team, alice: User, run_jobs: RunJobs) -> None:
    enqueue(team)
    (job,) = run_jobs()
    assert services.cancel(user=alice, job=job).state == State.SUCCEEDED


def test_an_error_after_a_cancel_ends_cancelled(team: Team, alice: User, run_jobs: RunJobs) -> None:
    def stumble(ctx: JobContext) -> None:
        services.cancel(user=alice, job=ctx.job)
        raise RuntimeError("stumbled while stopping")

    with handling(stumble):
        enqueue(team, "test.kind")
        (job,) = run_jobs()
    assert (job.state, job.attempts) == (State.CANCELLED, 1)


def test_a_stopping_worker_gives_the_job_back_uncounted(team: Team, run_jobs: RunJobs) -> None:
    def work(ctx: JobContext) -> None:
        ctx.checkpoint({"at": 7})
        stopping.request_here()
        if ctx.should_stop():
            return

    try:
        with handling(work):
            enqueue(team, "test.kind")
            job = runner.run_next()
    finally:
        stopping.forget()
    assert job is not None
    assert (job.state, job.attempts, job.fence) == (State.QUEUED, 0, 1)
    assert job.checkpoint == {"at": 7}
    assert [attempt.outcome for attempt in job.log.all()] == [Outcome.RETURNED]


def test_a_process_ended_in_the_middle_gives_the_job_back(team: Team) -> None:
    def end(ctx: JobContext) -> None:
        raise SystemExit(0)

    with handling(end):
        job = enqueue(team, "test.kind")
        with pytest.raises(SystemExit):
            runner.run_next()
    job.refresh_from_db()
    assert (job.state, job.attempts) == (State.QUEUED, 0)
    assert runner.current is None


def test_progress_is_written_at_most_twice_a_second(
    team: Team, run_jobs: RunJobs, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    def work(ctx: JobContext) -> None:
        with django_assert_max_num_queries(5):  # type: ignore[attr-defined]
            for number in range(10_000):
                ctx.progress(number, 10_000, "counting")
        ctx.progress(10_000, 10_000, "x" * 500)

    with handling(work):
        enqueue(team, "test.kind")
        (job,) = run_jobs()
    assert (job.done, job.total) == (10_000, 10_000)
