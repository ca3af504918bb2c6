"""Reads of webhooks: for the admins of their team alone."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from apps.hooks.models import Delivery, Webhook
from apps.teams.models import Role, Team, User


def webhooks(user: User) -> QuerySet[Webhook]:
    """The webhooks of the teams that `user` administers."""
    rows: QuerySet[Webhook] = Webhook.objects.visible_to(user).select_related("team", "created_by")
    return rows.filter(team__in=_administered(user))


def deliveries(user: User) -> QuerySet[Delivery]:
    """What they were sent, newest first."""
    rows: QuerySet[Delivery] = Delivery.objects.visible_to(user).select_related("team", "webhook")
    return rows.filter(team__in=_administered(user))


def wanted(team: Team, event: str) -> bool:
    """Whether any active webhook of a team asks for an event."""
    return any(event in events for events in _asked_for(team))


def told(team: Team, event: str, **data: str) -> bool:
    """Whether the log of deliveries has an event about these data."""
    about = {f"payload__data__{name}": value for name, value in data.items()}
    return Delivery.objects.filter(team=team, event=event, **about).exists()


def _asked_for(team: Team) -> list[list[str]]:
    return list(Webhook.objects.filter(team=team, active=True).values_list("events", flat=True))


def _administered(user: User) -> list[UUID]:
    return [team for team, role in user.roles.items() if role >= Role.ADMIN]
