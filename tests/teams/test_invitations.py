"""Who is invited, and how the door behaves."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.utils import timezone

from apps.teams import services
from apps.teams.models import Invitation, Role, Team, User

Clients = Callable[[User], Client]
PASSPHRASE = "slate-and-copper-9"


@pytest.fixture
def offer(team: Team, alice: User) -> tuple[Invitation, str]:
    return services.invite(user=alice, team=team, email="New@Example.org", role=Role.EDITOR)


def test_an_invited_person_makes_an_account_and_is_in(
    client: Client, team: Team, offer: tuple[Invitation, str]
) -> None:
    address = f"/invitations/{offer[1]}/"
    page = client.get(address)
    assert page["X-Robots-Tag"] == "noindex"
    assert "Join Metallurgy" in page.content.decode()
    response = client.post(address, {"name": "Nell", "password": PASSPHRASE}, follow=True)
    assert response.status_code == 200
    user = User.objects.get(email="new@example.org")
    assert user.roles == {team.pk: Role.EDITOR}
    assert response.context["user"] == user
    # And can sign in with the passphrase later.
    client.logout()
    client.post("/accounts/login/", {"login": "NEW@example.org", "password": PASSPHRASE})
    assert "Metallurgy" in client.get("/settings/").content.decode()


def test_an_invitation_works_once(client: Client, offer: tuple[Invitation, str]) -> None:
    address = f"/invitations/{offer[1]}/"
    client.post(address, {"password": PASSPHRASE})
    client.logout()
    assert client.get(address).status_code == 410
    assert client.post(address, {"password": PASSPHRASE}).status_code == 410
    assert User.objects.filter(email="new@example.org").count() == 1


@pytest.mark.parametrize("how", ["revoked", "expired", "replaced"])
def test_an_ended_invitation_lets_nobody_in(
    client: Client, alice: User, team: Team, offer: tuple[Invitation, str], how: str
) -> None:
    invitation, secret = offer
    if how == "revoked":
        services.revoke_invitation(user=alice, invitation=invitation)
    elif how == "expired":
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    else:
        services.invite(user=alice, team=team, email="new@example.org", role=Role.VIEWER)
    assert client.post(f"/invitations/{secret}/", {"password": PASSPHRASE}).status_code == 410
    with pytest.raises(ValidationError):
        services.accept_invitation(invitation=invitation, password=PASSPHRASE)
    assert not User.objects.filter(email="new@example.org").exists()


def test_a_guessed_invitation_is_not_found(client: Client, offer: tuple[Invitation, str]) -> None:
    assert client.get("/invitations/guess/").status_code == 404
    assert client.get(f"/invitations/{offer[0].token_hash}/").status_code == 404


def test_only_the_invited_address_may_join(
    charlie: User, offer: tuple[Invitation, str], client_of: Clients
) -> None:
    client = client_of(charlie)
    assert "this invitation is for new@example.org" in (
        client.get(f"/invitations/{offer[1]}/").content.decode()
    )
    assert client.post(f"/invitations/{offer[1]}/").status_code == 403
    assert charlie.memberships.count() == 1


def test_someone_with_an_account_signs_in_and_joins(
    team: Team, alice: User, charlie: User, client_of: Clients, client: Client
) -> None:
    _, secret = services.invite(
        user=alice, team=team, email="CHARLIE@example.org", role=Role.VIEWER
    )
    address = f"/invitations/{secret}/"
    assert f"?next={address}" in client.get(address).content.decode()
    # Signed out, the link alone gives nobody the account.
    client.post(address, {"password": PASSPHRASE})
    assert "_auth_user_id" not in client.session
    client_of(charlie).post(address)
    assert User.objects.get(pk=charlie.pk).roles[team.pk] == Role.VIEWER


@pytest.mark.parametrize("password", ["", "short", "12345678901", "password123"])
def test_a_weak_passphrase_is_refused_with_a_sentence(
    client: Client, offer: tuple[Invitation, str], password: str
) -> None:
    response = client.post(f"/invitations/{offer[1]}/", {"password": password})
    assert response.status_code == 400
    assert response.context["form"].errors["password"]
    assert not User.objects.filter(email="new@example.org").exists()
    assert Invitation.objects.open().count() == 1


def test_the_link_is_mailed_once_it_is_sure_and_shown_once(
    alice: User, client_of: Clients, django_capture_on_commit_callbacks: Any
) -> None:
    client = client_of(alice)
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post("/settings/invitations/", {"email": "a@example.org", "role": 10})
    (letter,) = mail.outbox
    assert letter.to == ["a@example.org"]
    link = next(line for line in letter.body.splitlines() if "/invitations/" in line)
    assert link in response.content.decode()
    secret = link.rstrip("/").rsplit("/", 1)[1]
    assert secret not in client.get("/settings/").content.decode()
    assert not Invitation.objects.filter(token_hash=secret).exists()


def test_a_mail_server_that_is_down_does_not_stop_an_invitation(
    alice: User, client_of: Clients, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    with django_capture_on_commit_callbacks(execute=True):
        response = client_of(alice).post(
            "/settings/invitations/", {"email": "a@example.org", "role": 10}
        )
    assert response.status_code == 200
    assert Invitation.objects.open().count() == 1


@pytest.mark.parametrize("email", ["", "nobody", "vic@example.org", "VIC@EXAMPLE.ORG", "a\n@b.org"])
def test_bad_addresses_and_members_are_not_invited(
    alice: User, vic: User, client_of: Clients, email: str
) -> None:
    response = client_of(alice).post("/settings/invitations/", {"email": email, "role": 10})
    assert response.status_code == 400
    assert response.context["invite_form"].errors["email"]
    assert not Invitation.objects.exists()


def test_only_admins_invite_or_see_invitations(
    team: Team, eddie: User, offer: tuple[Invitation, str], client_of: Clients, api_of: Any
) -> None:
    client = client_of(eddie)
    assert client.post("/settings/invitations/", {"email": "a@b.org"}).status_code == 403
    assert "new@example.org" not in client.get("/settings/").content.decode()
    assert api_of(eddie).get("/api/v1/invitations/").json()["count"] == 0
    with pytest.raises(PermissionDenied):
        services.revoke_invitation(user=eddie, invitation=offer[0])


def test_markup_in_a_team_name_stays_text(
    client: Client, team: Team, offer: tuple[Invitation, str]
) -> None:
    Team.objects.update(name="<script>alert(1)</script>")
    text = client.get(f"/invitations/{offer[1]}/").content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_the_api_invites_and_revokes(alice: User, api_of: Any) -> None:
    program = api_of(alice)
    made = program.post("/api/v1/invitations/", {"email": "x@example.org", "role": "viewer"})
    assert made.status_code == 201
    assert made.json()["secret"]
    listed = program.get("/api/v1/invitations/").json()["results"][0]
    assert "secret" not in listed
    assert "token_hash" not in listed
    assert program.delete(f"/api/v1/invitations/{listed['id']}/").status_code == 204
    assert not Invitation.objects.open().exists()
