"""What this room does when the catalog changes."""

from typing import Any

from django.dispatch import receiver

from apps.catalog.models import DatasetVersion
from apps.catalog.signals import version_changed
from apps.routing import services
from apps.teams.models import User


@receiver(version_changed, dispatch_uid="routing.follow_version")
def follow(*, version: DatasetVersion, user: User | None = None, **_: Any) -> None:
    """Outcomes or prices of a version changed: its evaluations follow."""
    services.follow_version(version=version, user=user)
