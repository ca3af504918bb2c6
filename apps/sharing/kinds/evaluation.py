"""Evaluations of routers behind a link: verdict, curves, dial and tables. No prompt is shown."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from apps.routing import queries
from apps.routing.models import Evaluation
from apps.routing.pages import EvaluationPage, evaluation_page
from apps.routing.views.evaluations import chart_response, dial_fragment, wants_dial
from apps.teams.models import User

from .base import Kind


class Evaluations(Kind):
    """Whether routing helps."""

    name, noun, plural, key = "evaluation", "evaluation", "evaluations", "uuid:pk"
    home = "evaluation_detail"
    template = "routing/partials/evaluation.html"
    related = ("version__dataset", "current")

    def visible(self, user: User) -> QuerySet[Evaluation]:
        """See `Kind.visible`."""
        return queries.evaluations(user)

    def freeze(self, target: Evaluation) -> str:
        """See `Kind.freeze`: a result is a file already."""
        if target.current is None:
            raise ValidationError("This evaluation has no numbers yet: there is nothing to share.")
        return target.current.blob

    def page(
        self, request: HttpRequest, target: Evaluation, blob: str, url: str
    ) -> EvaluationPage | HttpResponse | None:
        """See `Kind.page`; for htmx the dial alone."""
        shown = blob or (target.current.blob if target.current else "")
        if not shown:
            return None
        page = evaluation_page(
            name=target.name,
            result=queries.result_at(shown),
            asked=request.GET.get("dial", ""),
            url=url,
            chart_url=f"{url}chart.svg",
            shared=True,
        )
        return dial_fragment(request, page) if wants_dial(request) else page

    def chart(self, request: HttpRequest, target: Evaluation, blob: str) -> HttpResponse:
        """See `Kind.chart`."""
        shown = blob or (target.current.blob if target.current else "")
        if not shown:
            raise Http404("This evaluation has no numbers.")
        return chart_response(request, shown)
