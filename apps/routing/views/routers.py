"""Pages of routers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.forms import complaints_to
from apps.core.spreadsheets import csv_text
from apps.routing import queries, services
from apps.routing.forms import NewModelForm, RouterForm, TryForm
from apps.routing.models import Router
from apps.routing.pages.router import routed_page, router_page
from apps.routing.serving import route
from apps.teams.access import MemberRequest, get_visible, may, member_required
from apps.teams.models import Role
from apps.teams.services import require

PAGE_SIZE = 25


def _router(request: MemberRequest, slug: str) -> Router:
    found: Router = get_visible(queries.routers(request.user), request.user, slug=slug)
    return found


@member_required
@require_GET
def router_list(request: MemberRequest) -> HttpResponse:
    """The team's routers and evaluations, newest first."""
    evaluations = queries.evaluations(request.user).filter(team=request.team)
    context = {
        "routers": queries.routers(request.user).filter(team=request.team)[:PAGE_SIZE],
        "page": Paginator(evaluations, PAGE_SIZE).get_page(request.GET.get("page")),
        "outcomes": queries.versions_with_outcomes(request.user, request.team).exists(),
        "may_edit": may(request.user, request.team, Role.EDITOR),
    }
    return render(request, "routing/router_list.html", context)


@member_required
@require_http_methods(["GET", "POST"])
def router_new(request: MemberRequest) -> HttpResponse:
    """Train a router."""
    require(user=request.user, team=request.team, role=Role.EDITOR)
    form = RouterForm(
        request.POST or None,
        user=request.user,
        team=request.team,
        initial={"version": request.GET.get("version")},
    )
    if request.method == "POST" and form.is_valid():
        version = form.cleaned_data["version"]
        with complaints_to(form):
            router = services.create_router(user=request.user, version=version, **form.settings())
            return redirect("router_detail", router.slug)
    context = {"form": form, "outcomes": queries.versions_with_outcomes(request.user, request.team)}
    status = 400 if form.errors else 200
    return render(request, "routing/router_form.html", context, status=status)


@member_required
@require_GET
def router_detail(request: MemberRequest, slug: str) -> HttpResponse:
    """What serves, and every version."""
    router = _router(request, slug)
    job = router.job
    context: dict[str, Any] = {
        "router": router,
        "page": router_page(router),
        "job": job if job and not job.finished else None,
        "failed": job if job and job.state in ("failed", "cancelled") else None,
        "may_edit": may(request.user, router.team, Role.EDITOR),
    }
    return render(request, "routing/router_detail.html", context)


@member_required
@require_http_methods(["GET", "POST"])
def router_try(request: MemberRequest, slug: str) -> HttpResponse:
    """Type a prompt, see the forecast, the decision and why. Nothing of it is kept."""
    router = _router(request, slug)
    form = TryForm(request.POST or None)
    context: dict[str, Any] = {"router": router, "form": form}
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            routed = route(router, data["prompt"], budget=data["budget"])
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            context["routed"] = routed_page(routed)
    status = 400 if form.errors else 200
    return render(request, "routing/router_try.html", context, status=status)


@member_required
@require_POST
def router_train(request: MemberRequest, slug: str) -> HttpResponse:
    """Train another version on the outcomes as they stand."""
    services.train_router(user=request.user, router=_router(request, slug))
    return redirect("router_detail", slug)


@member_required
@require_POST
def router_roll_back(request: MemberRequest, slug: str) -> HttpResponse:
    """Let another version serve."""
    router, asked = _router(request, slug), request.POST.get("number", "")
    require(user=request.user, team=router.team, role=Role.EDITOR)
    try:
        number = int(asked) if asked.isdecimal() and len(asked) < 9 else 0
        services.roll_back(user=request.user, router=router, number=number)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        messages.success(request, f"Version {number} serves now.")
    return redirect("router_detail", slug)


@member_required
@require_http_methods(["GET", "POST"])
def router_delete(request: MemberRequest, slug: str) -> HttpResponse:
    """Ask, then delete."""
    router = _router(request, slug)
    require(user=request.user, team=router.team, role=Role.EDITOR)
    if request.method == "POST":
        services.delete_router(user=request.user, router=router)
        messages.success(request, f"The router {router.name} is deleted.")
        return redirect("router_list")
    return render(request, "routing/router_delete.html", {"router": router})


@member_required
@require_http_methods(["GET", "POST"])
def router_new_model(request: MemberRequest, slug: str) -> HttpResponse:
    """Let a model join from its outcomes on a few prompts."""
    router = _router(request, slug)
    require(user=request.user, team=router.team, role=Role.EDITOR)
    form = NewModelForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        with complaints_to(form):
            given = services.read_outcomes(form.cleaned_data["file"].read(services.MOST_BYTES + 1))
            name = form.cleaned_data["name"]
            services.add_model(user=request.user, router=router, name=name, given=given)
            return redirect("router_detail", slug)
    context = {"router": router, "form": form, "prompts": queries.asked_prompts(router)}
    status = 400 if form.errors else 200
    return render(request, "routing/router_new_model.html", context, status=status)


@member_required
@require_GET
def router_prompts(request: MemberRequest, slug: str) -> HttpResponse:
    """The prompts to run a new model on, as a CSV to fill in."""
    router = _router(request, slug)
    rows = [(prompt, text, "", "") for prompt, text in queries.asked_prompts(router)]
    text = csv_text([("prompt_id", "prompt", "score", "cost_usd"), *rows])
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-prompts.csv"'
    return response
