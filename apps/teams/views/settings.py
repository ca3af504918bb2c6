"""The team's settings: name, members, invitations, tokens."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.forms import complaints_to
from apps.teams import queries, services
from apps.teams.access import MemberRequest, get_visible, member_required
from apps.teams.forms import InviteForm, RoleForm, TeamForm, TokenForm
from apps.teams.models import ApiToken, Invitation, Membership, Role, Team


def _page(request: MemberRequest, status: int = 200, **forms: Form) -> HttpResponse:
    """The settings page; a form that was refused takes the place of its empty one."""
    team, role = request.team, request.user.roles[request.team.pk]
    admin = role >= Role.ADMIN
    context = {
        "admin": admin,
        "role": role,
        "roles": Role,
        "members": queries.members(request.user).filter(team=team),
        "tokens": queries.tokens(request.user).filter(
            team=team, revoked_at__isnull=True, expires_at__gt=timezone.now()
        ),
        "invitations": Invitation.objects.open().filter(team=team) if admin else [],
        "team_form": TeamForm(initial={"name": team.name}, auto_id="team_%s"),
        "invite_form": InviteForm(auto_id="invite_%s"),
        "token_form": TokenForm(role=role, auto_id="token_%s"),
        "other_teams": Team.objects.visible_to(request.user).exclude(pk=team.pk),
    }
    return render(request, "teams/settings.html", {**context, **forms}, status=status)


@member_required
@require_GET
def team_settings(request: MemberRequest) -> HttpResponse:
    return _page(request)


@member_required
@require_POST
def team_rename(request: MemberRequest) -> HttpResponse:
    form = TeamForm(request.POST)
    services.require(user=request.user, team=request.team, role=Role.ADMIN)
    if form.is_valid():
        with complaints_to(form):
            services.rename_team(
                user=request.user, team=request.team, name=form.cleaned_data["name"]
            )
            messages.success(request, "The team has a new name.")
            return redirect("team_settings")
    return _page(request, 400, team_form=form)


@login_required
@require_http_methods(["GET", "POST"])
def team_new(request: MemberRequest) -> HttpResponse:
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with complaints_to(form):
            team = services.create_team(user=request.user, name=form.cleaned_data["name"])
            request.session["team"] = str(team.pk)
            return redirect("team_settings")
    return render(request, "teams/new.html", {"form": form}, status=400 if form.errors else 200)


@login_required
@require_POST
def switch_team(request: MemberRequest) -> HttpResponse:
    team = get_visible(Team, request.user, pk=_uuid(request.POST.get("team", "")))
    request.session["team"] = str(team.pk)
    return redirect("/")


@member_required
@require_POST
def member_role(request: MemberRequest, pk: UUID) -> HttpResponse:
    membership = get_visible(Membership, request.user, pk=pk)
    services.require(user=request.user, team=membership.team, role=Role.ADMIN)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose one of the roles.")
        return redirect("team_settings")
    try:
        services.change_role(
            user=request.user, membership=membership, role=form.cleaned_data["role"]
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(
            request, f"{membership.user} is {form.cleaned_data['role'].label} from now on."
        )
    return redirect("team_settings")


@member_required
@require_http_methods(["GET", "POST"])
def member_remove(request: MemberRequest, pk: UUID) -> HttpResponse:
    membership = get_visible(queries.members(request.user), request.user, pk=pk)
    own = membership.user_id == request.user.pk
    if not own:
        services.require(user=request.user, team=membership.team, role=Role.ADMIN)
    if request.method == "POST":
        try:
            services.remove_member(user=request.user, membership=membership)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("team_settings")
        messages.success(request, f"{membership.user} is no longer in {membership.team}.")
        return redirect("/" if own else "team_settings")
    return render(request, "teams/member_remove.html", {"membership": membership, "own": own})


@member_required
@require_POST
def invitation_new(request: MemberRequest) -> HttpResponse:
    services.require(user=request.user, team=request.team, role=Role.ADMIN)
    form = InviteForm(request.POST)
    if form.is_valid():
        with complaints_to(form):
            invitation, secret = services.invite(
                user=request.user, team=request.team, **form.cleaned_data
            )
            address = settings.SITE_URL.rstrip("/") + reverse("invitation", args=[secret])
            context = {"invitation": invitation, "address": address}
            return render(request, "teams/invitation_made.html", context)
    return _page(request, 400, invite_form=form)


@member_required
@require_POST
def invitation_revoke(request: MemberRequest, pk: UUID) -> HttpResponse:
    invitation = get_visible(Invitation, request.user, pk=pk)
    services.revoke_invitation(user=request.user, invitation=invitation)
    messages.success(request, f"The invitation of {invitation.email} leads nowhere now.")
    return redirect("team_settings")


@member_required
@require_POST
def token_new(request: MemberRequest) -> HttpResponse:
    form = TokenForm(request.POST, role=request.user.roles[request.team.pk])
    if form.is_valid():
        with complaints_to(form):
            token, secret = services.create_token(
                user=request.user, team=request.team, **form.cleaned_data
            )
            return render(request, "teams/token_made.html", {"token": token, "secret": secret})
    return _page(request, 400, token_form=form)


@member_required
@require_POST
def token_revoke(request: MemberRequest, pk: UUID) -> HttpResponse:
    token = get_visible(ApiToken, request.user, pk=pk)
    services.revoke_token(user=request.user, token=token)
    messages.success(request, f"The token {token.name} opens nothing now.")
    return redirect("team_settings")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404("There is no such team here.") from None
