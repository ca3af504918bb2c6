"""What this room does when the catalog changes."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from apps.catalog.models import CandidateModel, DatasetVersion
from apps.catalog.signals import version_changed
from apps.leaderboards import services
from apps.teams.models import User


@receiver(version_changed, dispatch_uid="leaderboards.follow_version")
def follow(*, version: DatasetVersion, user: User | None = None, **_: Any) -> None:
    """Predictions, labels or prices of a version changed."""
    services.follow_version(version=version, user=user)


@receiver(post_save, sender=CandidateModel, dispatch_uid="leaderboards.follow_model")
def follow_model(*, instance: CandidateModel, created: bool, raw: bool, **_: Any) -> None:
    """A model's facts changed: boards show its provider, licence and tags."""
    if not created and not raw:  # raw: read back from a backup, its boards beside it
        services.follow_model(model=instance)
