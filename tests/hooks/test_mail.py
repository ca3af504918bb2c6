"""Whoever asks for it gets a mail when a job of theirs ends that failed or took long; nobody else does."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core import mail
from django.test import Client
from django.utils import timezone

from apps.hooks.mail import SEND, wants_mail, wish_mail
from apps.jobs import leases
from apps.jobs.models import Job, State
from apps.jobs.services import enqueue
from apps.teams.models import Team, User

RunJobs = Callable[[], list[Job]]


def ends(team: Team, user: User, *, well: bool = True, title: str = "Try") -> Job:
    params = {"seed": 1, "steps": 1, "pause": 0} if well else {}
    return enqueue(user=user, team=team, kind="jobs.selftest", title=title, params=params)


def long(team: Team, user: User) -> None:
    """A job that succeeds after an hour."""
    job = ends(team, user)
    Job.objects.filter(pk=job.pk).update(
        state=State.RUNNING,
        started_at=timezone.now() - timedelta(hours=1),
        leased_until=timezone.now() + timedelta(minutes=1),
    )
    job.refresh_from_db()
    assert leases.succeed(job, {})


def test_nobody_gets_a_mail_who_has_not_asked(team: Team, eddie: User, run_jobs: RunJobs) -> None:
    long(team, eddie)
    run_jobs()
    assert mail.outbox == []


def test_a_long_job_that_ends_is_told_to_its_owner(
    team: Team, eddie: User, alice: User, run_jobs: RunJobs, settings: Any
) -> None:
    settings.SITE_URL = "https://assay.example.org"
    for user in (eddie, alice):
        wish_mail(user=user, wanted=True)
    long(team, eddie)
    run_jobs()
    (sent,) = mail.outbox
    assert sent.to == [eddie.email]
    assert sent.subject == "Finished: Try"
    job = Job.objects.get(kind="jobs.selftest")
    assert f"https://assay.example.org/jobs/{job.pk}/" in sent.body


def test_a_job_that_fails_is_told_and_a_quick_one_that_succeeds_is_not(
    team: Team, eddie: User, run_jobs: RunJobs, settings: Any
) -> None:
    settings.JOB_RETRY_SECONDS = 0
    wish_mail(user=eddie, wanted=True)
    ends(team, eddie)
    ends(team, eddie, well=False, title="Bad\nBcc: everybody@example.org")
    run_jobs()
    (sent,) = mail.outbox
    assert sent.subject == "Failed: Bad Bcc: everybody@example.org"
    assert sent.bcc == []


def test_who_has_left_the_team_gets_none(team: Team, eddie: User, run_jobs: RunJobs) -> None:
    wish_mail(user=eddie, wanted=True)
    long(team, eddie)
    eddie.memberships.all().delete()
    run_jobs()
    assert mail.outbox == []


def test_a_mail_server_that_is_away_is_tried_again(
    team: Team, eddie: User, run_jobs: RunJobs, settings: Any
) -> None:
    settings.JOB_RETRY_SECONDS = 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    wish_mail(user=eddie, wanted=True)
    long(team, eddie)
    run_jobs()
    job = Job.objects.get(kind="hooks.mail")
    assert (job.state, job.attempts) == (State.FAILED, 3)
    assert "The mail server took no mail: ConnectionRefusedError." in job.error


def test_one_asks_on_a_page_of_ones_own(eddie: User, client_of: Callable[[User], Client]) -> None:
    client = client_of(eddie)
    assert "/settings/mail/" in client.get("/settings/account/").content.decode()
    client.post("/settings/mail/", {"jobs": "yes"})
    assert wants_mail(eddie)
    assert "checked" in client.get("/settings/mail/").content.decode()
    client.post("/settings/mail/", {})
    assert not wants_mail(eddie)


def test_the_job_of_a_mail_names_nobody_for_names_are_forgotten_when_people_leave(
    team: Team, eddie: User
) -> None:
    wish_mail(user=eddie, wanted=True)
    long(team, eddie)
    assert str(eddie) not in Job.objects.get(kind=SEND).title
