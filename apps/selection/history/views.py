"""Pages of replays."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from apps.core import twins
from apps.core.forms import complaints_to
from apps.selection.history import cards, cost, exports, queries, services
from apps.selection.history.forms import ReplayForm
from apps.selection.history.models import Replay
from apps.selection.history.pages import ReplayPage
from apps.selection.replay import Plan, checked
from apps.teams.access import MemberRequest, get_visible, may, member_required
from apps.teams.models import Role
from apps.teams.services import require

PAGE_SIZE = 25


def _replay(request: MemberRequest, pk: UUID) -> Replay:
    replay: Replay = get_visible(queries.replays(request.user), request.user, pk=pk)
    return replay


def _finished(request: MemberRequest, pk: UUID) -> Replay:
    replay = _replay(request, pk)
    if not replay.blob:
        raise twins.NoFile("This replay has no numbers yet.")
    return replay


@member_required
@require_GET
def replay_list(request: MemberRequest) -> HttpResponse:
    """The team's replays, newest first."""
    found = queries.replays(request.user).filter(team=request.team)
    context = {
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "may_edit": may(request.user, request.team, Role.EDITOR),
    }
    return render(request, "selection/history/list.html", context)


@member_required
@require_http_methods(["GET", "POST"])
def replay_new(request: MemberRequest) -> HttpResponse:
    """Ask what each method would have needed on labels that are there."""
    require(user=request.user, team=request.team, role=Role.EDITOR)
    form = ReplayForm(
        request.POST or None,
        user=request.user,
        team=request.team,
        initial={"version": request.GET.get("version")},
    )
    if request.method == "POST" and form.is_valid():
        with complaints_to(form):
            replay = services.start_replay(user=request.user, **form.settings())
            return redirect("replay_detail", replay.pk)
    context = {"form": form, "estimate": _estimate(form)}
    status = 400 if form.errors else 200
    return render(request, "selection/history/form.html", context, status=status)


def _estimate(form: ReplayForm) -> str:
    """About how long the plan as it stands in the form takes; empty where nothing can be said."""
    field = form.fields["version"]
    assert isinstance(field, forms.ModelChoiceField)  # noqa: S101
    chosen = str(form["version"].value())
    version = next((one for one in field.queryset or () if str(one.pk) == chosen), None)
    if version is None:
        return ""
    try:
        collection, _ = queries.collection_of(version)
        plan = Plan(
            methods=tuple(form["methods"].value() or ()),
            pool=int(form["pool"].value() or services.default_pool(collection)),
            realisations=int(form["realisations"].value()),
            budget=int(form["budget"].value()),
        )
        plan = checked(collection, plan)
        return cost.in_words(cost.expected_seconds(plan, collection.table.n_models))
    except (TypeError, ValueError, OverflowError):
        return ""


@member_required
@require_GET
def replay_detail(request: MemberRequest, pk: UUID) -> HttpResponse:
    """The curves, or how far the job is."""
    replay = _replay(request, pk)
    context: dict[str, Any] = {
        "replay": replay,
        "job": replay.job,
        "may_edit": may(request.user, replay.team, Role.EDITOR),
    }
    if replay.blob:
        context["page"] = ReplayPage(
            queries.result_of(replay),
            reverse("replay_svg", args=[pk]),
            url=reverse("replay_detail", args=[pk]),
        )
    return render(request, "selection/history/detail.html", context)


@member_required
@require_http_methods(["GET", "POST"])
def replay_delete(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Ask, then delete."""
    replay = _replay(request, pk)
    require(user=request.user, team=replay.team, role=Role.EDITOR)
    if request.method == "POST":
        services.delete_replay(user=request.user, replay=replay)
        messages.success(request, "The replay is deleted.")
        return redirect("replay_list")
    return render(request, "selection/history/delete.html", {"replay": replay})


@member_required
@require_GET
def replay_twin(request: MemberRequest, pk: UUID, form: str) -> HttpResponse:
    """The replay as a file; of its pictures the one that `show` names (best, within_1pct, regret)."""
    replay = _finished(request, pk)
    page = ReplayPage(
        queries.result_of(replay),
        reverse("replay_svg", args=[pk]),
        url=reverse("replay_detail", args=[pk]),
    )
    made = exports.replay_twins(page, str(replay), replay.blob, request.GET.get("show", ""))
    return twins.answer(request, made, form)


@member_required
@require_GET
def replay_card(request: MemberRequest, pk: UUID) -> HttpResponse:
    """The replay's result card."""
    replay = _finished(request, pk)
    return twins.card_response(cards.claim_of(replay), str(replay))
