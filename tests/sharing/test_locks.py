"""A link with a password shows nothing before it, and is not to be guessed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from apps.leaderboards.models import Board
from apps.sharing import services
from apps.sharing.models import ShareLink
from apps.sharing.services import GUESSES, create_link, revoke_link
from apps.teams.models import AuditEntry, User

PASSWORD = "copper-and-tin"
FILES = ("/", ".json", ".csv", ".tex", ".svg", ".png")


@pytest.fixture
def locked(board: Board, eddie: User) -> tuple[ShareLink, str]:
    return create_link(user=eddie, board=board, password=PASSWORD)


def unlock(client: Client, token: str, password: str) -> Any:
    return client.post(f"/s/{token}/unlock/", {"password": password})


def test_nothing_is_shown_before_the_password(
    client: Client, locked: tuple[ShareLink, str]
) -> None:
    for tail in FILES:
        answer = client.get(f"/s/{locked[1]}{tail}")
        assert answer.status_code == (200 if tail == "/" else 403)
        text = answer.content.decode()
        assert "Password needed" in text
        assert "Pets" not in text
        assert "ada" not in text
        assert "og:image" not in text
    assert ShareLink.objects.get().views == 0


def test_the_password_opens_the_page_and_its_files(
    client: Client, locked: tuple[ShareLink, str]
) -> None:
    opened = unlock(client, locked[1], PASSWORD)
    assert opened["Location"] == f"/s/{locked[1]}/"
    cookie = next(iter(opened.cookies.values()))
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/s/")
    assert PASSWORD not in cookie.value
    for tail in FILES:
        assert client.get(f"/s/{locked[1]}{tail}").status_code == 200
    assert "ada" in client.get(f"/s/{locked[1]}/").content.decode()
    assert "og:image" not in client.get(f"/s/{locked[1]}/").content.decode()


def test_it_opens_this_link_alone(
    client: Client, locked: tuple[ShareLink, str], board: Board, eddie: User
) -> None:
    _, other = create_link(user=eddie, board=board, password=PASSWORD)
    unlock(client, locked[1], PASSWORD)
    assert "Password needed" in client.get(f"/s/{other}/").content.decode()
    mine, theirs = (f"link-{link.pk.hex}" for link in ShareLink.objects.order_by("created_at"))
    client.cookies[theirs] = client.cookies[mine].value
    assert "Password needed" in client.get(f"/s/{other}/").content.decode()


def test_a_cookie_that_was_made_up_opens_nothing(
    client: Client, locked: tuple[ShareLink, str]
) -> None:
    name = f"link-{locked[0].pk.hex}"
    for value in ("", "x", services.key_of(locked[0]), f"{services.key_of(locked[0])}:1abc:xyz"):
        client.cookies[name] = value
        assert "Password needed" in client.get(f"/s/{locked[1]}/").content.decode()


def test_a_wrong_password_is_told_and_opens_nothing(
    client: Client, locked: tuple[ShareLink, str]
) -> None:
    for guess, status in (("copper", 403), ("", 400), ("x" * 200, 400), (PASSWORD.upper(), 403)):
        assert unlock(client, locked[1], guess).status_code == status
    assert "Password needed" in client.get(f"/s/{locked[1]}/").content.decode()


def test_guessing_is_slowed_down_more_and_more(
    client: Client, locked: tuple[ShareLink, str]
) -> None:
    for number in range(GUESSES):
        assert unlock(client, locked[1], f"guess {number}").status_code == 403
    assert unlock(Client(), locked[1], PASSWORD).status_code == 429
    link = ShareLink.objects.get()
    assert link.closed_until is not None
    assert link.closed_until <= timezone.now() + timedelta(minutes=1)
    waits = []
    for _ in range(9):
        ShareLink.objects.update(closed_until=timezone.now())
        for number in range(GUESSES):
            unlock(client, locked[1], f"guess {number}")
        closed = ShareLink.objects.get().closed_until
        assert closed is not None
        waits.append(round((closed - timezone.now()).total_seconds() / 60))
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_the_right_password_forgives_the_wrong_ones(
    client: Client, locked: tuple[ShareLink, str]
) -> None:
    for _ in range(GUESSES - 1):
        unlock(client, locked[1], "a wrong one")
    assert unlock(client, locked[1], PASSWORD).status_code == 302
    assert ShareLink.objects.get().wrong_guesses == 0


def test_who_was_let_in_is_out_when_the_link_ends(
    client: Client, locked: tuple[ShareLink, str], eddie: User
) -> None:
    unlock(client, locked[1], PASSWORD)
    revoke_link(user=eddie, link=locked[0])
    for tail in FILES:
        assert client.get(f"/s/{locked[1]}{tail}").status_code == 410
    assert unlock(client, locked[1], PASSWORD).status_code == 410


def test_another_password_shuts_out_who_knew_the_old_one(
    client: Client, locked: tuple[ShareLink, str]
) -> None:
    unlock(client, locked[1], PASSWORD)
    ShareLink.objects.update(password="md5$other$hash")
    assert "Password needed" in client.get(f"/s/{locked[1]}/").content.decode()


def test_the_password_is_kept_as_a_hash_and_told_to_nobody(
    locked: tuple[ShareLink, str], eddie: User, api_of: Callable[[User], Any]
) -> None:
    assert PASSWORD not in str(ShareLink.objects.values().get())
    assert PASSWORD not in str(list(AuditEntry.objects.values()))
    (told,) = api_of(eddie).get("/api/v1/share-links/").json()["results"]
    assert told["has_password"] is True
    assert "password" not in told
    assert ShareLink.objects.get().password not in str(told)


@pytest.mark.parametrize("password", ["short", "x" * 129])
def test_a_password_has_a_sensible_length(board: Board, eddie: User, password: str) -> None:
    with pytest.raises(ValidationError, match="8 to 128 characters"):
        create_link(user=eddie, board=board, password=password)


def test_a_link_without_a_password_needs_no_unlocking(
    client: Client, board: Board, eddie: User
) -> None:
    _, token = create_link(user=eddie, board=board)
    answer = unlock(client, token, "anything")
    assert answer["Location"] == f"/s/{token}/"
    assert not answer.cookies


def test_unlocking_from_another_site_is_refused(locked: tuple[ShareLink, str]) -> None:
    assert unlock(Client(enforce_csrf_checks=True), locked[1], PASSWORD).status_code == 403
