"""The doors for people who are not signed in: invitations, one-time addresses, another server's word."""

import requests
from allauth.account.utils import perform_login
from allauth.socialaccount.providers.openid_connect.views import login as to_the_server
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.core.views import gone
from apps.teams import services
from apps.teams.forms import JoinForm
from apps.teams.models import Invitation, SignInLink, User


def _by_secret(rows: QuerySet, token: str):  # type: ignore[no-untyped-def,type-arg]
    row = rows.filter(token_hash=services.hash_secret(token)).first()
    if row is None:
        raise Http404("There is nothing at this address.")
    return row


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Shows what one is invited to; joining takes a press of the button."""
    offer: Invitation = _by_secret(Invitation.objects.select_related("team", "created_by"), token)
    if offer.ended:
        return gone(request, "This invitation was used, revoked or has expired. Ask for a new one.")
    user = request.user if request.user.is_authenticated else None
    form = JoinForm(request.POST if request.method == "POST" and user is None else None)
    if request.method == "POST" and (user is not None or form.is_valid()):
        try:
            membership = services.accept_invitation(
                invitation=offer, user=user, **({} if user else form.cleaned_data)
            )
        except ValidationError as error:
            if user is not None:
                return gone(request, " ".join(error.messages))
            form.add_error(None, error)
        else:
            return _enter(request, membership.user, str(offer.team_id))
    context = {
        "invitation": offer,
        "form": form,
        "other_person": user is not None and user.email.lower() != offer.email,
        "has_account": user is None and User.objects.filter(email__iexact=offer.email).exists(),
    }
    response = render(request, "teams/invitation.html", context, status=400 if form.errors else 200)
    response["X-Robots-Tag"] = "noindex"
    return response


@require_http_methods(["GET", "POST"])
def signin_link(request: HttpRequest, token: str) -> HttpResponse:
    """A page with one button, so that a preview of the link does not use it up."""
    link: SignInLink = _by_secret(SignInLink.objects.select_related("user"), token)
    over = "This sign-in address was used or has expired. Each works once, for 24 hours."
    if link.used_at is not None or link.expired():
        return gone(request, over)
    if request.method == "POST":
        user = services.use_sign_in_link(token)
        return gone(request, over) if user is None else _enter(request, user)
    response = render(request, "teams/signin.html", {"person": link.user})
    response["X-Robots-Tag"] = "noindex"
    return response


def vouched(request: HttpRequest, provider_id: str) -> HttpResponse:
    """On to the server that vouches for people; in words where it cannot be reached."""
    try:
        response: HttpResponse = to_the_server(request, provider_id)
    except requests.RequestException:
        return render(request, "socialaccount/authentication_error.html", status=502)
    return response


def _enter(request: HttpRequest, user: User, team_id: str = "") -> HttpResponse:
    """Sign `user` in, through the second factor where there is one, and look at the team."""
    if request.user != user:
        response: HttpResponse = perform_login(request, user, redirect_url="/")
    else:
        response = redirect("/")
    if team_id and request.user == user:
        request.session["team"] = team_id
        messages.success(request, "You are in.")
    return response
