"""What search finds of background work."""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from apps.core.search import Hit, Words, matching, register
from apps.jobs import queries


@register("Jobs", order=60)
def jobs(user: Any, words: Words, most: int) -> Iterable[Hit]:
    for job in matching(queries.jobs(user), words, "title")[:most]:
        yield Hit(job.title, reverse("job_detail", args=[job.pk]), job.get_state_display())
