"""The page of a selection as files, and the part of it that the labelling page keeps up to date."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.core.charts import THEMES
from apps.core.spreadsheets import csv_text
from apps.selection import queries
from apps.selection.curve import Curve
from apps.selection.models import SelectionSession
from apps.selection.pages import session_page
from apps.selection.standing import Standing, standing_of
from apps.teams.access import MemberRequest, get_visible, member_required

SHOWN = 8  # models beside the labels
_COLUMNS = (
    "model", "rank_low", "rank_high", "correct", "answered", "accuracy", "low", "high", "p_best",
)  # fmt: skip


def _session(request: MemberRequest, pk: UUID) -> SelectionSession:
    session: SelectionSession = get_visible(queries.sessions(request.user), request.user, pk=pk)
    return session


def _standing(request: MemberRequest, pk: UUID) -> dict[str, Any]:
    try:
        return standing_of(_session(request, pk))
    except ValueError as error:
        raise Http404(str(error)) from error


@member_required
@require_GET
def selection_json(request: MemberRequest, pk: UUID) -> HttpResponse:
    """All that the page says, as JSON."""
    return JsonResponse(_standing(request, pk))


@member_required
@require_GET
def selection_csv(request: MemberRequest, pk: UUID) -> HttpResponse:
    """The models as CSV; an unknown number is an empty cell."""
    rows = (
        ["" if row[name] is None else str(row[name]) for name in _COLUMNS]
        for row in _standing(request, pk)["board"]
    )
    response = HttpResponse(csv_text([_COLUMNS, *rows]), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="selection-{pk}-models.csv"'
    return response


@member_required
@require_GET
def selection_svg(request: MemberRequest, pk: UUID) -> HttpResponse:
    """How the lead grew as a picture that stands alone; 404 before the first label."""
    curve = Standing(_standing(request, pk)).curve
    if curve is None:
        raise Http404("There is no label yet: nothing to draw.")
    text = standalone(curve, request.GET.get("theme", ""))
    response = HttpResponse(text, content_type="image/svg+xml")
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return response


def standalone(curve: Curve, theme: str) -> str:
    """The drawing of the page with its colours inside it."""
    colour = THEMES.get(theme, THEMES["light"])
    style = (
        f"svg{{background:{colour['paper']};font-family:system-ui,sans-serif}}path{{fill:none}}"
        f".line{{stroke:{colour['accent']};stroke-width:1.5}}.ref{{stroke:{colour['line']}}}"
        f".change{{stroke:{colour['dot']};stroke-dasharray:2 3}}"
        f"text{{fill:{colour['soft']};font-size:11px}}"
    )
    head, rest = str(curve.svg).split(">", 1)
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{style}</style>{rest}'


@member_required
@require_GET
def selection_standing(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Who leads and the ranks that remain possible, with the meter: kept up to date beside the labels."""
    session = _session(request, pk)
    try:
        page = session_page(session)
    except ValueError as error:
        raise Http404(str(error)) from error
    context = {
        "session": session,
        "page": page,
        "rows": page.rows[:SHOWN],
        "may_be_best": sum(row.may_be_best for row in page.rows),
    }
    return render(request, "selection/partials/live.html", context)
