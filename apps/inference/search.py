"""What search finds of runs and endpoints, and what may be done with them from anywhere."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from apps.core.search import Hit, Words, matching, register, register_actions
from apps.inference import queries
from apps.inference.endpoints.queries import endpoints as endpoints_of
from apps.teams.access import asker_may
from apps.teams.models import Role


@register("Runs", order=38)
def runs(user: Any, words: Words, most: int) -> Iterable[Hit]:
    rows = queries.runs(user)
    for run in matching(rows, words, "source__model__name", "version__dataset__name")[:most]:
        yield Hit(
            f"{run.source.model.name} on {run.version}", reverse("run_detail", args=[run.slug])
        )


@register("Tournaments", order=39)
def tournaments(user: Any, words: Words, most: int) -> Iterable[Hit]:
    rows = queries.tournaments(user).prefetch_related(None)
    for one in matching(rows, words, "version__dataset__name")[:most]:
        yield Hit(str(one), reverse("tournament_detail", args=[one.slug]))


@register("Endpoints", order=55)
def endpoints(user: Any, words: Words, most: int) -> Iterable[Hit]:
    for endpoint in matching(endpoints_of(user), words, "name")[:most]:
        yield Hit(endpoint.name, reverse("endpoint_detail", args=[endpoint.slug]))


@register_actions(order=50)
def run_actions(request: HttpRequest) -> Iterable[Hit]:
    if asker_may(request, Role.EDITOR):
        yield Hit("Run a model", reverse("run_new"), "over the items of a dataset")
        yield Hit(
            "Start a tournament",
            reverse("tournament_new"),
            "the best of several models for a budget",
        )
