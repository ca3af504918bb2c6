"""Accounts are made by invitation alone, also where another server vouches for who somebody is."""

from typing import Any

import requests
from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.db import transaction
from django.http import HttpRequest
from requests.adapters import BaseAdapter

from apps.core import outbound
from apps.teams.models import Invitation, User
from apps.teams.services import accept_invitation
from apps.teams.services.base import one_line

CALL_SECONDS = 10.0


class InvitationOnlyAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class VouchedAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Signing in with the server of OIDC_SERVER_URL.

    An address that it says is verified opens the account that has it; an address that is invited makes
    one and joins the teams it is invited to. Nobody else comes in.
    """

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        email = _verified_address(sociallogin)
        return bool(email) and _offers(email).exists()

    def can_authenticate_by_email(self, login: SocialLogin, email: str) -> bool:
        return email.lower() == _verified_address(login)

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: Any) -> User:
        user: User = sociallogin.user
        user.email = _verified_address(sociallogin)
        user.name = one_line(str(data.get("name") or ""))[:100]
        return user

    @transaction.atomic
    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        user: User = super().save_user(request, sociallogin, form)
        for invitation in _offers(user.email):
            accept_invitation(invitation=invitation, user=user)
        return user

    def get_requests_session(self) -> requests.Session:
        """A session whose calls all pass the guard: the server's address may have become another's."""
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Guarded())
        return session


class _Guarded(BaseAdapter):
    """Sends what `requests` wants sent through `apps.core.outbound`."""

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        body = request.body
        content = (
            body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else None
        )
        try:
            reply = outbound.call(
                request.method or "GET",
                request.url or "",
                # `requests` would have it packed; the guard takes what comes as it comes.
                headers={
                    **{name: _text(value) for name, value in request.headers.items()},
                    "Accept-Encoding": "identity",
                },
                content=content,
                max_seconds=CALL_SECONDS,
            )
        except outbound.OutboundError as error:
            raise requests.ConnectionError(str(error)) from error
        response = requests.Response()
        response.status_code = reply.status
        response.headers.update(reply.headers)
        response._content = reply.body
        response.url, response.request = reply.url, request
        return response

    def close(self) -> None: ...


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _verified_address(login: SocialLogin) -> str:
    """The address that the server vouches for, in lower case; empty where it does not say so plainly."""
    data = login.account.extra_data
    claims = data.get("userinfo") or data.get("id_token") or data
    email = claims.get("email")
    return email.lower() if isinstance(email, str) and claims.get("email_verified") is True else ""


def _offers(email: str) -> Any:
    return Invitation.objects.open().filter(email=email)
