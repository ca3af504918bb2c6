"""Evaluations of routers behind a link: verdict, curves, dial and tables; prompts only where asked for."""

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

from .base import Kind, Opening


class Evaluations(Kind):
    """Whether routing helps."""

    name, noun, plural, key = "evaluation", "evaluation", "evaluations", "uuid:pk"
    home = "evaluation_detail"
    template = "routing/partials/evaluation.html"
    related = ("version__dataset", "current")
    items = True

    def visible(self, user: User) -> QuerySet[Evaluation]:
        """See `Kind.visible`."""
        return queries.evaluations(user)

    def freeze(self, target: Evaluation) -> str:
        """See `Kind.freeze`: a result is a file already."""
        if target.current is None:
            raise ValidationError("This evaluation has no numbers yet: there is nothing to share.")
        return target.current.blob

    def page(self, request: HttpRequest, opening: Opening) -> EvaluationPage | HttpResponse | None:
        """See `Kind.page`; for htmx the dial alone."""
        page = _page(request, opening)
        if page is not None and wants_dial(request):
            return dial_fragment(request, page)
        return page

    def twins(self, request: HttpRequest, opening: Opening) -> Twins | None:
        """See `Kind.twins`."""
        page = _page(request, opening)
        return evaluation_twins(page, _shown(opening)) if page else None


def _shown(opening: Opening) -> str:
    """The file of the numbers; empty where there are none."""
    current = opening.target.current
    return opening.blob or (current.blob if current else "")


def _page(request: HttpRequest, opening: Opening) -> EvaluationPage | None:
    shown = _shown(opening)
    if not shown:
        return None
    return evaluation_page(
        name=opening.heading,
        result=queries.result_at(shown),
        asked=request.GET.get("dial", ""),
        url=opening.url,
        chart_url=opening.picture,
        shared=True,
        drawn=opening.drawn,
        prompts=opening.prompts,
    )
