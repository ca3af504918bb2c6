"""Pages of endpoints."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.catalog.views.shared import page_of, person, posted, team_of
from apps.core.forms import complaints_to
from apps.inference.endpoints import queries, services
from apps.inference.endpoints.forms import EndpointForm, TrialForm
from apps.inference.endpoints.models import Endpoint
from apps.inference.endpoints.trial import Tried, try_endpoint
from apps.teams.access import get_visible, may
from apps.teams.models import Role
from apps.teams.services import require


@login_required
@require_safe
def endpoint_list(request: HttpRequest) -> HttpResponse:
    user = person(request)
    context = {
        "page": page_of(request, queries.endpoints(user)),
        "may_manage": may(user, getattr(request, "team", None), Role.ADMIN),
    }
    return render(request, "inference/endpoint_list.html", context)


@login_required
@sensitive_post_parameters("key")
@require_http_methods(["GET", "HEAD", "POST"])
def endpoint_new(request: HttpRequest) -> HttpResponse:
    user, team = person(request), team_of(request)
    require(user=user, team=team, role=Role.ADMIN)
    form = EndpointForm(posted(request)[0])
    if request.method == "POST" and form.is_valid():
        with complaints_to(form):
            endpoint = services.create_endpoint(
                user=user, team=team, key=form.key_given() or "", **form.given()
            )
            messages.success(
                request, f"{endpoint.name} is added. Ask it one question to see it work."
            )
            return redirect("endpoint_detail", endpoint.slug)
    return render(request, "inference/endpoint_form.html", {"form": form})


@login_required
@require_safe
def endpoint_detail(request: HttpRequest, slug: str) -> HttpResponse:
    endpoint = get_visible(Endpoint.objects.select_related("team"), person(request), slug=slug)
    return _detail(request, endpoint, TrialForm())


@login_required
@require_POST
def endpoint_test(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask one question; the page says what happened."""
    user = person(request)
    endpoint = get_visible(Endpoint.objects.select_related("team"), user, slug=slug)
    require(user=user, team=endpoint.team, role=Role.EDITOR)
    form, tried = TrialForm(request.POST), None
    if form.is_valid():
        with complaints_to(form):
            tried = try_endpoint(user=user, endpoint=endpoint, **form.cleaned_data)
    return _detail(request, endpoint, form, tried)


def _detail(
    request: HttpRequest, endpoint: Endpoint, form: TrialForm, tried: Tried | None = None
) -> HttpResponse:
    user = person(request)
    context = {
        "endpoint": endpoint,
        "form": form,
        "tried": tried,
        "may_manage": may(user, endpoint.team, Role.ADMIN),
        "may_try": may(user, endpoint.team, Role.EDITOR),
    }
    return render(request, "inference/endpoint_detail.html", context)


@login_required
@sensitive_post_parameters("key")
@require_http_methods(["GET", "HEAD", "POST"])
def endpoint_edit(request: HttpRequest, slug: str) -> HttpResponse:
    user = person(request)
    endpoint = get_visible(Endpoint.objects.select_related("team"), user, slug=slug)
    require(user=user, team=endpoint.team, role=Role.ADMIN)
    had_key = endpoint.has_key
    form = EndpointForm(posted(request)[0], instance=get_visible(Endpoint, user, slug=slug))
    if request.method == "POST" and form.is_valid():
        with complaints_to(form):
            changed = services.update_endpoint(
                user=user, endpoint=endpoint, key=form.key_given(), **form.given()
            )
            dropped = had_key and not changed.has_key and form.key_given() is None
            text = (
                " Its key was dropped with the old address: enter the new one." if dropped else ""
            )
            messages.success(request, f"{changed.name} is saved.{text}")
            return redirect("endpoint_detail", slug)
    return render(request, "inference/endpoint_form.html", {"form": form, "endpoint": endpoint})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def endpoint_delete(request: HttpRequest, slug: str) -> HttpResponse:
    user = person(request)
    endpoint = get_visible(Endpoint.objects.select_related("team"), user, slug=slug)
    require(user=user, team=endpoint.team, role=Role.ADMIN)
    if request.method == "POST":
        services.delete_endpoint(user=user, endpoint=endpoint)
        messages.success(request, f"The endpoint {endpoint.name} is deleted, and its key with it.")
        return redirect("endpoint_list")
    context = {
        "heading": f"Delete {endpoint.name}?",
        "text": "Its key goes with it. Answers that came from it stay; its models cannot be run again.",
        "action": "Delete this endpoint",
        "subject": endpoint.name,
        "back_url": reverse("endpoint_detail", args=[slug]),
    }
    return render(request, "catalog/confirm.html", context)
