"""What search finds of endpoints."""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from apps.core.search import Hit, Words, matching, register
from apps.inference.endpoints import queries


@register("Endpoints", order=55)
def endpoints(user: Any, words: Words, most: int) -> Iterable[Hit]:
    for endpoint in matching(queries.endpoints(user), words, "name")[:most]:
        yield Hit(endpoint.name, reverse("endpoint_detail", args=[endpoint.slug]))
