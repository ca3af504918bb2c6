"""Pages of evaluations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core import twins
from apps.core.charts import SIZES, THEMES
from apps.core.forms import complaints_to
from apps.routing import cards, queries, services
from apps.routing.forms import EvaluationForm
from apps.routing.models import Evaluation, EvaluationResult
from apps.routing.pages import charts, evaluation_page
from apps.routing.pages.evaluation import EvaluationPage
from apps.routing.twins import evaluation_twins
from apps.teams.access import MemberRequest, get_visible, may, member_required
from apps.teams.models import Role
from apps.teams.services import require


def _evaluation(request: MemberRequest, pk: UUID) -> Evaluation:
    found: Evaluation = get_visible(queries.evaluations(request.user), request.user, pk=pk)
    return found


def _result(request: MemberRequest, pk: UUID) -> EvaluationResult:
    current = _evaluation(request, pk).current
    if current is None:
        raise twins.NoFile("This evaluation has no numbers yet.")
    return current


@member_required
@require_http_methods(["GET", "POST"])
def evaluation_new(request: MemberRequest) -> HttpResponse:
    """Ask whether routing helps."""
    require(user=request.user, team=request.team, role=Role.EDITOR)
    form = EvaluationForm(
        request.POST or None,
        user=request.user,
        team=request.team,
        initial={"version": request.GET.get("version")},
    )
    if request.method == "POST" and form.is_valid():
        version = form.cleaned_data["version"]
        with complaints_to(form):
            evaluation = services.start_evaluation(
                user=request.user, version=version, **form.settings()
            )
            return redirect("evaluation_detail", evaluation.pk)
    context = {"form": form, "outcomes": queries.versions_with_outcomes(request.user, request.team)}
    status = 400 if form.errors else 200
    return render(request, "routing/evaluation_form.html", context, status=status)


@member_required
@require_GET
def evaluation_detail(request: MemberRequest, pk: UUID) -> HttpResponse:
    """The verdict and what it rests on; for htmx the dial alone."""
    evaluation = _evaluation(request, pk)
    page = None
    if evaluation.current is not None:
        page = page_of(
            request,
            evaluation,
            url=reverse("evaluation_detail", args=[pk]),
            chart_url=reverse("evaluation_chart", args=[pk]),
        )
        if wants_dial(request):
            return dial_fragment(request, page)
    job = evaluation.job
    context: dict[str, Any] = {
        "evaluation": evaluation,
        "page": page,
        "job": job if job and not job.finished else None,
        "failed": job if job and job.state in ("failed", "cancelled") else None,
        "may_edit": may(request.user, evaluation.team, Role.EDITOR),
    }
    return render(request, "routing/evaluation_detail.html", context)


def page_of(
    request: HttpRequest,
    evaluation: Evaluation,
    *,
    url: str,
    chart_url: str,
    blob: str = "",
    shared: bool = False,
) -> EvaluationPage:
    """The page of an evaluation's current result, or of one kept as `blob`."""
    assert evaluation.current is not None  # noqa: S101
    return evaluation_page(
        name=evaluation.name,
        result=queries.result_at(blob or evaluation.current.blob),
        asked=request.GET.get("dial", ""),
        url=url,
        chart_url=chart_url,
        shared=shared,
    )


def wants_dial(request: HttpRequest) -> bool:
    """Whether htmx asks for the dial alone."""
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and htmx.target == "dial" and not htmx.history_restore_request


def dial_fragment(request: HttpRequest, page: EvaluationPage) -> HttpResponse:
    """The dial alone."""
    if page.dial is None:
        raise Http404("Costs are unknown: there is no dial.")
    return render(request, "routing/partials/dial.html", {"page": page, "fragment": True})


def chart_response(request: HttpRequest, blob: str, *, as_spec: bool = False) -> HttpResponse:
    """The chart of a result kept as `blob`; 404 where there is nothing to draw."""
    result = queries.result_at(blob)
    if not charts.drawable(result):
        raise twins.NoFile(charts.NOTHING)
    theme, size = request.GET.get("theme", ""), request.GET.get("size", "")
    look = (theme if theme in THEMES else "light", size if size in SIZES else "wide")
    if as_spec:
        return HttpResponse(charts.spec_json(blob, result, *look), content_type="application/json")
    return twins.svg_response(charts.svg(blob, result, *look))


@member_required
@require_GET
def evaluation_chart(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Quality against cost as SVG: without JavaScript, and for documents."""
    return chart_response(request, _result(request, pk).blob)


@member_required
@require_GET
def evaluation_chart_spec(request: MemberRequest, pk: UUID) -> HttpResponse:
    """The same chart's Vega-Lite spec, which the page draws."""
    return chart_response(request, _result(request, pk).blob, as_spec=True)


@member_required
@require_GET
def evaluation_twin(request: MemberRequest, pk: UUID, form: str) -> HttpResponse:
    """The evaluation as a file, at the budget of its page's dial."""
    evaluation = _evaluation(request, pk)
    if evaluation.current is None:
        raise twins.NoFile("This evaluation has no numbers yet.")
    page = page_of(
        request,
        evaluation,
        url=reverse("evaluation_detail", args=[pk]),
        chart_url=reverse("evaluation_chart", args=[pk]),
    )
    return twins.answer(request, evaluation_twins(page, evaluation.current.blob), form)


@member_required
@require_GET
def evaluation_card(request: MemberRequest, pk: UUID) -> HttpResponse:
    """The evaluation's result card."""
    evaluation = _evaluation(request, pk)
    if evaluation.current is None:
        raise twins.NoFile("This evaluation has no numbers yet.")
    return twins.card_response(cards.claim_of(evaluation, evaluation.current), evaluation.name)


@member_required
@require_POST
def evaluation_refresh(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Answer it anew, after a failed job or a new day's prices."""
    services.refresh_evaluation(user=request.user, evaluation=_evaluation(request, pk))
    return redirect("evaluation_detail", pk)


@member_required
@require_http_methods(["GET", "POST"])
def evaluation_delete(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Ask, then delete."""
    evaluation = _evaluation(request, pk)
    require(user=request.user, team=evaluation.team, role=Role.EDITOR)
    if request.method == "POST":
        services.delete_evaluation(user=request.user, evaluation=evaluation)
        messages.success(request, f"The evaluation {evaluation.name} is deleted.")
        return redirect("router_list")
    return render(request, "routing/evaluation_delete.html", {"evaluation": evaluation})
