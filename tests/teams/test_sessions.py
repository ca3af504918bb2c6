"""Where a person is signed in, and signing out there."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.teams.browsers import in_words
from apps.teams.models import User

ClientOf = Callable[[User], Client]
PAGE = "/settings/account/sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def signed_in(client: Client) -> bool:
    return client.get("/settings/account/").status_code == 200


def by_passphrase(user: User, agent: str) -> Client:
    client = Client(headers={"user-agent": agent})
    answer = client.post(
        "/accounts/login/", {"login": user.email, "password": f"{user.name}-passphrase-1"}
    )
    assert answer.status_code == 302
    return client


def test_the_list_names_each_browser_and_this_one(alice: User, client_of: ClientOf) -> None:
    by_passphrase(alice, FIREFOX)
    page = client_of(alice).get(PAGE).content.decode()
    assert "Firefox on Linux" in page
    assert page.count("this browser") == 1


def test_everywhere_else_is_signed_out_and_here_is_not(alice: User, client_of: ClientOf) -> None:
    lost, here = by_passphrase(alice, FIREFOX), client_of(alice)
    here.post(PAGE)
    assert not signed_in(lost)
    assert signed_in(here)
    assert "Firefox" not in here.get(PAGE).content.decode()


def test_one_browser_is_signed_out_alone(alice: User, client_of: ClientOf) -> None:
    here, lost, other = client_of(alice), by_passphrase(alice, FIREFOX), client_of(alice)
    row = alice.browser_sessions.get(agent=FIREFOX)
    here.post(f"{PAGE}{row.pk}/end/")
    assert not signed_in(lost)
    assert signed_in(other)
    assert signed_in(here)


def test_nobody_signs_somebody_else_out(alice: User, vic: User, client_of: ClientOf) -> None:
    hers = client_of(alice)
    row = alice.browser_sessions.get()
    assert client_of(vic).post(f"{PAGE}{row.pk}/end/").status_code == 404
    client_of(vic).post(PAGE)
    assert signed_in(hers)


def test_a_browser_that_signed_out_is_gone_from_the_list(alice: User, client_of: ClientOf) -> None:
    lost = by_passphrase(alice, FIREFOX)
    lost.post("/accounts/logout/")
    assert "Firefox" not in client_of(alice).get(PAGE).content.decode()


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU like Mac OS X) Version/18 Safari/604.1", "Safari on an iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537 Edg/140", "Edge on Windows"),
        ("<script>alert(1)</script>", "an unknown browser"),
        ("", "an unknown browser"),
    ],
)
def test_a_browser_is_called_in_few_words(agent: str, words: str) -> None:
    assert in_words(agent) == words
