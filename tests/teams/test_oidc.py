"""Signing in with an organisation's server, through the whole flow, with a small server on loopback."""

import gzip
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import cache
from django.test import Client

from apps.teams.models import Role, Team, User
from apps.teams.services import delete_user, invite
from apps.teams.services.departure import personal_data

CLIENT, SECRET = "assay", "between-the-two"


@dataclass
class Server:
    """An OpenID Connect server that vouches for whoever `claims` describe."""

    claims: dict[str, Any]
    address: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: bool = False

    def __post_init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def token(self) -> str:
        now = int(time.time())
        body = {"iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 60, **self.claims}
        return jwt.encode(body, self.key, algorithm="RS256", headers={"kid": "1"})


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server({"sub": "42", "email": "Eddie@example.org", "email_verified": True})

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

        def answer(self, body: Any, status: int = 200, **headers: str) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            if "gzip" in self.headers.get("Accept-Encoding", ""):
                content = gzip.compress(content)
                self.send_header("Content-Encoding", "gzip")
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            state.asked.append(parts.path)
            if parts.path == "/.well-known/openid-configuration":
                names = {
                    "authorization_endpoint": "authorize",
                    "token_endpoint": "token",
                    "userinfo_endpoint": "userinfo",
                    "jwks_uri": "keys",
                }
                places = {name: f"{state.address}/{path}" for name, path in names.items()}
                self.answer({"issuer": state.address, **places})
            elif parts.path == "/authorize":
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                code = secrets.token_urlsafe()
                state.codes[code] = asked
                back = urlencode({"code": code, "state": asked["state"]})
                self.answer({}, 302, Location=f"{asked['redirect_uri']}?{back}")
            else:
                self.answer(state.claims)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            given = {name: values[0] for name, values in parse_qs(body).items()}
            state.asked.append("/token")
            asked = state.codes.pop(given.get("code", ""), None)
            if state.broken or asked is None or given.get("client_secret") != SECRET:
                self.answer({"error": "invalid_grant"}, 400)
            else:
                assert given["code_verifier"], "the code is bound to who asked for it"
                self.answer(
                    {"access_token": "a", "token_type": "Bearer", "id_token": state.token()}
                )

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{listening.server_port}"
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield state
    listening.shutdown()
    listening.server_close()


@pytest.fixture(autouse=True)
def configured(server: Server, settings: Any) -> None:
    cache.clear()
    app = {
        "provider_id": "organisation",
        "name": "Mining Corp",
        "client_id": CLIENT,
        "secret": SECRET,
        "settings": {"server_url": server.address},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}
    }
    settings.OUTBOUND_ALLOWED_HOSTS = [urlsplit(server.address).netloc]


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def come_in(client: Client) -> Any:
    """Press the button, be vouched for, come back."""
    page = client.get("/accounts/login/").content.decode()
    assert "Sign in with Mining Corp" in page
    away = client.post("/accounts/oidc/organisation/login/")
    assert away.status_code == 302, away.content.decode()
    try:
        build_opener(_Stay).open(away["Location"])
    except Exception as redirected:
        back = urlsplit(redirected.headers["Location"])  # type: ignore[attr-defined]
    return client.get(f"{back.path}?{back.query}")


def who(client: Client) -> str | None:
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk).email if pk else None


def test_a_member_comes_in_by_a_verified_address(eddie: User, server: Server) -> None:
    client = Client()
    answer = come_in(client)
    assert answer.status_code == 302
    assert who(client) == eddie.email
    assert server.asked.count("/token") == 1


def test_the_second_time_the_identity_counts_not_the_address(eddie: User, server: Server) -> None:
    come_in(Client())
    server.claims["email"] = "somebody.else@example.org"
    client = Client()
    come_in(client)
    assert who(client) == eddie.email


def test_an_invited_address_makes_an_account_and_joins(
    team: Team, alice: User, server: Server
) -> None:
    invite(user=alice, team=team, email="new@example.org", role=Role.ANNOTATOR)
    server.claims = {"sub": "7", "email": "new@example.org", "email_verified": True, "name": "Nova"}
    client = Client()
    come_in(client)
    user = User.objects.get(email="new@example.org")
    assert who(client) == user.email
    assert user.name == "Nova"
    assert user.roles == {team.pk: Role.ANNOTATOR}
    assert not user.has_usable_password()


@pytest.mark.parametrize("verified", [False, None, "true", "false", 1])
def test_an_address_that_is_not_plainly_verified_opens_nothing(
    verified: Any, eddie: User, alice: User, team: Team, server: Server
) -> None:
    invite(user=alice, team=team, email="new@example.org", role=Role.VIEWER)
    for address in (eddie.email, "new@example.org"):
        server.claims = {"sub": address, "email": address, "email_verified": verified}
        client = Client()
        answer = come_in(client)
        assert who(client) is None
        assert answer.status_code == 200
    assert User.objects.count() == 2


def test_somebody_who_is_not_invited_stays_outside(alice: User, server: Server) -> None:
    server.claims = {"sub": "9", "email": "stranger@example.org", "email_verified": True}
    client = Client()
    assert "Accounts are made by invitation" in come_in(client).content.decode()
    assert who(client) is None
    assert User.objects.count() == 1


def test_a_closed_account_stays_closed(eddie: User, server: Server) -> None:
    User.objects.filter(pk=eddie.pk).update(is_active=False)
    client = Client()
    come_in(client)
    assert who(client) is None


def test_a_server_that_refuses_is_said_in_words(eddie: User, server: Server) -> None:
    server.broken = True
    client = Client()
    answer = come_in(client)
    assert "Signing in did not work" in answer.content.decode()
    assert who(client) is None


def test_an_answer_that_was_not_asked_for_opens_nothing(eddie: User, server: Server) -> None:
    server.codes["planted"] = {}
    client = Client()
    client.get("/accounts/oidc/organisation/login/callback/?code=planted&state=guessed")
    assert who(client) is None
    assert "/token" not in server.asked


def test_the_server_is_called_only_where_an_administrator_allows_it(
    eddie: User, server: Server, settings: Any
) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = []
    answer = Client().post("/accounts/oidc/organisation/login/")
    assert answer.status_code == 502
    assert "Signing in did not work" in answer.content.decode()
    assert not server.asked


def test_without_a_server_there_is_no_button(db: None, settings: Any) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": []}}
    assert "Sign in with" not in Client().get("/accounts/login/").content.decode()
    assert Client().post("/accounts/oidc/organisation/login/").status_code == 404


def test_who_leaves_is_not_known_by_the_server_any_more(
    eddie: User, alice: User, server: Server, client_of: Callable[[User], Client]
) -> None:
    come_in(Client())
    assert b"vouched.json" in personal_data(eddie).read()
    delete_user(user=User.objects.get(pk=eddie.pk))
    client = Client()
    come_in(client)
    assert who(client) is None
