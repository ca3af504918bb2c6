"""Who gets which job, and what happens when two want the same."""

import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, connections, transaction
from django.db.backends.signals import connection_created
from django.db.models.functions import Now

from apps.core.connections import end_frozen_transactions
from apps.jobs import leases, presence, services
from apps.jobs.housekeeping import Housekeeping
from apps.jobs.models import Job, State, Worker
from apps.teams.models import Team, User
from tests.jobs.helpers import KINDS, enqueue, fall_silent, leased, let_the_lease_end, worker

T = TypeVar("T")


def test_teams_take_turns_however_many_jobs_one_has(team: Team, other_team: Team) -> None:
    for _ in range(5):
        enqueue(team)
    enqueue(other_team)
    order = [leases.lease(worker(), ["default"], KINDS) for _ in range(3)]
    assert [job.team for job in order if job] == [team, other_team, team]


def test_the_oldest_job_of_a_team_comes_first(team: Team) -> None:
    jobs = [enqueue(team) for _ in range(3)]
    order = [leases.lease(worker(), ["default"], KINDS) for _ in range(3)]
    assert order == jobs


def test_a_worker_leaves_other_queues_and_unknown_kinds_alone(team: Team) -> None:
    enqueue(team)
    assert leases.lease(worker(), ["gpu"], KINDS) is None
    assert leases.lease(worker(), ["default"], ["something.else"]) is None


def test_a_kind_that_nobody_handles_is_refused_at_once(team: Team) -> None:
    with pytest.raises(LookupError, match=r"no\.such"):
        enqueue(team, "no.such")


def test_one_key_makes_one_job_while_it_lives(team: Team, other_team: Team, eddie: User) -> None:
    first = enqueue(team, key="a")
    assert enqueue(team, key="a") == first
    assert enqueue(team, key="b") != first
    assert enqueue(other_team, key="a") != first
    running = leases.lease(worker(), ["default"], KINDS)
    assert running == first
    assert enqueue(team, key="a") == first
    services.cancel(user=eddie, job=first)
    assert enqueue(team, key="a") != first


def test_the_database_itself_refuses_a_second_job_of_a_key(team: Team) -> None:
    first = enqueue(team, key="a")
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.create(team=team, kind=first.kind, title="Again", key="a")


def test_a_change_of_state_outside_the_table_is_a_defect(team: Team) -> None:
    job = enqueue(team)
    with pytest.raises(ValueError, match="does not become succeeded"):
        leases.move(job, State.SUCCEEDED)


def test_a_silent_worker_loses_its_job_and_at_last_the_job_fails(team: Team) -> None:
    job = enqueue(team, max_attempts=2)
    for name in ("one", "two"):
        taken = leases.lease(worker(name), ["default"], KINDS)
        assert taken is not None
        assert leases.reap() == 0  # it is not late yet
        let_the_lease_end(taken)
        assert leases.reap() == 1
    job.refresh_from_db()
    assert job.state == State.FAILED
    assert job.error == "Given up after 2 attempts: Worker two fell silent."


def test_a_cancelled_job_of_a_dead_worker_ends_when_it_is_reaped(team: Team, eddie: User) -> None:
    job = leased(team)
    assert services.cancel(user=eddie, job=job).state == State.RUNNING
    let_the_lease_end(job)
    leases.reap()
    job.refresh_from_db()
    assert job.state == State.CANCELLED


def test_a_clock_that_was_set_back_delays_no_one_for_long(team: Team) -> None:
    job = leased(team)
    Job.objects.update(leased_until=Now() + timedelta(hours=3))
    leases.reap()
    assert Job.objects.filter(leased_until__lt=Now() + timedelta(minutes=1)).exists()
    assert leases.renew(job)


def test_a_pause_between_attempts_is_not_prolonged_by_a_clock_that_was_set_back(team: Team) -> None:
    leases.fail_attempt(leased(team), "RuntimeError: no")
    Job.objects.update(run_after=Now() + timedelta(hours=3))
    leases.reap()
    longest = timedelta(seconds=leases.LONGEST_PAUSE_SECONDS)
    assert Job.objects.filter(run_after__lte=Now() + longest).exists()


def test_the_pause_between_attempts_stops_growing(team: Team) -> None:
    job = leased(team, max_attempts=30_000)
    Job.objects.update(attempts=20_000)
    leases.fail_attempt(job, "RuntimeError: no")
    longest = timedelta(seconds=leases.LONGEST_PAUSE_SECONDS)
    assert Job.objects.filter(run_after__lte=Now() + longest).exists()


def test_an_idle_worker_wakes_for_a_job_whose_message_was_lost(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[str] = []
    monkeypatch.setattr("apps.jobs.housekeeping.wake", woken.append)
    house = Housekeeping(["default", "gpu"], parent=None)
    house.round()
    assert woken == []
    job = enqueue(team)
    house.round()
    assert woken == ["default"]
    monkeypatch.setattr("apps.jobs.runner.current", job)
    house.round()
    assert woken == ["default"]  # a busy one leaves it to the others
    assert presence.alive().count() == 1


def test_a_round_takes_jobs_from_silent_workers_and_forgets_old_ones(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.jobs.housekeeping.wake", lambda queue: None)
    job = leased(team, by="gone")
    let_the_lease_end(job)
    Worker.objects.filter(name="gone").update(seen_at=Now() - timedelta(days=8))
    Housekeeping(["default"], parent=None).round()
    job.refresh_from_db()
    assert job.state == State.QUEUED
    assert not Worker.objects.filter(name="gone").exists()


def test_a_health_check_asks_for_a_worker_of_this_machine(db: None) -> None:
    worker("elsewhere:1:1")
    with pytest.raises(CommandError, match="No worker of"):
        call_command("worker_alive")
    worker(f"{socket.gethostname()}:1:1")
    call_command("worker_alive")
    fall_silent(f"{socket.gethostname()}:1:1")
    with pytest.raises(CommandError, match="has said anything for 40 seconds"):
        call_command("worker_alive")


def test_a_worker_that_said_nothing_lately_is_not_alive(db: None) -> None:
    one = worker("one")
    assert presence.alive().count() == 1
    fall_silent("one")
    one.refresh_from_db()
    assert presence.alive().count() == 0
    assert not presence.is_alive(one)


def test_eight_workers_that_reach_at_once_share_the_jobs_out(
    many_connections: Callable[[], None], team: Team
) -> None:
    jobs = {enqueue(team).pk for _ in range(12)}
    many_connections()
    taken = _at_once(8, lambda number: _lease_all(f"worker-{number}"))
    assert sorted(pk for part in taken for pk in part) == sorted(jobs)
    (fences,) = _at_once(1, lambda _: set(Job.objects.values_list("fence", flat=True)))
    assert fences == {1}


def test_of_a_cancel_and_an_end_at_once_one_wins(
    many_connections: Callable[[], None], team: Team, eddie: User
) -> None:
    many_connections()
    for _ in range(10):
        (job,) = _at_once(1, lambda _: leased(team))
        cancelled, succeeded = _at_once(2, partial(_cancel_or_succeed, job, eddie))
        (state,) = _at_once(1, partial(_state_after_cancel, job))
        assert cancelled != succeeded
        assert state == (State.SUCCEEDED if succeeded else State.CANCELLED)


def test_two_requests_for_one_thing_at_once_make_one_job(
    many_connections: Callable[[], None], team: Team
) -> None:
    many_connections()
    jobs = _at_once(6, lambda _: enqueue(team, key="the same"))
    assert len({job.pk for job in jobs}) == 1


def _cancel_or_succeed(job: Job, user: User, number: int) -> bool:
    if number:
        return leases.succeed(job, {})
    return services.cancel(user=user, job=job).cancel_requested


def _state_after_cancel(job: Job, _: int) -> str:
    leases.cancel(job)
    return Job.objects.get(pk=job.pk).state


def _lease_all(name: str) -> list[UUID]:
    found = []
    while (job := leases.lease(worker(name), ["default"], KINDS)) is not None:
        found.append(job.pk)
    return found


def _at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """Run `work` in `count` threads that start together, each with a connection of its own."""
    barrier = threading.Barrier(count)
    results: dict[int, T] = {}

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = work(number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == count
    return [results[number] for number in range(count)]


def test_a_worker_frozen_in_a_transaction_does_not_keep_its_job_for_ever(
    transactional_db: None, settings: Any
) -> None:
    """Its locks would: the server ends its transaction."""
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite everybody lives on one machine, and sleeps with it")
    settings.JOB_LEASE_SECONDS = 0.1
    connection.close()
    connection_created.connect(end_frozen_transactions)
    try:
        connection.connect()
    finally:
        connection_created.disconnect(end_frozen_transactions)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")  # the transaction begins with its first statement
        time.sleep(0.5)
        with pytest.raises(DatabaseError, match="idle-in-transaction"):
            cursor.execute("SELECT 1")
        connection.close()
