"""Taking one's data away, and going for good without changing a number."""

import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Thread
from typing import IO, Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.jobs.models import Job
from apps.selection.models import LabelEvent
from apps.teams.models import ApiToken, AuditEntry, Invitation, Role, Team, User
from apps.teams.services import (
    audit,
    create_token,
    delete_user,
    departure,
    end_sessions,
    invite,
    new_secret,
    personal_data,
)
from tests.routes import build_world

ClientOf = Callable[[User], Client]


def contents(data: IO[bytes]) -> dict[str, Any]:
    archive = zipfile.ZipFile(data)
    return {name: json.loads(archive.read(name)) for name in archive.namelist()}


def test_the_data_hold_what_is_kept_and_no_secret(
    team: Team, alice: User, client_of: ClientOf
) -> None:
    _, secret = create_token(user=alice, team=team, name="nightly", scope=Role.VIEWER)
    response = client_of(alice).get("/settings/account/data.zip")
    assert response["Content-Type"] == "application/zip"
    found = contents(io.BytesIO(response.getvalue()))
    assert found["account.json"][0]["email"] == alice.email
    assert found["memberships.json"] == [
        {**found["memberships.json"][0], "team": team.name, "role": "admin"}
    ]
    assert found["tokens.json"][0]["name"] == "nightly"
    assert [row["action"] for row in found["actions.json"]] == ["token.created"]
    text = json.dumps(found)
    assert secret not in text
    assert alice.password not in text
    assert ApiToken.objects.get().token_hash not in text


def test_what_was_made_is_in_it_and_names_in_teams_that_were_left_are_not(
    team: Team, alice: User, eddie: User, run_jobs: Callable[[], list[Job]]
) -> None:
    build_world(team, eddie_as_admin(eddie, team), run_jobs)
    found = contents(personal_data(eddie))
    assert {row["kind"] for row in found["made.json"]} >= {"board", "dataset", "selection"}
    assert found["labels.json"][0]["label"] == "cat"
    eddie.memberships.all().delete()
    eddie.forget_roles()
    left = json.dumps(contents(personal_data(eddie)))
    assert "Zirconia selection" not in left
    assert '"label": "cat"' in left


def test_however_much_was_labelled_it_takes_as_many_queries(
    team: Team,
    alice: User,
    eddie: User,
    run_jobs: Callable[[], list[Job]],
    django_assert_num_queries: Any,
) -> None:
    build_world(team, eddie_as_admin(eddie, team), run_jobs)
    with CaptureQueriesContext(connection) as few:
        contents(personal_data(eddie))
    event = LabelEvent.objects.filter(annotator=eddie).first()
    assert event is not None
    LabelEvent.objects.bulk_create(
        LabelEvent(
            session_id=event.session_id, annotator=eddie, item=0, number=1000 + n, kind="skip"
        )
        for n in range(50)
    )
    with django_assert_num_queries(len(few)):
        found = contents(personal_data(eddie))
    assert len(found["labels.json"]) >= 50


def eddie_as_admin(eddie: User, team: Team) -> User:
    eddie.memberships.filter(team=team).update(role=Role.ADMIN)
    eddie.forget_roles()
    return eddie


def test_deleting_takes_the_person_and_leaves_the_work(
    team: Team, alice: User, eddie: User, client_of: ClientOf
) -> None:
    job = Job.objects.create(team=team, created_by=eddie, kind="jobs.selftest", title="Sift")
    create_token(user=eddie, team=team, name="nightly", scope=Role.VIEWER)
    audit(user=alice, team=team, action="member.joined", target=eddie.memberships.get())
    client, other = client_of(eddie), client_of(eddie)
    response = client.post("/settings/account/delete/", {"typed": eddie.email.upper()})
    assert response["Location"].startswith("/accounts/login/")
    assert other.get("/settings/account/").status_code == 302
    gone = User.objects.get(pk=eddie.pk)
    assert not gone.is_active
    assert not gone.has_usable_password()
    assert str(gone).startswith("Former member")
    assert not gone.memberships.exists()
    assert not ApiToken.objects.filter(user=gone).exists()
    job.refresh_from_db()
    assert job.created_by == gone
    everything = [
        str(row) for row in AuditEntry.objects.values_list("object_name", "details", "action")
    ]
    assert not [row for row in everything if "eddie" in row]
    assert AuditEntry.objects.filter(action="member.deleted_account").count() == 1
    assert not Client().login(email="eddie@example.org", password="eddie-passphrase-1")


def test_two_who_left_stay_two(team: Team, alice: User, eddie: User, vic: User) -> None:
    for user in (eddie, vic):
        delete_user(user=user)
    names = {str(user) for user in User.objects.exclude(pk=alice.pk)}
    assert len(names) == 2
    assert LabelEvent._meta.get_field("annotator").null  # yet nobody's label lost its annotator


def test_the_address_may_be_invited_again(team: Team, alice: User, eddie: User) -> None:
    old, _ = invite(user=alice, team=team, email="new@example.org", role=Role.VIEWER)
    delete_user(user=eddie)
    invitation, _ = invite(user=alice, team=team, email="eddie@example.org", role=Role.VIEWER)
    assert Invitation.objects.open().filter(pk__in=[old.pk, invitation.pk]).count() == 2


def test_the_last_admin_stays(team: Team, alice: User, eddie: User, client_of: ClientOf) -> None:
    with pytest.raises(ValidationError, match="only admin of Metallurgy"):
        delete_user(user=alice)
    page = client_of(alice).post("/settings/account/delete/", {"typed": alice.email})
    assert page.status_code == 400
    assert "only admin of Metallurgy" in page.content.decode()
    eddie_as_admin(eddie, team)
    delete_user(user=alice)
    assert not User.objects.get(pk=alice.pk).is_active


def test_the_last_administrator_of_the_server_stays(eddie: User) -> None:
    User.objects.filter(pk=eddie.pk).update(is_superuser=True)
    with pytest.raises(ValidationError, match="only administrator of this server"):
        delete_user(user=eddie)


def test_a_wrong_address_deletes_nothing(eddie: User, client_of: ClientOf) -> None:
    response = client_of(eddie).post("/settings/account/delete/", {"typed": "yes"})
    assert response.status_code == 400
    assert User.objects.get(pk=eddie.pk).is_active


def test_a_token_neither_takes_data_nor_deletes(
    eddie: User, team: Team, api_of: Callable[..., APIClient]
) -> None:
    eddie.token = ApiToken(team=team, user=eddie, scope=Role.ADMIN, token_hash=new_secret()[1])
    for verb in (personal_data, lambda user: delete_user(user=user)):
        with pytest.raises(PermissionDenied):
            verb(eddie)
    client = api_of(User.objects.get(pk=eddie.pk))
    assert client.get("/settings/account/data.zip").status_code == 302


@pytest.fixture
def leaving_at_once(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Two people delete their accounts at the same moment, each in a thread."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets nobody look while somebody writes")
    both_here = Barrier(2)
    end = end_sessions

    def slowly(*, user: User) -> int:
        with suppress(BrokenBarrierError):
            both_here.wait(0.5)  # both have looked who else is there, if both can at once
        return end(user=user)

    monkeypatch.setattr(departure, "end_sessions", slowly)

    def leave(user: User) -> None:
        with suppress(ValidationError):
            delete_user(user=user)
        connections.close_all()

    def both(*users: User) -> None:
        threads = [Thread(target=leave, args=(user,)) for user in users]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return both


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_leave_at_once_do_not_leave_a_team_alone(
    leaving_at_once: Callable[..., None], team: Team, alice: User, eddie: User
) -> None:
    eddie_as_admin(eddie, team)
    leaving_at_once(alice, eddie)
    assert team.memberships.filter(role=Role.ADMIN).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_leave_at_once_do_not_leave_the_server_alone(
    leaving_at_once: Callable[..., None], vic: User, charlie: User
) -> None:
    """They are in no team together: no lock on a team would keep them apart."""
    charlie.memberships.update(role=Role.VIEWER)
    User.objects.update(is_superuser=True)
    leaving_at_once(*User.objects.all())
    assert User.objects.filter(is_superuser=True, is_active=True).count() == 1
