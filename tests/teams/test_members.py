"""Roles, and how memberships end."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from apps.teams import services
from apps.teams.models import ApiToken, AuditEntry, Invitation, Membership, Role, Team, User

Clients = Callable[[User], Client]


def membership_of(user: User) -> Membership:
    return user.memberships.get()


@pytest.mark.parametrize(
    ("held", "allowed"),
    [
        (Role.VIEWER, {Role.VIEWER}),
        (Role.ANNOTATOR, {Role.VIEWER, Role.ANNOTATOR}),
        (Role.EDITOR, {Role.VIEWER, Role.ANNOTATOR, Role.EDITOR}),
        (Role.ADMIN, set(Role)),
    ],
)
def test_a_role_may_all_that_the_ones_below_it_may(
    team: Team, alice: User, held: Role, allowed: set[Role]
) -> None:
    Membership.objects.filter(user=alice).update(role=held)
    for needed in Role:
        if needed in allowed:
            services.require(user=alice, team=team, role=needed)
        else:
            with pytest.raises(PermissionDenied, match="Metallurgy"):
                services.require(user=alice, team=team, role=needed)


def test_a_stranger_holds_no_role(team: Team, charlie: User) -> None:
    with pytest.raises(PermissionDenied):
        services.require(user=charlie, team=team, role=Role.VIEWER)


def test_who_makes_a_team_is_its_admin(charlie: User) -> None:
    assert charlie.roles  # read before, so that the new role must be noticed
    team = services.create_team(user=charlie, name="  New \n team ")
    assert team.name == "New team"
    assert charlie.roles[team.pk] == Role.ADMIN


@pytest.mark.parametrize("name", ["", "   ", "\u200e\n"])
def test_a_team_needs_a_name(charlie: User, name: str) -> None:
    with pytest.raises(ValidationError):
        services.create_team(user=charlie, name=name)
    assert Team.objects.count() == 1


def test_an_admin_changes_a_role_and_it_holds_at_once(
    alice: User, eddie: User, client_of: Clients
) -> None:
    client = client_of(alice)
    address = f"/settings/members/{membership_of(eddie).pk}/role/"
    client.post(address, {"role": Role.VIEWER.value})
    assert membership_of(eddie).role == Role.VIEWER
    entry = AuditEntry.objects.get(action="member.role_changed")
    assert entry.details == {"before": "editor", "after": "viewer"}
    assert entry.created_by == alice


@pytest.mark.parametrize("role", ["99", "", "admin", "10; drop"])
def test_an_unknown_role_is_refused(
    alice: User, eddie: User, client_of: Clients, role: str
) -> None:
    address = f"/settings/members/{membership_of(eddie).pk}/role/"
    response = client_of(alice).post(address, {"role": role}, follow=True)
    assert "Choose one of the roles." in response.content.decode()
    assert membership_of(eddie).role == Role.EDITOR


def test_the_last_admin_neither_leaves_nor_steps_down(alice: User, client_of: Clients) -> None:
    membership = membership_of(alice)
    with pytest.raises(ValidationError, match="only admin"):
        services.change_role(user=alice, membership=membership, role=Role.EDITOR)
    response = client_of(alice).post(f"/settings/members/{membership.pk}/remove/", follow=True)
    assert "make somebody else an admin first" in response.content.decode()
    assert membership_of(alice).role == Role.ADMIN


def test_an_editor_changes_no_roles(
    alice: User, eddie: User, vic: User, client_of: Clients
) -> None:
    address = f"/settings/members/{membership_of(eddie).pk}/role/"
    assert client_of(eddie).post(address, {"role": 40}).status_code == 403
    address = f"/settings/members/{membership_of(vic).pk}/remove/"
    assert client_of(eddie).post(address).status_code == 403
    assert membership_of(eddie).role == Role.EDITOR
    assert membership_of(vic)


def test_a_removed_member_sees_nothing_and_their_tokens_end(
    alice: User, eddie: User, client_of: Clients, api_of: Any
) -> None:
    browser, program = client_of(eddie), api_of(eddie)
    assert program.get("/api/v1/teams/").json()["count"] == 1
    services.remove_member(user=alice, membership=membership_of(eddie))
    assert program.get("/api/v1/teams/").status_code == 401
    assert "Metallurgy" not in browser.get("/settings/", follow=True).content.decode()
    # Coming back does not bring the old token back.
    Membership.objects.create(user=eddie, team=alice.memberships.get().team)
    assert program.get("/api/v1/teams/").status_code == 401


def test_a_membership_that_vanishes_by_other_means_closes_its_tokens_too(
    eddie: User, api_of: Any
) -> None:
    program = api_of(eddie)
    Membership.objects.filter(user=eddie).delete()
    assert program.get("/api/v1/teams/").status_code == 401


def test_what_an_admin_offered_ends_with_the_role(team: Team, alice: User, eddie: User) -> None:
    services.change_role(user=alice, membership=membership_of(eddie), role=Role.ADMIN)
    eddie.forget_roles()
    services.invite(user=eddie, team=team, email="door@example.org", role=Role.ADMIN)
    services.change_role(user=alice, membership=membership_of(eddie), role=Role.VIEWER)
    assert not Invitation.objects.open().exists()


def test_a_member_leaves(vic: User, alice: User, client_of: Clients) -> None:
    client = client_of(vic)
    address = f"/settings/members/{membership_of(vic).pk}/remove/"
    assert "Leave the team" in client.get(address).content.decode()
    client.post(address)
    assert not vic.memberships.exists()


def test_a_token_cannot_make_its_owner_leave(vic: User, api_of: Any) -> None:
    program = api_of(vic, scope=Role.VIEWER)
    assert program.delete(f"/api/v1/members/{membership_of(vic).pk}/").status_code == 403
    assert vic.memberships.exists()


def test_an_audit_entry_is_never_altered(team: Team, alice: User) -> None:
    entry = services.audit(user=alice, team=team, action="team.created", target=team)
    entry.action = "nothing.happened"
    with pytest.raises(TypeError):
        entry.save()


def test_the_audit_log_is_for_admins_and_survives_any_page_number(
    team: Team, alice: User, eddie: User, client_of: Clients
) -> None:
    services.rename_team(user=alice, team=team, name="<b>Slag</b>")
    assert client_of(eddie).get("/settings/audit/").status_code == 403
    for page in ("1", "-3", "1000000000000", "x"):
        text = client_of(alice).get("/settings/audit/", {"page": page}).content.decode()
        assert "team.renamed" in text
        assert "&lt;b&gt;Slag" in text
        assert "<b>Slag" not in text


def test_switching_reaches_only_own_teams(
    alice: User, other_team: Team, client_of: Clients
) -> None:
    client = client_of(alice)
    for bad in (str(other_team.pk), "nonsense", ""):
        assert client.post("/teams/switch/", {"team": bad}).status_code == 404
    assert "Metallurgy" in client.get("/settings/").content.decode()
    second = services.create_team(user=alice, name="Second")
    client.post("/teams/switch/", {"team": str(second.pk)})
    assert "<h1>Second</h1>" in " ".join(client.get("/settings/").content.decode().split()).replace(
        "<h1> ", "<h1>"
    ).replace(" </h1>", "</h1>")


def test_someone_without_a_team_is_led_to_make_one(charlie: User, client_of: Clients) -> None:
    charlie.memberships.all().delete()
    client = client_of(charlie)
    response = client.get("/settings/", follow=True)
    assert response.redirect_chain == [("/teams/new/", 302)]
    client.post("/teams/new/", {"name": "Fresh"})
    assert charlie.memberships.get().role == Role.ADMIN


def test_roles_and_members_are_named_in_the_api(alice: User, vic: User, api_of: Any) -> None:
    program = api_of(alice)
    pk = membership_of(vic).pk
    assert program.get(f"/api/v1/members/{pk}/").json()["role"] == "viewer"
    assert program.put(f"/api/v1/members/{pk}/", {"role": "annotator"}).status_code == 200
    refused = program.put(f"/api/v1/members/{pk}/", {"role": "king"})
    assert refused.json()["errors"] == {"role": ["Choose one of viewer, annotator, editor, admin."]}
    assert membership_of(vic).role == Role.ANNOTATOR
    assert ApiToken.objects.count() == 1


def test_every_page_offers_ones_other_teams(
    alice: User, vic: User, other_team: Team, client_of: Callable[[User], Client]
) -> None:
    Membership.objects.create(team=other_team, user=alice, role=Role.VIEWER)
    client = client_of(alice)
    page = client.get("/jobs/").content.decode()
    assert "Switch to Elsewhere" in page
    client.post("/teams/switch/", {"team": str(other_team.pk)})
    page = client.get("/jobs/").content.decode()
    assert "Switch to Metallurgy" in page
    assert "Switch to" not in client_of(vic).get("/jobs/").content.decode()
