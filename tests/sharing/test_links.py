"""A link shows one board to whoever has it, until it ends, and reaches nothing else."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.catalog.models import DatasetVersion
from apps.leaderboards.models import Board
from apps.sharing.models import ShareLink
from apps.sharing.services import create_link, revoke_link
from apps.teams.models import AuditEntry, Team, User
from apps.teams.services import hash_secret
from tests.leaderboards.conftest import labels

ClientOf = Callable[[User], Client]


@pytest.fixture
def frozen(board: Board, eddie: User) -> tuple[ShareLink, str]:
    return create_link(user=eddie, board=board)


@pytest.fixture
def live(board: Board, eddie: User) -> tuple[ShareLink, str]:
    return create_link(user=eddie, board=board, frozen=False)


def test_whoever_has_the_link_reads_the_board(
    client: Client, frozen: tuple[ShareLink, str]
) -> None:
    response = client.get(f"/s/{frozen[1]}/")
    html = response.content.decode()
    assert response.status_code == 200
    assert "<code>ada</code>" in html
    assert "Pets" in html


def test_it_sorts_and_filters_as_members_do(client: Client, frozen: tuple[ShareLink, str]) -> None:
    html = client.get(f"/s/{frozen[1]}/?sort=price&q=a").content.decode()
    assert re.findall(r'<th scope="row">([^< ]+)', html) == ["bea", "ada"]
    fragment = client.get(
        f"/s/{frozen[1]}/?q=be", headers={"HX-Request": "true", "HX-Target": "board-table"}
    )
    assert fragment.content.decode().lstrip().startswith('<div id="board-table">')


def test_it_shows_its_chart(client: Client, frozen: tuple[ShareLink, str]) -> None:
    response = client.get(f"/s/{frozen[1]}.svg")
    assert response["Content-Type"] == "image/svg+xml"
    assert response["Referrer-Policy"] == "same-origin"


def test_it_leads_nowhere_but_to_itself(
    client: Client, frozen: tuple[ShareLink, str], board: Board
) -> None:
    html = client.get(f"/s/{frozen[1]}/").content.decode()
    inside = re.findall(r'(?:href|src|srcset|action|hx-get|data-chart)="(/[^"]*)"', html)
    allowed = (f"/s/{frozen[1]}/", f"/s/{frozen[1]}.", "/static/", "/theme/", "/help/numbers/")
    assert [url for url in inside if not url.startswith(allowed)] == []
    assert board.slug not in html


def test_it_is_neither_indexed_nor_kept_nor_told_on(
    client: Client, frozen: tuple[ShareLink, str]
) -> None:
    response = client.get(f"/s/{frozen[1]}/")
    assert "noindex" in response["X-Robots-Tag"]
    assert response["Referrer-Policy"] == "same-origin"
    assert "no-store" in response["Cache-Control"]
    assert 'property="og:title" content="Pets"' in response.content.decode()


def test_the_token_is_kept_as_a_hash_alone(frozen: tuple[ShareLink, str]) -> None:
    link, token = frozen
    assert link.token_hash == hash_secret(token)
    assert len(token) >= 43
    assert token not in str(ShareLink.objects.values().get(pk=link.pk))
    assert token not in str(list(AuditEntry.objects.values()))


def test_a_revoked_link_is_gone(client: Client, frozen: tuple[ShareLink, str], eddie: User) -> None:
    revoke_link(user=eddie, link=frozen[0])
    for address in (f"/s/{frozen[1]}/", f"/s/{frozen[1]}.svg"):
        response = client.get(address)
        assert response.status_code == 410
        assert b"ada" not in response.content
        assert "noindex" in response["X-Robots-Tag"]


def test_an_expired_link_is_gone(client: Client, frozen: tuple[ShareLink, str]) -> None:
    ShareLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(f"/s/{frozen[1]}/").status_code == 410


def test_an_unknown_link_is_not_found(client: Client, frozen: tuple[ShareLink, str]) -> None:
    guess = frozen[1][:-1] + ("A" if frozen[1][-1] != "A" else "B")
    response = client.get(f"/s/{guess}/")
    assert response.status_code == 404
    assert response["Referrer-Policy"] == "same-origin"
    assert client.get(f"/s/{frozen[0].token_hash}/").status_code == 404


def test_a_link_of_a_deleted_board_or_team_is_not_found(
    client: Client, frozen: tuple[ShareLink, str], board: Board
) -> None:
    board.delete()
    assert client.get(f"/s/{frozen[1]}/").status_code == 404


def test_a_frozen_link_stays_as_it_was_and_a_live_one_follows(
    client: Client,
    frozen: tuple[ShareLink, str],
    live: tuple[ShareLink, str],
    version: DatasetVersion,
    bring: Callable[..., DatasetVersion],
) -> None:
    bring(labels(range(40, 60)), "labels", version=version)
    assert "40 of 60 items labelled" in client.get(f"/s/{frozen[1]}/").content.decode()
    assert "60 of 60 items labelled" in client.get(f"/s/{live[1]}/").content.decode()


def test_openings_are_counted_and_fragments_are_not(
    client: Client, frozen: tuple[ShareLink, str]
) -> None:
    client.get(f"/s/{frozen[1]}/")
    client.get(f"/s/{frozen[1]}/")
    client.get(f"/s/{frozen[1]}/", headers={"HX-Request": "true", "HX-Target": "board-table"})
    assert ShareLink.objects.get().views == 2


def test_it_takes_no_writes(frozen: tuple[ShareLink, str]) -> None:
    assert Client().post(f"/s/{frozen[1]}/").status_code == 405


@pytest.mark.parametrize("days", [0, -1, 366])
def test_a_link_lives_up_to_a_year(board: Board, eddie: User, days: int) -> None:
    with pytest.raises(ValidationError, match="1 to 365 days"):
        create_link(user=eddie, board=board, days=days)


def test_viewers_and_annotators_cannot_share(board: Board, vic: User, anna: User) -> None:
    for user in (vic, anna):
        with pytest.raises(PermissionDenied):
            create_link(user=user, board=board)


def test_the_address_is_shown_once(board: Board, eddie: User, client_of: ClientOf) -> None:
    client = client_of(eddie)
    made = client.post(
        f"/boards/{board.slug}/links/new/", {"note": "for Ann", "days": 7, "shows": "live"}
    )
    address = re.search(r"http://testserver(/s/[\w-]+/)", made.content.decode())
    assert address is not None
    assert Client().get(address[1]).status_code == 200
    listed = client.get(f"/boards/{board.slug}/links/").content.decode()
    assert "for Ann" in listed
    assert address[1] not in listed


def test_an_editor_revokes_on_the_page(
    board: Board, eddie: User, client_of: ClientOf, frozen: tuple[ShareLink, str]
) -> None:
    client_of(eddie).post(f"/links/{frozen[0].pk}/revoke/")
    assert Client().get(f"/s/{frozen[1]}/").status_code == 410


def test_a_refused_form_keeps_what_was_written(
    board: Board, eddie: User, client_of: ClientOf
) -> None:
    response = client_of(eddie).post(
        f"/boards/{board.slug}/links/new/", {"note": "for Ann", "days": 999, "shows": "live"}
    )
    assert response.status_code == 400
    assert "for Ann" in response.content.decode()
    assert not ShareLink.objects.exists()


def test_programs_make_list_and_revoke_links(
    board: Board, eddie: User, charlie: User, api_of: Callable[[User], APIClient]
) -> None:
    api = api_of(eddie)
    made = api.post("/api/v1/share-links/", {"board": board.slug, "frozen": False})
    assert made.status_code == 201
    path = made.json()["url"].removeprefix("http://testserver")
    assert Client().get(path).status_code == 200
    listed = api.get("/api/v1/share-links/").json()["results"]
    assert [(row["board"], row["frozen"]) for row in listed] == [(board.slug, False)]
    assert "url" not in listed[0]
    stranger = api_of(charlie)
    assert stranger.get(f"/api/v1/share-links/{made.json()['id']}/").status_code == 404
    assert stranger.post("/api/v1/share-links/", {"board": board.slug}).status_code == 400
    assert api.post(f"/api/v1/share-links/{made.json()['id']}/revoke/").status_code == 200
    assert Client().get(path).status_code == 410


def test_a_team_that_ends_takes_its_links_along(
    client: Client, frozen: tuple[ShareLink, str], team: Team
) -> None:
    ShareLink.objects.filter(team=team).delete()
    assert client.get(f"/s/{frozen[1]}/").status_code == 404
