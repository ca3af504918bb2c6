"""API tokens: what they lend, and when they end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.utils import timezone

from apps.teams import services
from apps.teams.models import ApiToken, Membership, Role, Team, User

Clients = Callable[[User], Client]


def test_a_token_is_shown_once_and_kept_as_a_hash(eddie: User, client_of: Clients) -> None:
    client = client_of(eddie)
    response = client.post("/settings/tokens/", {"name": "nightly", "scope": 30, "days": 90})
    secret = response.context["secret"]
    assert secret in response.content.decode()
    token = ApiToken.objects.get()
    assert secret not in (token.token_hash, token.name)
    assert token.prefix == secret[:8]
    later = client.get("/settings/").content.decode()
    assert "nightly" in later
    assert secret not in later


def test_a_token_signs_in_and_its_use_is_noted(eddie: User, team: Team) -> None:
    _, secret = services.create_token(user=eddie, team=team, name="x", scope=Role.VIEWER)
    response = Client().get("/api/v1/teams/", headers={"Authorization": f"Bearer {secret}"})
    assert [row["name"] for row in response.json()["results"]] == ["Metallurgy"]
    assert ApiToken.objects.get().last_used_at is not None


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer x", "Bearer é", "Bearer a b"])
def test_a_wrong_token_is_refused(team: Team, header: str) -> None:
    response = Client().get("/api/v1/teams/", headers={"Authorization": header})
    assert response.status_code == 401


def test_a_scope_above_ones_own_role_is_refused(
    eddie: User, team: Team, client_of: Clients
) -> None:
    with pytest.raises(PermissionDenied):
        services.create_token(user=eddie, team=team, name="x", scope=Role.ADMIN)
    response = client_of(eddie).post(
        "/settings/tokens/", {"name": "x", "scope": Role.ADMIN.value, "days": 5}
    )
    assert response.status_code == 400
    assert not ApiToken.objects.exists()


def test_a_token_never_may_more_than_its_scope(alice: User, api_of: Any) -> None:
    program = api_of(alice, scope=Role.VIEWER)
    made = program.post("/api/v1/invitations/", {"email": "x@example.org", "role": "viewer"})
    assert made.status_code == 403
    assert program.get("/api/v1/audit/").json()["count"] == 0


def test_a_token_shrinks_with_its_owners_role(alice: User, eddie: User, api_of: Any) -> None:
    program = api_of(eddie, scope=Role.EDITOR)
    Membership.objects.filter(user=eddie).update(role=Role.VIEWER)
    refused = program.post("/api/v1/tokens/", {"name": "x", "scope": "editor"})
    assert refused.status_code == 403


def test_a_token_reaches_one_team_only(
    alice: User, other_team: Team, api_of: Any, team: Team
) -> None:
    program = api_of(alice)
    Membership.objects.create(user=alice, team=other_team, role=Role.ADMIN)
    listed = program.get("/api/v1/teams/").json()["results"]
    assert [row["id"] for row in listed] == [str(team.pk)]
    assert program.get(f"/api/v1/teams/{other_team.pk}/").status_code == 404
    assert program.post("/api/v1/teams/", {"name": "Third"}).status_code == 403


def test_a_token_made_with_a_token_ends_no_later(alice: User, api_of: Any) -> None:
    program = api_of(alice)  # for a day
    program.post("/api/v1/tokens/", {"name": "longer", "scope": "admin", "days": 365})
    parent, child = ApiToken.objects.order_by("created_at")
    assert child.expires_at == parent.expires_at


@pytest.mark.parametrize("days", [0, -1, 366])
def test_a_token_always_ends_within_a_year(eddie: User, team: Team, days: int) -> None:
    with pytest.raises(ValidationError):
        services.create_token(user=eddie, team=team, name="x", scope=Role.VIEWER, days=days)
    _, _secret = services.create_token(user=eddie, team=team, name="x", scope=Role.VIEWER)
    term = ApiToken.objects.get().expires_at - timezone.now()  # type: ignore[operator]
    assert timedelta(days=89) < term <= timedelta(days=90)


@pytest.mark.parametrize("end", ["expired", "revoked", "inactive"])
def test_an_ended_token_opens_nothing(eddie: User, team: Team, end: str) -> None:
    token, secret = services.create_token(user=eddie, team=team, name="x", scope=Role.VIEWER)
    if end == "expired":
        ApiToken.objects.update(expires_at=timezone.now())
    elif end == "revoked":
        services.revoke_token(user=eddie, token=token)
    else:
        User.objects.filter(pk=eddie.pk).update(is_active=False)
    response = Client().get("/api/v1/teams/", headers={"Authorization": f"Bearer {secret}"})
    assert response.status_code == 401


def test_tokens_are_seen_and_ended_by_their_owner_and_admins_alone(
    alice: User, eddie: User, vic: User, team: Team, client_of: Clients
) -> None:
    token, _ = services.create_token(user=eddie, team=team, name="eddies", scope=Role.EDITOR)
    address = f"/settings/tokens/{token.pk}/revoke/"
    assert "eddies" not in client_of(vic).get("/settings/").content.decode()
    assert client_of(vic).post(address).status_code == 404
    assert "eddies" in client_of(alice).get("/settings/").content.decode()
    client_of(alice).post(address)
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_a_token_is_no_way_into_the_pages(eddie: User, team: Team) -> None:
    _, secret = services.create_token(user=eddie, team=team, name="x", scope=Role.VIEWER)
    response = Client().get("/settings/", headers={"Authorization": f"Bearer {secret}"})
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_assigning_fields_that_are_not_offered_changes_nothing(
    alice: User, charlie: User, other_team: Team, api_of: Any
) -> None:
    made = api_of(alice).post(
        "/api/v1/tokens/",
        {
            "name": "x",
            "scope": "viewer",
            "team": str(other_team.pk),
            "user": charlie.pk,
            "token_hash": "0" * 64,
            "expires_at": "2099-01-01T00:00:00Z",
        },
    )
    token = ApiToken.objects.get(pk=made.json()["id"])
    assert (token.team.name, token.user) == ("Metallurgy", alice)
    assert token.token_hash != "0" * 64
    assert token.expires_at < timezone.now() + timedelta(days=366)  # type: ignore[operator]
