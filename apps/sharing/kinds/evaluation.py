"""Evaluations of routers behind a link: verdict, curves, dial and tables. No prompt is shown."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from apps.core.twins import Twins
from apps.routing import queries
from apps.routing.models import Evaluation
from apps.routing.pages import EvaluationPage, evaluation_page
from apps.routing.twins import evaluation_twins
from apps.routing.views.evaluations import dial_fragment, wants_dial
from apps.teams.models import User

from .base import Kind, picture


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
        page = _page(request, target, blob, url)
        if page is not None and wants_dial(request):
            return dial_fragment(request, page)
        return page

    def twins(self, request: HttpRequest, target: Evaluation, blob: str, url: str) -> Twins | None:
        """See `Kind.twins`."""
        page = _page(request, target, blob, url)
        return evaluation_twins(page, _shown(target, blob)) if page else None


def _shown(evaluation: Evaluation, blob: str) -> str:
    """The file of the numbers; empty where there are none."""
    return blob or (evaluation.current.blob if evaluation.current else "")


def _page(
    request: HttpRequest, evaluation: Evaluation, blob: str, url: str
) -> EvaluationPage | None:
    shown = _shown(evaluation, blob)
    if not shown:
        return None
    return evaluation_page(
        name=evaluation.name,
        result=queries.result_at(shown),
        asked=request.GET.get("dial", ""),
        url=url,
        chart_url=picture(url),
        shared=True,
    )
