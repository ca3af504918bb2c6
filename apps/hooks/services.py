"""Verbs on webhooks: make, turn on and off, delete, tell, send again."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.core import outbound, vault
from apps.hooks.models import PING, Delivery, Event, Webhook
from apps.hooks.signing import signature
from apps.jobs.context import JobContext, JobFailed, TryLater
from apps.jobs.models import Job, State
from apps.jobs.services import enqueue
from apps.teams.models import Role, Team, User
from apps.teams.services import audit, require
from apps.teams.services.base import one_line

DELIVER = "hooks.deliver"
ATTEMPTS = 8
"""With pauses of 10 seconds, then twice as long each time: about 20 minutes in all."""

MOST_WEBHOOKS = 20
MOST_FAILURES = 5
"""Deliveries in a row that come to nothing before a webhook is turned off."""

KEPT = timedelta(days=30)
"""How long the log of deliveries goes back."""

UNTOLD = "The webhook was not told: the log of its deliveries says why."
"""What a job of a delivery says: the team's members see it, and a problem may name the server."""

_SECONDS = 10.0
_ANSWER_BYTES = 64 << 10
_GONE = 410


@transaction.atomic
def create_webhook(
    *, user: User, team: Team, name: str, url: str, events: Sequence[str]
) -> tuple[Webhook, str]:
    """A webhook and its secret, which is shown this once.

    Raises:
        PermissionDenied: below admin. ValidationError: no name, an address that may not be called, no
        event or one that there is not, or too many webhooks.
    """
    require(user=user, team=team, role=Role.ADMIN)
    if not (name := one_line(name)):
        raise ValidationError({"name": "Give the webhook a name that says who listens."})
    try:
        address = outbound.check_url(url)
    except outbound.OutboundError as error:
        raise ValidationError({"url": str(error)}) from error
    unknown = [event for event in events if event not in Event.values]
    if unknown or not events:
        raise ValidationError({"events": f"Choose one or more of {', '.join(Event.values)}."})
    if Webhook.objects.filter(team=team).count() >= MOST_WEBHOOKS:
        raise ValidationError(f"A team has at most {MOST_WEBHOOKS} webhooks.")
    secret = f"whsec_{secrets.token_urlsafe(32)}"
    made = Webhook(
        team=team, created_by=user, name=name, url=address, events=list(dict.fromkeys(events))
    )
    made.sealed_secret = vault.seal(secret, bound_to=made.purpose)
    made.full_clean()
    made.save()
    audit(user=user, team=team, action="webhook.created", target=made, events=made.events)
    return made, secret


@transaction.atomic
def switch_webhook(*, user: User, webhook: Webhook, active: bool) -> Webhook:
    """Turn a webhook on or off; on again, its failures are forgotten. Raises PermissionDenied."""
    require(user=user, team=webhook.team, role=Role.ADMIN)
    webhook.active, webhook.failures, webhook.note = active, 0, ""
    webhook.save(update_fields=["active", "failures", "note"])
    action = "webhook.turned_on" if active else "webhook.turned_off"
    audit(user=user, team=webhook.team, action=action, target=webhook)
    return webhook


@transaction.atomic
def delete_webhook(*, user: User, webhook: Webhook) -> None:
    """Delete a webhook and the log of what it was sent. Raises PermissionDenied."""
    require(user=user, team=webhook.team, role=Role.ADMIN)
    audit(user=user, team=webhook.team, action="webhook.deleted", target=webhook)
    webhook.delete()


def reseal_all() -> tuple[int, int]:
    """Seal every secret anew with the first of ENCRYPTION_KEYS; how many were, how many are unreadable."""
    done = lost = 0
    for webhook in Webhook.objects.order_by("pk"):
        try:
            secret = vault.unseal(webhook.sealed_secret, bound_to=webhook.purpose)
        except vault.Unreadable:
            lost += 1
            continue
        sealed = vault.seal(secret, bound_to=webhook.purpose)
        Webhook.objects.filter(pk=webhook.pk).update(sealed_secret=sealed)
        done += 1
    return done, lost


@transaction.atomic
def ping_webhook(*, user: User, webhook: Webhook) -> Delivery:
    """Send a webhook a message that says nothing. Raises PermissionDenied."""
    require(user=user, team=webhook.team, role=Role.ADMIN)
    return _send(webhook, PING, _payload(webhook.team, PING, {"webhook": webhook.name}))


@transaction.atomic
def redeliver(*, user: User, delivery: Delivery) -> Delivery:
    """Send the same message again, as a new delivery. Raises PermissionDenied."""
    require(user=user, team=delivery.team, role=Role.ADMIN)
    audit(user=user, team=delivery.team, action="webhook.redelivered", target=delivery.webhook)
    return _send(delivery.webhook, delivery.event, delivery.payload)


def tell(*, team: Team, event: Event, data: dict[str, Any]) -> None:
    """Tell the team's webhooks what happened; call it inside the transaction in which it happens."""
    hooks = [
        hook for hook in Webhook.objects.filter(team=team, active=True) if event in hook.events
    ]
    if hooks:
        payload = _payload(team, event, data)
        for hook in hooks:
            _send(hook, event, payload)


def _payload(team: Team, event: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "event": str(event),
        "team": team.slug,
        "created_at": timezone.now().isoformat(),
        "data": data,
    }


def _send(webhook: Webhook, event: str, payload: dict[str, Any]) -> Delivery:
    webhook.deliveries.filter(created_at__lt=timezone.now() - KEPT).delete()
    made: Delivery = Delivery.objects.create(
        team=webhook.team, webhook=webhook, event=str(event), payload=payload
    )
    made.job = enqueue(
        user=None,
        team=webhook.team,
        kind=DELIVER,
        # The team's members see its jobs, and its webhooks are its admins' alone.
        title=f"Tell a webhook: {event}",
        params={"delivery": str(made.pk)},
        max_attempts=ATTEMPTS,
    )
    made.save(update_fields=["job"])
    return made


def deliver(ctx: JobContext) -> None:
    """The job of a delivery. What a webhook answers beside its status is not kept."""
    found = Delivery.objects.select_related("webhook", "team").filter(pk=ctx.params["delivery"])
    delivery = found.first()
    if delivery is None:
        raise JobFailed("The webhook has been deleted.")
    status, problem, final = None, "", True
    if not delivery.webhook.active and delivery.event != PING:
        problem = "The webhook is turned off."
    else:
        try:
            status = _call(delivery)
            final = status == _GONE
            problem = "" if 200 <= status < 300 else f"The server answered {status}."
        except (outbound.Refused, vault.Unreadable) as error:
            problem = str(error)
        except outbound.OutboundError as error:
            problem, final = str(error), False
    if not problem:
        with ctx.finishing({"status": status}):
            _delivered(delivery, status)
        return
    final = final or ctx.job.attempts >= ctx.job.max_attempts
    with ctx.fenced():
        _failed(delivery, status, problem, final=final)
    raise JobFailed(UNTOLD) if final else TryLater(UNTOLD)


def close_delivery(*, job: Job) -> None:
    """Called as the job of a delivery ends: one that was cancelled or broke leaves nothing under way."""
    waiting = Delivery.objects.filter(pk=job.params["delivery"], state=Delivery.State.WAITING)
    if job.state == State.CANCELLED:
        waiting.update(state=Delivery.State.FAILED, problem="Its job was cancelled.")
    elif job.state == State.FAILED:
        waiting.update(state=Delivery.State.FAILED, problem=job.error[:500])


def _call(delivery: Delivery) -> int:
    webhook, at = delivery.webhook, int(time.time())
    body = json.dumps(delivery.payload, ensure_ascii=False).encode("utf-8", "replace")
    secret = vault.unseal(webhook.sealed_secret, bound_to=webhook.purpose)
    reply = outbound.call(
        "POST",
        webhook.url,
        headers={
            "Content-Type": "application/json",
            "Assay-Event": delivery.event,
            "Assay-Delivery": delivery.payload["id"],
            "Assay-Signature": signature(secret, body, at),
        },
        content=body,
        max_seconds=_SECONDS,
        max_bytes=_ANSWER_BYTES,
    )
    return reply.status


def _delivered(delivery: Delivery, status: int | None) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(
        state=Delivery.State.DELIVERED,
        status=status,
        problem="",
        attempts=delivery.attempts + 1,
        delivered_at=timezone.now(),
    )
    Webhook.objects.filter(pk=delivery.webhook_id).update(failures=0)


def _failed(delivery: Delivery, status: int | None, problem: str, *, final: bool) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(
        state=Delivery.State.FAILED if final else Delivery.State.WAITING,
        status=status,
        problem=problem[:500],
        attempts=delivery.attempts + 1,
    )
    if not final or delivery.event == PING:
        return
    webhook = Webhook.objects.select_for_update().get(pk=delivery.webhook_id)
    if not webhook.active:
        return
    webhook.failures += 1
    if status == _GONE or webhook.failures >= MOST_FAILURES:
        webhook.active = False
        count = f"{webhook.failures} deliver{'y' if webhook.failures == 1 else 'ies'} in a row"
        webhook.note = f"Turned off after {count} came to nothing. The last: {problem}"[:500]
        audit(user=None, team=delivery.team, action="webhook.gave_up", target=webhook)
    webhook.save(update_fields=["failures", "active", "note"])
