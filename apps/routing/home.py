"""What the first page shows of routing."""

from django.http import HttpRequest
from django.urls import reverse

from apps.core.home import Entry, Section, register
from apps.routing import queries


@register(order=12)
def latest_evaluations(request: HttpRequest) -> Section | None:
    """The three newest evaluations of the current team, each with its verdict."""
    team = getattr(request, "team", None)
    if team is None or not request.user.is_authenticated:
        return None
    found = list(queries.evaluations(request.user).filter(team=team)[:4])
    return Section(
        "Does routing help?",
        [
            Entry(
                evaluation.name,
                reverse("evaluation_detail", args=[evaluation.pk]),
                sentence=evaluation.current.verdict if evaluation.current else "",
                note="" if evaluation.current else "no numbers yet",
                at=evaluation.current.created_at if evaluation.current else evaluation.created_at,
            )
            for evaluation in found[:3]
        ],
        more_url=reverse("router_list") if len(found) > 3 else "",
    )
