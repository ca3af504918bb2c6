"""What search finds of routers and evaluations, and what may be done with them from anywhere."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from apps.core.search import Hit, Words, matching, register, register_actions
from apps.routing import queries
from apps.teams.access import asker_may
from apps.teams.models import Role


@register("Evaluations", order=30)
def evaluations(user: Any, words: Words, most: int) -> Iterable[Hit]:
    rows = queries.evaluations(user)
    for evaluation in matching(rows, words, "name", "version__dataset__name")[:most]:
        url = reverse("evaluation_detail", args=[evaluation.pk])
        yield Hit(evaluation.name, url, evaluation.verdict)


@register("Routers", order=35)
def routers(user: Any, words: Words, most: int) -> Iterable[Hit]:
    rows = queries.routers(user)
    for router in matching(rows, words, "name", "version__dataset__name", "method")[:most]:
        url = reverse("router_detail", args=[router.slug])
        yield Hit(router.name, url, f"{router.method}, trained on {router.version}")


@register_actions(order=40)
def routing_actions(request: HttpRequest) -> Iterable[Hit]:
    if asker_may(request, Role.EDITOR):
        yield Hit("Ask whether routing helps", reverse("evaluation_new"), "a new evaluation")
        yield Hit("Train a router", reverse("router_new"), "from recorded outcomes")
