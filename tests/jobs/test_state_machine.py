"""Whatever happens to jobs, in whatever order: the rules that always hold."""

from contextlib import suppress
from typing import Any

import pytest
from django.db.models import Q
from django.db.models.functions import Now
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from apps.jobs import leases, services
from apps.jobs.context import Interrupted, JobContext
from apps.jobs.models import FINAL, TRANSITIONS, Attempt, Job, State
from apps.teams.models import AuditEntry, Team, User
from apps.teams.services import audit
from tests.jobs.helpers import KINDS, enqueue, let_the_lease_end, worker

END = "test.end"


def machine(team: Team, editor: User) -> type[RuleBasedStateMachine]:
    class Jobs(RuleBasedStateMachine):
        jobs = Bundle("jobs")
        # What a worker holds in its hands: the lease may have been lost long ago.
        held = Bundle("held")

        def __init__(self) -> None:
            super().__init__()
            self.known: dict[Any, Job] = {}
            self.cancelled: set[Any] = set()
            self.written: dict[Any, Any] = {}

        def teardown(self) -> None:
            Job.objects.all().delete()
            AuditEntry.objects.all().delete()

        def holds(self, job: Job) -> bool:
            return Job.objects.filter(pk=job.pk, fence=job.fence, state=State.RUNNING).exists()

        @rule(target=jobs, key=st.sampled_from(["", "a"]), attempts=st.integers(1, 3))
        def enqueue(self, key: str, attempts: int) -> Any:
            return enqueue(team, key=key, max_attempts=attempts).pk

        @rule(target=held, name=st.sampled_from(["one", "two"]))
        def lease(self, name: str) -> Any:
            """A wake-up reaches a worker; the same message twice is this rule twice."""
            job = leases.lease(worker(name), ["default"], KINDS)
            if job is None:
                assert not Job.objects.filter(
                    Q(run_after=None) | Q(run_after__lte=Now()), state=State.QUEUED
                ).exists()
                return multiple()
            return job

        @rule(job=held)
        def heartbeat(self, job: Job) -> None:
            assert leases.renew(job) == self.holds(job)

        @rule(job=held, done=st.integers(0, 10))
        def progress(self, job: Job, done: int) -> None:
            holds = self.holds(job)
            context = JobContext(job)
            context.progress(done, 10)
            assert context.lost == (not holds)

        @rule(job=held, number=st.integers())
        def checkpoint(self, job: Job, number: int) -> None:
            if self.holds(job):
                JobContext(job).checkpoint({"number": number})
                self.written[job.pk] = {"number": number}
            else:
                with pytest.raises(Interrupted):
                    JobContext(job).checkpoint({"number": number})

        @rule(job=held)
        def lease_ends(self, job: Job) -> None:
            if self.holds(job):
                let_the_lease_end(job)

        @rule()
        def reap(self) -> None:
            silent = Job.objects.filter(state=State.RUNNING, leased_until__lt=Now()).count()
            assert leases.reap() == silent
            assert leases.reap() == 0

        @rule(pk=jobs)
        def cancel(self, pk: Any) -> None:
            before = Job.objects.get(pk=pk)
            after = services.cancel(user=editor, job=before)
            if before.state in FINAL:
                assert after.state == before.state
            else:
                self.cancelled.add(pk)

        @rule(job=held)
        def finish(self, job: Job) -> None:
            may = self.holds(job) and job.pk not in self.cancelled
            context = JobContext(job)
            with suppress(Interrupted), context.finishing({"done": True}):
                audit(user=None, team=team, action=END, target=job)
            assert context.succeeded == may

        @rule(job=consumes(held))
        def obey_cancel(self, job: Job) -> None:
            if job.pk in self.cancelled:
                holds = self.holds(job)
                assert leases.cancel(job) == holds

        @rule(job=held)
        def fail(self, job: Job) -> None:
            holds = self.holds(job)
            assert leases.fail(job, "Refused.") == holds

        @rule(job=held)
        def stumble(self, job: Job) -> None:
            holds = self.holds(job)
            assert leases.fail_attempt(job, "RuntimeError") == holds

        @rule(job=held)
        def give_back(self, job: Job) -> None:
            holds = self.holds(job)
            assert leases.give_back(job) == holds

        @rule(target=jobs, pk=jobs)
        def retry(self, pk: Any) -> Any:
            before = Job.objects.get(pk=pk)
            after = services.retry(user=editor, job=before)
            assert (after.pk == pk) == (before.state not in (State.FAILED, State.CANCELLED))
            self.written.setdefault(after.pk, after.checkpoint)
            return after.pk

        @invariant()
        def rules_hold(self) -> None:
            log = list(Attempt.objects.values_list("job_id", "outcome"))
            ends = list(AuditEntry.objects.filter(action=END).values_list("object_id", flat=True))
            for job in Job.objects.all():
                outcomes = [outcome for pk, outcome in log if pk == job.pk]
                assert len(outcomes) == job.fence, "every lease is in the log"
                assert outcomes.count("") == (job.state == State.RUNNING), "one open lease, if any"
                assert job.attempts <= job.max_attempts
                assert ends.count(str(job.pk)) == (job.state == State.SUCCEEDED), "done once"
                assert (job.state == State.SUCCEEDED) <= (job.pk not in self.cancelled)
                assert job.checkpoint == self.written.get(job.pk), "only holders write"
                self.compare(job)

        def compare(self, job: Job) -> None:
            before = self.known.get(job.pk)
            if before is not None and before.state != job.state:
                assert State(job.state) in TRANSITIONS[State(before.state)]
            if before is not None and before.state in FINAL:
                assert (before.finished_at, before.error) == (job.finished_at, job.error)
            self.known[job.pk] = job

        @invariant()
        def one_live_job_a_key(self) -> None:
            live = Job.objects.filter(key="a", cancel_requested=False).exclude(state__in=FINAL)
            assert live.count() <= 1

    return Jobs


def test_the_rules_hold_in_any_order(team: Team, eddie: User) -> None:
    run_state_machine_as_test(
        machine(team, eddie),
        settings=settings(max_examples=40, stateful_step_count=40, deadline=None),
    )
