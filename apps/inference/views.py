"""Pages of runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.forms import complaints_to
from apps.inference import pages, queries, services
from apps.inference.forms import CapForm, ChooseForm, RunForm, SourceForm
from apps.inference.kinds import KINDS, Gives
from apps.inference.models import Run, Tournament
from apps.teams.access import MemberRequest, get_visible, may, member_required
from apps.teams.models import Role
from apps.teams.services import require

LIST_SIZE = 25
_MOST_PAGES = 10**6

W = TypeVar("W", Run, Tournament)


def _run(request: MemberRequest, slug: str) -> Run:
    found: Run = get_visible(queries.runs(request.user), request.user, slug=slug)
    return found


@member_required
@require_GET
def run_list(request: MemberRequest) -> HttpResponse:
    """The team's runs, newest first."""
    context = listed(request, queries.runs(request.user), "run_detail", pages.sentence)
    return render(request, "inference/run_list.html", context)


def listed(
    request: MemberRequest, rows: QuerySet[W], route: str, sentence: Callable[[W], str]
) -> dict[str, Any]:
    """A page of what a team's jobs work on, for `inference/entries.html`: each with its address and
    sentence."""
    own = rows.filter(team=request.team)
    page = Paginator(own, LIST_SIZE).get_page(request.GET.get("page"))
    return {
        "page": page,
        "rows": [(one, reverse(route, args=[one.slug]), sentence(one)) for one in page],
        "may_edit": may(request.user, request.team, Role.EDITOR),
    }


@member_required
@require_http_methods(["GET", "POST"])
def source_new(request: MemberRequest) -> HttpResponse:
    """Say where the weights of a candidate lie."""
    require(user=request.user, team=request.team, role=Role.EDITOR)
    initial = {"name": request.GET.get("model", "")}
    form = SourceForm(request.POST or None, user=request.user, team=request.team, initial=initial)
    if request.method == "POST" and form.is_valid():
        with complaints_to(form):
            source = services.add_source_by_name(
                user=request.user,
                team=request.team,
                name=form.cleaned_data["name"],
                **form.place_of(),
            )
            given = {"source": str(source.pk), "version": request.GET.get("version", "")}
            return redirect(f"{reverse('run_new')}?{urlencode(given)}")
    context = {"form": form}
    status = 400 if form.errors else 200
    return render(request, "inference/source_form.html", context, status=status)


@member_required
@require_http_methods(["GET", "POST"])
def run_new(request: MemberRequest) -> HttpResponse:
    """Choose what is run on what; then how, with an estimate before the start."""
    require(user=request.user, team=request.team, role=Role.EDITOR)
    given = request.POST if request.method == "POST" else request.GET
    choose = ChooseForm(given or None, user=request.user, team=request.team)
    if "source" not in given or "version" not in given or not choose.is_valid():
        return _choose(request, choose)
    chosen = {name: choose.cleaned_data[name] for name in ("version", "source", "scorer")}
    form = RunForm(request.POST or None, **chosen)
    context: dict[str, Any] = {"form": form, **chosen}
    if request.method == "POST" and form.is_valid():
        try:
            if "estimate" not in request.POST:
                run = services.start_run(
                    user=request.user,
                    version=chosen["version"],
                    source=chosen["source"],
                    **form.asked(),
                )
                return redirect("run_detail", run.slug)
            context["estimate"] = _estimate(chosen, form.asked())
        except ValidationError as error:
            _show(form, error)
    elif request.method != "POST":
        context["estimate"] = _estimate(chosen, {})
    status = 400 if form.errors else 200
    return render(request, "inference/run_form.html", context, status=status)


def _choose(request: MemberRequest, form: ChooseForm) -> HttpResponse:
    """The first step; what came with the address is kept, and not yet complained about."""
    complete = "source" in form.data and "version" in form.data
    if not complete:
        initial = {name: request.GET.get(name) for name in ("version", "source", "scorer")}
        form = ChooseForm(user=request.user, team=request.team, initial=initial)
    context = {
        "form": form,
        "sources": queries.sources(request.user).filter(team=request.team).exists(),
        "version": request.GET.get("version", ""),
    }
    status = 400 if form.errors and request.method == "POST" else 200
    return render(request, "inference/run_choose.html", context, status=status)


def _estimate(chosen: dict[str, Any], asked: dict[str, Any]) -> str:
    source = chosen["source"]
    settings = KINDS[source.kind].clean({**source.settings, **asked.get("settings", {})})
    run = Run(
        version=chosen["version"], source=source, settings=settings, sample=asked.get("sample")
    )
    return pages.estimated(queries.estimate_of(run).as_dict())


def _show(form: RunForm, error: ValidationError) -> None:
    """A service's complaint at the field that it is about."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error.messages)
        return
    for name, problems in error.message_dict.items():
        field = next((one for one in (name, f"set_{name}") if one in form.fields), None)
        form.add_error(field, problems)


@member_required
@require_GET
def run_detail(request: MemberRequest, slug: str) -> HttpResponse:
    """How far it is, what came of it, what it costs, its answers and failures."""
    run = _run(request, slug)
    failures = request.GET.get("show") == "failures"
    asked = request.GET.get("page", "")
    number = min(int(asked), _MOST_PAGES) if asked.isdecimal() and len(asked) < 9 else 1
    rows, count = pages.rows_of(run, failures=failures, page=max(1, number))
    paginator = Paginator(range(count), pages.PAGE_SIZE)
    kind = KINDS.get(run.source.kind)
    context: dict[str, Any] = {
        "run": run,
        "kind": kind.title if kind else run.source.kind,
        "sentence": pages.sentence(run),
        "spent": pages.spent(run),
        "estimate": pages.estimated(run.estimate) if run.estimate else "",
        "settings": pages.settings_of(run) if kind else [],
        "failures": failures,
        "rows": rows,
        "page": paginator.get_page(number),
        "job": run.job if run.job and not run.job.finished else None,
        "stopped": run.job if run.job and run.state in ("failed", "cancelled") else None,
        "left": run.total - run.answered,
        "judgeable": bool(kind and kind.gives == Gives.TEXT and run.answers_blob),
        "may_edit": may(request.user, run.team, Role.EDITOR),
    }
    return render(request, "inference/run_detail.html", context)


@member_required
@require_POST
def run_resume(request: MemberRequest, slug: str) -> HttpResponse:
    """Ask again what has no answer."""
    run = _run(request, slug)
    require(user=request.user, team=run.team, role=Role.EDITOR)
    form = CapForm(request.POST)
    try:
        if not form.is_valid():
            raise ValidationError("The cap is an amount of US dollars, 0 or more.")
        services.resume_run(user=request.user, run=run, cap=form.cleaned_data["cap"])
    except ValidationError as error:
        messages.error(request, error.messages[0])
    return redirect("run_detail", slug)


@member_required
@require_http_methods(["GET", "POST"])
def run_delete(request: MemberRequest, slug: str) -> HttpResponse:
    """Ask, then delete."""
    run = _run(request, slug)
    require(user=request.user, team=run.team, role=Role.EDITOR)
    if request.method == "POST":
        services.delete_run(user=request.user, run=run)
        messages.success(request, f"The run of {run} is deleted.")
        return redirect("run_list")
    return render(request, "inference/run_delete.html", {"run": run})
