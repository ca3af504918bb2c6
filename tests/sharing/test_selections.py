"""A link to one selection shows who leads, and no item, no annotator and no address of the team's."""

import re
from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from rest_framework.test import APIClient

from apps.selection.models import SelectionSession
from apps.selection.services import Answer, record
from apps.sharing.models import ShareLink
from apps.sharing.services import create_link
from apps.teams.models import User
from tests.selection.conftest import CLASSES, begin, truth, version

__all__ = ["begin", "truth", "version"]

ClientOf = Callable[[User], Client]


@pytest.fixture
def session(
    begin: Callable[..., SelectionSession], anna: User, truth: list[int]
) -> SelectionSession:
    made = begin(name="Which pet model")
    for item in range(6):
        record(user=anna, session=made, answer=Answer(item, "label", CLASSES[truth[item]]))
    return made


def test_whoever_has_the_link_reads_who_leads(
    client: Client, session: SelectionSession, eddie: User
) -> None:
    _, token = create_link(user=eddie, selection=session)
    html = client.get(f"/s/{token}/").content.decode()
    assert "Which pet model" in html
    assert "6 of 40 items labelled" in html
    assert re.findall(r'<th scope="row">\s*(m\d)', html)[:4] != []
    assert 'class="curve"' in html


def test_it_names_no_item_no_annotator_and_no_address(
    client: Client, session: SelectionSession, eddie: User
) -> None:
    _, token = create_link(user=eddie, selection=session)
    html = client.get(f"/s/{token}/").content.decode()
    inside = re.findall(r'(?:href|src|srcset|action|hx-get|hx-post|data-chart)="(/[^"]*)"', html)
    allowed = (f"/s/{token}.", "/static/", "/theme/", "/help/numbers/")
    assert [url for url in inside if not url.startswith(allowed)] == []
    for hidden in (str(session.pk), "pet number", "anna", session.version.dataset.slug):
        assert hidden not in html


def test_a_frozen_link_stays_and_a_live_one_follows(
    client: Client, session: SelectionSession, eddie: User, truth: list[int]
) -> None:
    _, frozen = create_link(user=eddie, selection=session)
    _, live = create_link(user=eddie, selection=session, frozen=False)
    record(user=eddie, session=session, answer=Answer(20, "label", CLASSES[truth[20]]))
    assert "6 of 40 items labelled" in client.get(f"/s/{frozen}/").content.decode()
    assert "7 of 40 items labelled" in client.get(f"/s/{live}/").content.decode()


def test_without_predictions_a_frozen_link_stays_and_nothing_new_is_shared(
    client: Client, session: SelectionSession, eddie: User
) -> None:
    _, frozen = create_link(user=eddie, selection=session)
    _, live = create_link(user=eddie, selection=session, frozen=False)
    session.version.prediction_batches.all().delete()
    assert "6 of 40 items labelled" in client.get(f"/s/{frozen}/").content.decode()
    assert "nothing to show" in client.get(f"/s/{live}/").content.decode()
    with pytest.raises(ValidationError, match="no predictions"):
        create_link(user=eddie, selection=session)


def test_a_link_of_a_deleted_selection_is_not_found(
    client: Client, session: SelectionSession, eddie: User
) -> None:
    _, token = create_link(user=eddie, selection=session)
    session.delete()
    assert client.get(f"/s/{token}/").status_code == 404
    assert not ShareLink.objects.exists()


def test_its_lead_is_a_picture_once_there_is_one(
    client: Client, begin: Callable[..., SelectionSession], session: SelectionSession, eddie: User
) -> None:
    _, token = create_link(user=eddie, selection=session)
    assert client.get(f"/s/{token}.svg").content.startswith(b"<svg")
    _, early = create_link(user=eddie, selection=begin())
    assert client.get(f"/s/{early}.svg").status_code == 404
    assert f"/s/{early}.svg" not in client.get(f"/s/{early}/").content.decode()


def test_an_editor_shares_and_revokes_on_the_pages(
    session: SelectionSession, eddie: User, client_of: ClientOf
) -> None:
    client = client_of(eddie)
    links = f"/selections/{session.pk}/links/"
    assert links in client.get(f"/selections/{session.pk}/").content.decode()
    made = client.post(f"{links}new/", {"note": "for Ann", "days": 7, "shows": "live"})
    address = re.search(r"http://testserver(/s/[\w-]+/)", made.content.decode())
    assert address is not None
    assert Client().get(address[1]).status_code == 200
    assert "for Ann" in client.get(links).content.decode()
    back = client.post(f"/links/{ShareLink.objects.get().pk}/revoke/")
    assert back["Location"] == links
    assert Client().get(address[1]).status_code == 410


def test_programs_share_one_thing_at_a_time(
    session: SelectionSession, eddie: User, charlie: User, api_of: Callable[[User], APIClient]
) -> None:
    api = api_of(eddie)
    made = api.post("/api/v1/share-links/", {"selection": str(session.pk)})
    assert made.status_code == 201
    assert (made.json()["selection"], made.json()["board"]) == (str(session.pk), None)
    both = {"selection": str(session.pk), "board": "pets"}
    for asked in ({}, both):
        refused = api.post("/api/v1/share-links/", asked)
        assert refused.status_code == 400
        assert "Name one thing to share: board, selection" in str(refused.json())
    listed = api.get(f"/api/v1/share-links/?selection={session.pk}").json()["results"]
    assert [row["id"] for row in listed] == [made.json()["id"]]
    stranger = api_of(charlie)
    assert stranger.post("/api/v1/share-links/", {"selection": str(session.pk)}).status_code == 400
    assert not ShareLink.objects.filter(created_by=charlie).exists()
