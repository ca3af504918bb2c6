"""A message to whoever asked for a job, when it ends."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from urllib.parse import urljoin

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from apps.hooks.models import MailWish
from apps.jobs.context import JobContext, JobFailed, TryLater
from apps.jobs.models import Job, State
from apps.jobs.services import enqueue
from apps.teams.models import Membership, User

SEND = "hooks.mail"
WORTH_A_MAIL = timedelta(minutes=1)
"""Whoever waited no longer than that is still there."""


def wants_mail(user: User) -> bool:
    """Whether somebody has asked for mails."""
    return MailWish.objects.filter(user=user).exists()


def wish_mail(*, user: User, wanted: bool) -> None:
    """Ask for mails, or for none any more. It concerns oneself alone."""
    if wanted:
        MailWish.objects.get_or_create(user=user)
    else:
        MailWish.objects.filter(user=user).delete()


def tell_owner(job: Job) -> None:
    """Queue a mail to the job's owner, who has asked for it, if it failed or took long."""
    owner = job.created_by
    if owner is None or not owner.is_active or not wants_mail(owner):
        return
    started, ended = job.started_at or job.created_at, job.finished_at
    if job.state == State.FAILED or (ended and ended - started >= WORTH_A_MAIL):
        enqueue(
            user=None,
            team=job.team,
            kind=SEND,
            title="Tell by mail how a job ended",
            params={"job": str(job.pk)},
        )


def send(ctx: JobContext) -> None:
    """The job of a mail: to the address that the owner has now, while they are a member."""
    job = Job.objects.select_related("created_by", "team").filter(pk=ctx.params["job"]).first()
    owner = job.created_by if job else None
    if job is None or owner is None:
        raise JobFailed("The job or its owner is gone.")
    if not owner.is_active or not Membership.objects.filter(team=job.team, user=owner).exists():
        raise JobFailed("Its owner has left the team.")
    address = urljoin(settings.SITE_URL, reverse("job_detail", args=[job.pk]))
    text = render_to_string("hooks/mail/job.txt", {"job": job, "address": address})
    verb = "failed" if job.state == State.FAILED else "finished"
    subject = " ".join(f"{verb.capitalize()}: {job.title}".split())
    try:
        EmailMessage(subject, text, to=[owner.email]).send()
    except (smtplib.SMTPException, OSError) as error:
        raise TryLater(f"The mail server took no mail: {type(error).__name__}.") from error
