"""Reads of endpoints."""

from typing import Any

from django.db.models import QuerySet

from apps.inference.endpoints.models import Endpoint


def endpoints(user: Any) -> QuerySet[Endpoint]:
    """The endpoints that `user` may see, by name; their keys stay sealed."""
    return Endpoint.objects.visible_to(user).select_related("team").order_by("name", "pk")
