"""Pages of this room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from string import digits
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.catalog import queries as catalog
from apps.catalog.tables import NOT_RUN
from apps.core import twins
from apps.core.forms import complaints_to
from apps.selection import exports, queries, services
from apps.selection.agreement_page import TERMS as AGREEMENT_TERMS
from apps.selection.agreement_page import agreement_page
from apps.selection.forms import AnswerForm, SessionForm, SettleForm
from apps.selection.meter import meter_of
from apps.selection.models import LabelEvent, SelectionSession
from apps.selection.pages import SHOWN, TERMS, session_page
from apps.selection.services import Turn
from apps.teams.access import MemberRequest, get_visible, may, member_required
from apps.teams.models import Role, User
from apps.teams.services import require

PAGE_SIZE = 25
BUTTONS = 40  # more classes are chosen by typing
Kind = LabelEvent.Kind


def _session(request: MemberRequest, pk: UUID) -> SelectionSession:
    session: SelectionSession = get_visible(queries.sessions(request.user), request.user, pk=pk)
    return session


@member_required
@require_GET
def selection_list(request: MemberRequest) -> HttpResponse:
    """The team's selections, newest first."""
    found = queries.sessions(request.user).filter(team=request.team)
    context = {
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "may_edit": may(request.user, request.team, Role.EDITOR),
    }
    return render(request, "selection/session_list.html", context)


@member_required
@require_http_methods(["GET", "POST"])
def selection_new(request: MemberRequest) -> HttpResponse:
    """Start to label the items that tell the models of a dataset apart."""
    require(user=request.user, team=request.team, role=Role.EDITOR)
    form = SessionForm(
        request.POST or None,
        user=request.user,
        team=request.team,
        initial={"version": request.GET.get("version")},
    )
    if request.method == "POST" and form.is_valid():
        version = form.cleaned_data["version"]
        with complaints_to(form):
            session = services.start_session(user=request.user, version=version, **form.settings())
            return redirect("selection_detail", session.pk)
    status = 400 if form.errors else 200
    return render(request, "selection/session_form.html", {"form": form}, status=status)


@member_required
@require_GET
def selection_detail(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Who leads, and what stopping needs."""
    session = _session(request, pk)
    context: dict[str, Any] = {
        "session": session,
        "terms": TERMS,
        "may_edit": may(request.user, session.team, Role.EDITOR),
        "may_label": may(request.user, session.team, Role.ANNOTATOR),
    }
    try:
        page = session_page(session)
    except ValueError as error:
        context["problem"] = str(error)
    else:
        context["page"] = page
        context["rows"] = page.rows if "all" in request.GET else page.rows[:SHOWN]
        address = reverse("selection_detail", args=[pk])
        context["twins"] = twins.links(address, drawn=page.curve is not None, card=True)
    return render(request, "selection/session_detail.html", context)


_MOVED = {
    "pause": "Paused: nobody is asked for labels.",
    "reopen": "Open again: annotators get items.",
    "close": "Closed. Its labels are part of the dataset now.",
    "use": "Its labels are part of the dataset now; boards follow.",
}


@member_required
@require_POST
def selection_state(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Pause, reopen, close, or use the labels so far."""
    session, asked = _session(request, pk), request.POST.get("do", "")
    require(user=request.user, team=session.team, role=Role.EDITOR)
    try:
        services.move(user=request.user, session=session, do=asked)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        messages.success(request, _MOVED[asked])
    return redirect("selection_detail", pk)


@member_required
@require_http_methods(["GET", "POST"])
def selection_delete(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Ask, then delete."""
    session = _session(request, pk)
    require(user=request.user, team=session.team, role=Role.EDITOR)
    if request.method == "POST":
        services.delete_session(user=request.user, session=session)
        messages.success(request, f"The selection {session.name} is deleted.")
        return redirect("selection_list")
    return render(request, "selection/session_delete.html", {"session": session})


@member_required
@require_http_methods(["GET", "POST"])
def selection_label(request: MemberRequest, pk: UUID) -> HttpResponse:
    """The next item and its buttons; for htmx the item alone."""
    session = _session(request, pk)
    require(user=request.user, team=session.team, role=Role.ANNOTATOR)
    problem = _take(request, session) if request.method == "POST" else ""
    fragment = _wants_task(request)
    if request.method == "POST" and not problem and not fragment:
        return redirect("selection_label", pk)
    turn = services.next_item(user=request.user, session=session)
    context = _task(request.user, session, turn) | {"problem": problem, "fragment": fragment}
    template = "selection/partials/task.html" if fragment else "selection/label.html"
    # htmx shows what comes with 200; the sentence in it says what was not taken.
    return render(request, template, context, status=400 if problem and not fragment else 200)


def _wants_task(request: HttpRequest) -> bool:
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and htmx.target == "task" and not htmx.history_restore_request


def _take(request: MemberRequest, session: SelectionSession) -> str:
    """Do what was sent; the sentence that says why it could not be done, or nothing."""
    user = request.user
    try:
        if request.POST.get("kind") == Kind.UNDO:
            services.undo(user=user, session=session)
            return ""
        form = AnswerForm(request.POST)
        if not form.is_valid():
            return "Nothing was taken: say which item, and choose a class, skip or unsure."
        if form.cleaned_data["kind"] == "reveal":
            services.reveal(user=user, session=session)
        else:
            services.record(user=user, session=session, answer=form.answer())
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def keys_of(classes: Sequence[str]) -> list[tuple[str, str]]:
    """Each class with its key: a class that is a digit has itself, the others the rest of 1 to 9."""
    own = set(classes) & set(digits)
    left = iter(key for key in digits[1:] if key not in own)
    return [(name, name if name in own else next(left, "")) for name in classes]


def _task(user: User, session: SelectionSession, turn: Turn) -> dict[str, Any]:
    """What the labelling page shows of a turn."""
    context: dict[str, Any] = {"session": session, "turn": turn}
    if turn.basis is None:
        return context
    basis, classes = turn.basis, turn.basis.table.class_names
    context["meter"] = meter_of(session, basis)
    context["may_undo"] = user.pk in basis.labelling.last
    if turn.reservation is None:
        return context
    item = turn.reservation.item
    context["item"] = catalog.items_of(session.version, [item])[0]
    context["buttons"] = keys_of(classes[:BUTTONS])
    context["typed"] = classes if len(classes) > BUTTONS else ()
    if turn.reservation.revealed:
        votes = Counter(int(vote) for vote in basis.table.predictions[:, item] if vote != NOT_RUN)
        context["answers"] = [(classes[vote], count) for vote, count in votes.most_common()]
    return context


@member_required
@require_http_methods(["GET", "POST"])
def selection_agreement(request: MemberRequest, pk: UUID) -> HttpResponse:
    """How well annotators agree, and the items on which they do not, for an editor to settle."""
    session, problem = _session(request, pk), ""
    if request.method == "POST":
        require(user=request.user, team=session.team, role=Role.EDITOR)
        problem = _settle(request, session)
        if not problem:
            return redirect("selection_agreement", pk)
    context: dict[str, Any] = {
        "session": session,
        "problem": problem,
        "terms": AGREEMENT_TERMS,
        "may_settle": may(request.user, session.team, Role.EDITOR) and session.state != "closed",
    }
    try:
        page = agreement_page(session)
    except ValueError as error:
        context["problem"] = str(error)
    else:
        shown = Paginator(page.differences, PAGE_SIZE).get_page(request.GET.get("page"))
        items = catalog.items_of(session.version, [one.item for one in shown])
        context |= {
            "agreement": page,
            "page": shown,
            "differences": list(zip(shown, items, strict=True)),
        }
    status = 400 if problem else 200
    return render(request, "selection/agreement.html", context, status=status)


def _settle(request: MemberRequest, session: SelectionSession) -> str:
    """Settle the item that was sent; the sentence that says why that could not be done, or nothing."""
    try:
        form = SettleForm(request.POST)
        if not form.is_valid():
            return "Nothing was settled: say which item, and choose a class."
        services.settle(user=request.user, session=session, **form.cleaned_data)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


@member_required
@require_GET
def selection_events_csv(request: MemberRequest, pk: UUID) -> HttpResponse:
    """The log as CSV."""
    session = _session(request, pk)
    response = HttpResponse(exports.events_csv(session), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="selection-{session.pk}.csv"'
    return response


@member_required
@require_GET
def selection_events_json(request: MemberRequest, pk: UUID) -> HttpResponse:
    """The log as JSON, with what the selection asked."""
    return JsonResponse(exports.events_json(_session(request, pk)))
