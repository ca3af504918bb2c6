"""The page of a selection as files, and the part of it that the labelling page keeps up to date."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from apps.core import twins
from apps.core.charts import standalone
from apps.core.latex import Table
from apps.core.twins import Twins
from apps.selection import cards, queries
from apps.selection.models import SelectionSession
from apps.selection.pages import ranks_text, session_page
from apps.selection.standing import Standing, standing_of
from apps.teams.access import MemberRequest, get_visible, member_required

SHOWN = 8  # models beside the labels
_COLUMNS = (
    "model", "rank_low", "rank_high", "correct", "answered", "accuracy", "low", "high", "p_best",
)  # fmt: skip


def _session(request: MemberRequest, pk: UUID) -> SelectionSession:
    session: SelectionSession = get_visible(queries.sessions(request.user), request.user, pk=pk)
    return session


@member_required
@require_GET
def selection_twin(request: MemberRequest, pk: UUID, form: str) -> HttpResponse:
    """The selection as a file; its picture is how the lead grew."""
    try:
        document = standing_of(_session(request, pk))
    except ValueError as error:
        raise twins.NoFile(str(error)) from error
    standing = Standing(document, reverse("selection_detail", args=[pk]))
    return twins.answer(request, selection_twins(standing), form)


@member_required
@require_GET
def selection_card(request: MemberRequest, pk: UUID) -> HttpResponse:
    """The selection's result card."""
    session = _session(request, pk)
    try:
        claim = cards.claim_of(session)
    except ValueError as error:
        raise twins.NoFile(str(error)) from error
    return twins.card_response(claim, session.name)


def selection_twins(standing: Standing) -> Twins:
    """The files of a session as it stands, or stood."""
    document, curve = standing.document, standing.curve
    return Twins(
        name=twins.label(document["name"]),
        document=lambda: document,
        rows=lambda: [
            list(_COLUMNS),
            *(
                ["" if row[name] is None else str(row[name]) for name in _COLUMNS]
                for row in document["board"]
            ),
        ],
        table=lambda: _table(document),
        chart=(lambda theme, size: standalone(str(curve.svg), theme))
        if curve
        else "How the lead grew is drawn from the first label on, where right answers count.",
    )


def _table(document: dict[str, Any]) -> Table:
    ranked = bool(document["board"]) and document["board"][0]["rank_low"] is not None
    heads = ["Model", *(["Ranks"] if ranked else []), "Right", "Of", document["score"]["column"]]
    return Table(
        caption=(
            f"{document['verdict']} {document['labels']:,} of {document['items']:,} items of "
            f"{document['dataset']['name']}, version {document['dataset']['version']}, are labelled. "
            f"{document['estimated']}"
        ),
        heads=heads,
        numbers=[False, *[True] * (len(heads) - 1)],
        rows=[
            [
                row["model"],
                *([ranks_text(row["rank_low"], row["rank_high"])] if ranked else []),
                f"{row['correct']:,}",
                f"{row['answered']:,}",
                row["text"],
            ]
            for row in document["board"]
        ],
        label=twins.label(document["name"]),
    )


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
