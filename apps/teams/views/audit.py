"""The audit log: read, narrowed, and taken away as CSV."""

import json
from collections.abc import Iterator

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.core.spreadsheets import csv_text
from apps.teams import queries, services
from apps.teams.access import MemberRequest, member_required
from apps.teams.forms import AuditForm
from apps.teams.models import AuditEntry, Role

PAGE_SIZE = 50
HEAD = ("when", "who", "did", "to", "name", "id", "details")


def _entries(request: MemberRequest) -> tuple[AuditForm, QuerySet[AuditEntry]]:
    services.require(user=request.user, team=request.team, role=Role.ADMIN)
    entries = queries.audit_entries(request.user).filter(team=request.team)
    form = AuditForm(request.GET or None, entries=entries)
    return form, form.narrow(entries)


@member_required
@require_GET
def audit_log(request: MemberRequest) -> HttpResponse:
    """Who changed what, narrowed by who, what and when."""
    form, entries = _entries(request)
    page = Paginator(entries, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "teams/audit.html", {"page": page, "form": form})


@member_required
@require_GET
def audit_csv(request: MemberRequest) -> HttpResponseBase:
    """The same entries as CSV, all of them, written as they are read."""
    _, entries = _entries(request)
    response = StreamingHttpResponse(_lines(entries), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{request.team.slug}-audit.csv"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _lines(entries: QuerySet[AuditEntry]) -> Iterator[str]:
    yield csv_text([HEAD])
    for entry in entries.iterator(chunk_size=500):
        who = entry.created_by
        yield csv_text(
            [
                (
                    entry.created_at.isoformat(),
                    who.email if who else "",
                    entry.action,
                    entry.object_type,
                    entry.object_name,
                    entry.object_id,
                    json.dumps(entry.details, ensure_ascii=False) if entry.details else "",
                )
            ]
        )
