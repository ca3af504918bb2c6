"""The audit log is narrowed by who, what and when, and leaves as CSV."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.core.templatetags.assay import plainly
from apps.teams.models import AuditEntry, Team, User
from apps.teams.services import audit

ClientOf = Callable[[User], Client]


@pytest.fixture
def entries(team: Team, alice: User, eddie: User) -> None:
    audit(user=alice, team=team, action="board.created", target=team)
    audit(user=eddie, team=team, action="board.deleted", target=team, reason='=HYPERLINK("x")')
    old = audit(user=None, team=team, action="model.created", target=team)
    AuditEntry.objects.filter(pk=old.pk).update(
        created_at=timezone.now() - timedelta(days=30), object_name="=1+1"
    )


def shown(client: Client, **asked: str) -> set[str]:
    page = client.get("/settings/audit.csv", asked)
    text = b"".join(page).decode()
    return {row["did"] for row in csv.DictReader(io.StringIO(text))}


@pytest.mark.usefixtures("entries")
def test_it_is_narrowed(alice: User, eddie: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    today = timezone.localdate()
    assert shown(client) == {"board.created", "board.deleted", "model.created"}
    assert shown(client, who=str(eddie.pk)) == {"board.deleted"}
    assert shown(client, did="board.created") == {"board.created"}
    assert shown(client, since=str(today - timedelta(days=7))) == {"board.created", "board.deleted"}
    assert shown(client, until=str(today - timedelta(days=7))) == {"model.created"}
    assert shown(client, q="=1+1") == {"model.created"}
    assert shown(client, who=str(alice.pk), did="board.deleted") == set()


@pytest.mark.usefixtures("entries")
@pytest.mark.parametrize(
    "asked",
    [{"who": "0 OR 1=1"}, {"since": "yesterday"}, {"q": "\x00"}, {"did": "x"}, {"page": "9" * 12}],
)
def test_what_cannot_be_read_narrows_nothing_and_breaks_nothing(
    asked: dict[str, str], alice: User, client_of: ClientOf
) -> None:
    client = client_of(alice)
    assert client.get("/settings/audit/", asked).status_code == 200
    assert len(shown(client, **asked)) == 3


@pytest.mark.usefixtures("entries")
def test_no_cell_is_a_formula(alice: User, client_of: ClientOf) -> None:
    text = b"".join(client_of(alice).get("/settings/audit.csv")).decode()
    rows = list(csv.reader(io.StringIO(text)))
    assert not [cell for row in rows for cell in row if cell.startswith("=")]


@pytest.mark.usefixtures("entries")
def test_the_log_and_its_file_are_for_admins(eddie: User, client_of: ClientOf) -> None:
    for address in ("/settings/audit/", "/settings/audit.csv"):
        assert client_of(eddie).get(address).status_code == 403


def test_another_teams_entries_are_in_neither(
    alice: User, charlie: User, other_team: Team, client_of: ClientOf
) -> None:
    audit(user=charlie, team=other_team, action="team.renamed", target=other_team)
    assert shown(client_of(alice)) == set()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (None, "none"),
        ([], "none"),
        (["auto", 3], "auto, 3"),
        ("0a" * 32, "0a0a0a0a0a0a…"),
        ("0.5", "0.5"),
    ],
)
def test_details_are_told_as_a_person_writes_them(value: object, text: str) -> None:
    assert plainly(value) == text
