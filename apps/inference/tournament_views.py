"""Pages of tournaments."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.forms import complaints_to
from apps.inference import queries, services, tournament_pages
from apps.inference.models import Tournament
from apps.inference.tournament_forms import TournamentForm
from apps.inference.views import listed
from apps.teams.access import MemberRequest, get_visible, may, member_required
from apps.teams.models import Role
from apps.teams.services import require


def _tournament(request: MemberRequest, slug: str) -> Tournament:
    found: Tournament = get_visible(queries.tournaments(request.user), request.user, slug=slug)
    return found


@member_required
@require_GET
def tournament_list(request: MemberRequest) -> HttpResponse:
    """The team's tournaments, newest first."""
    rows = queries.tournaments(request.user)
    context = listed(request, rows, "tournament_detail", tournament_pages.sentence)
    return render(request, "inference/tournament_list.html", context)


@member_required
@require_http_methods(["GET", "POST"])
def tournament_new(request: MemberRequest) -> HttpResponse:
    """Choose who competes on what, and for how much."""
    require(user=request.user, team=request.team, role=Role.EDITOR)
    initial = {"version": request.GET.get("version")}
    form = TournamentForm(
        request.POST or None, user=request.user, team=request.team, initial=initial
    )
    if request.method == "POST" and form.is_valid():
        with complaints_to(form):
            made = services.start_tournament(user=request.user, **form.asked())
            return redirect("tournament_detail", made.slug)
    context = {"form": form, "sources": queries.sources(request.user).filter(team=request.team)}
    status = 400 if form.errors else 200
    return render(request, "inference/tournament_form.html", context, status=status)


@member_required
@require_GET
def tournament_detail(request: MemberRequest, slug: str) -> HttpResponse:
    """Who won by how much, or how far it is; who left when; what it costs."""
    tournament = _tournament(request, slug)
    job = tournament.job
    runs = [place.run for place in tournament.places.all() if place.run is not None]
    context = {
        "tournament": tournament,
        "sentence": tournament_pages.sentence(tournament),
        "rows": tournament_pages.rows_of(tournament),
        "rounds": tournament.rounds,
        "answers": sum(run.answered + run.failed for run in runs),
        "full": tournament.version.item_count * len(tournament.places.all()),
        "spend": tournament_pages.spent(runs),
        "whole": tournament_pages.whole_price(tournament),
        "job": job if job and not job.finished else None,
        "stopped": job if job and tournament.state in ("failed", "cancelled") else None,
        "may_edit": may(request.user, tournament.team, Role.EDITOR),
    }
    return render(request, "inference/tournament_detail.html", context)


@member_required
@require_POST
def tournament_resume(request: MemberRequest, slug: str) -> HttpResponse:
    """Go on where it was stopped."""
    tournament = _tournament(request, slug)
    try:
        services.resume_tournament(user=request.user, tournament=tournament)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    return redirect("tournament_detail", slug)


@member_required
@require_http_methods(["GET", "POST"])
def tournament_delete(request: MemberRequest, slug: str) -> HttpResponse:
    """Ask, then delete."""
    tournament = _tournament(request, slug)
    require(user=request.user, team=tournament.team, role=Role.EDITOR)
    if request.method == "POST":
        services.delete_tournament(user=request.user, tournament=tournament)
        messages.success(request, "The tournament is deleted.")
        return redirect("tournament_list")
    return render(request, "inference/tournament_delete.html", {"tournament": tournament})
