"""What the first page shows of runs."""

from django.http import HttpRequest
from django.urls import reverse

from apps.core.home import Entry, Section, register
from apps.inference import pages, queries


@register(order=14)
def latest_runs(request: HttpRequest) -> Section | None:
    """The three newest runs of the current team."""
    team = getattr(request, "team", None)
    if team is None or not request.user.is_authenticated:
        return None
    found = list(queries.runs(request.user).filter(team=team)[:4])
    return Section(
        "Runs",
        [
            Entry(
                str(run),
                reverse("run_detail", args=[run.slug]),
                sentence=pages.sentence(run),
                note=run.state,
                at=run.created_at,
            )
            for run in found[:3]
        ],
        more_url=reverse("run_list") if len(found) > 3 else "",
    )
