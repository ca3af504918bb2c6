"""One-time addresses, passphrases, second factors, and attempts that are too many."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from apps.teams.models import SignInLink, User
from apps.teams.services import make_sign_in_link

Clients = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_preview_does_not_use_up_a_sign_in_address(client: Client, alice: User) -> None:
    path = make_sign_in_link(alice)
    for _ in range(3):
        assert client.get(path).status_code == 200
    assert not signed_in(client)
    assert client.post(path)["Location"] == "/"
    assert signed_in(client)


def test_a_sign_in_address_works_once(alice: User) -> None:
    path = make_sign_in_link(alice)
    assert signed_in_after_post(path)
    assert not signed_in_after_post(path)
    assert Client().get(path).status_code == 410


def signed_in_after_post(path: str) -> bool:
    client = Client()
    client.post(path)
    return signed_in(client)


@pytest.mark.parametrize("end", ["expired", "inactive"])
def test_an_ended_sign_in_address_opens_nothing(client: Client, alice: User, end: str) -> None:
    path = make_sign_in_link(alice)
    if end == "expired":
        SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    else:
        User.objects.update(is_active=False)
    assert client.post(path).status_code == 410
    assert not signed_in(client)


def test_a_guessed_sign_in_address_is_not_found(client: Client, alice: User) -> None:
    make_sign_in_link(alice)
    assert client.get("/signin/guess/").status_code == 404
    assert client.get(f"/signin/{SignInLink.objects.get().token_hash}/").status_code == 404


def test_the_command_prints_an_address_that_works(client: Client, alice: User) -> None:
    out = StringIO()
    call_command("signin", "ALICE@example.org", stdout=out)
    path = "/" + out.getvalue().strip().split("/", 3)[3]
    client.post(path)
    assert signed_in(client)
    with pytest.raises(CommandError, match="Nobody active"):
        call_command("signin", "nobody@example.org")


@pytest.mark.django_db
def test_nobody_makes_an_account_without_an_invitation(client: Client) -> None:
    client.post(
        "/accounts/signup/",
        {"email": "me@example.org", "password1": "slate-and-copper-9"},
    )
    assert not User.objects.filter(email="me@example.org").exists()
    assert not signed_in(client)


def test_attempts_on_one_account_are_limited(alice: User) -> None:
    for _ in range(5):
        wrong = {"login": "alice@example.org", "password": "wrong"}
        Client().post("/accounts/login/", wrong)
    client = Client()
    client.post(
        "/accounts/login/", {"login": "alice@example.org", "password": "alice-passphrase-1"}
    )
    assert not signed_in(client)


def test_a_known_and_an_unknown_address_are_answered_alike(client: Client, alice: User) -> None:
    answers = []
    for address in ("alice@example.org", "nobody@example.org"):
        page = client.post("/accounts/login/", {"login": address, "password": "wrong"})
        answers.append((page.status_code, page.context["form"].errors.as_text()))
        reset = client.post("/accounts/password/reset/", {"email": address})
        answers.append((reset.status_code, reset["Location"]))
    assert answers[:2] == answers[2:]


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:x"])
def test_signing_in_redirects_to_this_site_only(client: Client, alice: User, target: str) -> None:
    response = client.post(
        "/accounts/login/",
        {"login": "alice@example.org", "password": "alice-passphrase-1", "next": target},
    )
    assert response["Location"] == "/"


def test_a_second_factor_is_asked_for_on_every_way_in(client: Client, alice: User) -> None:
    secret = get_adapter().encrypt(generate_totp_secret())
    Authenticator.objects.create(user=alice, type=Authenticator.Type.TOTP, data={"secret": secret})
    response = client.post(make_sign_in_link(alice))
    assert response["Location"].startswith("/accounts/2fa/authenticate/")
    assert not signed_in(client)
    client.post(
        "/accounts/login/", {"login": "alice@example.org", "password": "alice-passphrase-1"}
    )
    assert not signed_in(client)
    assert "code" in client.get("/accounts/2fa/authenticate/").content.decode()


def test_djangos_own_sign_in_form_is_not_offered(client: Client, vic: User) -> None:
    response = client.get("/admin/login/")
    assert response["Location"].startswith("/accounts/login/")
    client.force_login(vic, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/", follow=True).status_code == 403


def test_ones_address_stays_the_invited_one(vic: User, client_of: Clients) -> None:
    client = client_of(vic)
    client.post("/accounts/email/", {"email": "alice@example.org", "action_add": ""})
    vic.refresh_from_db()
    assert vic.email == "vic@example.org"


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/password/change/",
        "/accounts/2fa/",
        "/accounts/2fa/totp/activate/",
        "/accounts/reauthenticate/",
        "/settings/account/",
    ],
)
def test_account_pages_stand_on_the_common_shell(
    alice: User, client_of: Clients, path: str
) -> None:
    page = client_of(alice).get(path, follow=True).content.decode()
    assert "assay.css" in page
    assert page.count("<h1") == 1


def test_a_name_is_one_line_of_text(vic: User, client_of: Clients) -> None:
    client = client_of(vic)
    client.post("/settings/account/", {"name": " Vic\r\nBcc: x \u202e<i> "})
    vic.refresh_from_db()
    assert vic.name == "Vic Bcc: x <i>"
    assert "<i>" not in client.get("/settings/").content.decode()


def test_someone_without_a_passphrase_can_choose_one(alice: User, client_of: Clients) -> None:
    alice.set_unusable_password()
    alice.save()
    client = client_of(alice)
    response = client.get("/accounts/password/change/", follow=True)
    assert response.redirect_chain[-1][0] == "/accounts/password/set/"
    client.post(
        "/accounts/password/set/",
        {"password1": "slate-and-copper-9", "password2": "slate-and-copper-9"},
    )
    alice.refresh_from_db()
    assert alice.check_password("slate-and-copper-9")


ALICE = {"login": "alice@example.org", "password": "slate-and-copper-9"}


def sign_in_with_password(user: User, client: Client) -> None:
    user.set_password(ALICE["password"])
    user.save()
    client.post("/accounts/login/", ALICE)
    assert signed_in(client)
    # What changes how one signs in asks for the password once more.
    page = client.get("/accounts/2fa/totp/activate/", follow=True)
    assert "Is it you?" in page.content.decode()
    client.post("/accounts/reauthenticate/", {"password": ALICE["password"]})


@pytest.mark.parametrize(
    ("address", "heading"),
    [
        ("/accounts/password/change/", "Change your password"),
        ("/accounts/2fa/", "Second factor"),
        ("/accounts/2fa/totp/activate/", "Set up an authenticator app"),
        ("/accounts/logout/", "Sign out"),
    ],
)
def test_account_pages_speak_in_our_words(
    alice: User, client: Client, address: str, heading: str
) -> None:
    sign_in_with_password(alice, client)
    assert "Successfully" not in client.get("/").content.decode()
    page = client.get(address).content.decode()
    assert f"<title>{heading} · Assay</title>" in page


def test_a_second_factor_is_set_up_shown_and_turned_off(alice: User, client: Client) -> None:
    sign_in_with_password(alice, client)
    page = client.get("/accounts/2fa/totp/activate/")
    counter = next(iter(yield_hotp_counters_from_time()))
    code = format_hotp_value(hotp_value(page.context["form"].secret, counter))
    client.post("/accounts/2fa/totp/activate/", {"code": code})
    assert "It is on" in client.get("/accounts/2fa/").content.decode()
    assert "10 of 10 are left" in client.get("/accounts/2fa/").content.decode()
    shown = client.get("/accounts/2fa/recovery-codes/").content.decode()
    assert shown.count("<code>") == 10
    assert "stop working" in client.get("/accounts/2fa/recovery-codes/generate/").content.decode()
    off = client.post("/accounts/2fa/totp/deactivate/", follow=True).content.decode()
    assert "It is off" in off


def test_a_forgotten_password_is_mailed_in_our_words(
    alice: User, client: Client, mailoutbox: list[EmailMessage]
) -> None:
    alice.set_password("slate-and-copper-9")
    alice.save()
    done = client.post("/accounts/password/reset/", {"email": "alice@example.org"}, follow=True)
    assert "Look at your mail" in done.content.decode()
    mail = mailoutbox[0]
    assert mail.subject == "Choose a new password for Assay"
    address = next(line for line in mail.body.splitlines() if line.startswith("http"))
    page = client.get(address, follow=True).content.decode()
    assert "Choose a new password" in page
    gone = client.get(address[:-4] + "-xx/", follow=True).content.decode()
    assert "This link is over" in gone
