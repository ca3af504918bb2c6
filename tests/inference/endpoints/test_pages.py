"""The team's endpoints: who may change them, what a test says, and that keys never come out."""

from __future__ import annotations

import io
import logging
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import call_command
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from apps.core.backup import write_backup
from apps.inference.endpoints.models import Endpoint
from apps.inference.endpoints.services import (
    access_to,
    create_endpoint,
    reseal_all,
    update_endpoint,
)
from apps.inference.endpoints.trial import try_endpoint
from apps.teams.models import AuditEntry, Role, Team, User
from tests.partners.server import Server, always, chat, reply, serving

KEY = "sk-very-secret-key-0123456789"


@pytest.fixture
def server(settings: Any) -> Iterator[Server]:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    with serving(always(reply(chat("ready")))) as ready:
        yield ready


@pytest.fixture
def endpoint(alice: User, team: Team, server: Server) -> Endpoint:
    return create_endpoint(
        user=alice, team=team, name="House model", base_url=f"{server.url}/v1", key=KEY
    )


def test_an_admin_adds_an_endpoint_and_asks_it_one_question(
    alice: User, team: Team, server: Server, client_of: Callable[[User], Client]
) -> None:
    client = client_of(alice)
    data = {
        "name": "House model",
        "base_url": f" {server.url}/v1/chat/completions/ ",
        "key": KEY,
        "concurrency": 4,
        "timeout_seconds": 30,
    }
    response = client.post("/endpoints/new/", data, follow=True)
    assert "House model is added" in response.content.decode()
    endpoint = Endpoint.objects.get()
    assert endpoint.base_url == f"{server.url}/v1"
    page = client.post(f"/endpoints/{endpoint.slug}/test/", {"model": "tiny"}).content.decode()
    assert "House model answered as tiny in" in page
    assert "7 tokens in and 3 out" in page
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert actions >= {"endpoint.created", "endpoint.tried"}


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (reply({"error": {"message": "unknown key"}}, "401 No"), "does not accept the key (401)"),
        (reply("<html>hello"), "a web page instead of a chat completion"),
        (reply("", "500 Oops"), "has a fault of its own (500)"),
        (reply(chat("", None)), "an empty text. It does not count tokens"),
    ],
)
def test_a_test_says_in_a_sentence_what_happened(
    endpoint: Endpoint, eddie: User, settings: Any, raw: bytes, sentence: str
) -> None:
    with serving(always(raw)) as other:
        Endpoint.objects.update(base_url=other.url, sealed_key="")
        endpoint.refresh_from_db()
        tried = try_endpoint(user=eddie, endpoint=endpoint, model="tiny")
    assert sentence in tried.sentence
    assert tried.sentence.endswith(".")
    assert len(other.asked) == 1


def test_an_address_that_is_private_is_refused_unless_allowed_by_name(
    alice: User, team: Team, settings: Any
) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = []
    for url in (
        "http://169.254.169.254/v1",
        "http://localhost:8000/v1",
        "ftp://x",
        "http://a:b@c/",
    ):
        with pytest.raises(ValidationError) as caught:
            create_endpoint(user=alice, team=team, name="Inside", base_url=url)
        assert "base_url" in caught.value.message_dict
    settings.OUTBOUND_ALLOWED_HOSTS = ["localhost:8000"]
    assert create_endpoint(
        user=alice, team=team, name="Inside", base_url="http://localhost:8000/v1"
    )


def test_another_address_drops_the_key(endpoint: Endpoint, alice: User, server: Server) -> None:
    kept = update_endpoint(user=alice, endpoint=endpoint, name="Other name", concurrency=3)
    assert access_to(kept).key == KEY
    moved = update_endpoint(user=alice, endpoint=kept, base_url=f"{server.url}/v2")
    assert not moved.has_key
    assert moved.key_set_at is None
    assert access_to(moved).key == ""
    both = update_endpoint(user=alice, endpoint=moved, base_url=f"{server.url}/v3", key="another")
    assert access_to(both).key == "another"
    assert AuditEntry.objects.filter(action="endpoint.changed", details__key="dropped").count() == 1


def test_a_key_that_is_moved_to_another_address_behind_our_back_does_not_open(
    endpoint: Endpoint, server: Server, alice: User
) -> None:
    Endpoint.objects.update(base_url=f"{server.url}/evil")
    endpoint.refresh_from_db()
    with pytest.raises(ValidationError, match="cannot be read"):
        try_endpoint(user=alice, endpoint=endpoint, model="tiny")
    assert not server.asked


def test_a_key_can_be_replaced_and_forgotten_on_the_page(
    endpoint: Endpoint, alice: User, client_of: Callable[[User], Client]
) -> None:
    client, address = client_of(alice), f"/endpoints/{endpoint.slug}/edit/"
    data = {
        "name": endpoint.name,
        "base_url": endpoint.base_url,
        "concurrency": 8,
        "timeout_seconds": 60,
    }
    client.post(address, data | {"key": ""})
    endpoint.refresh_from_db()
    assert access_to(endpoint).key == KEY
    client.post(address, data | {"key": "replaced-key"})
    endpoint.refresh_from_db()
    assert access_to(endpoint).key == "replaced-key"
    client.post(address, data | {"forget_key": "on"})
    endpoint.refresh_from_db()
    assert not endpoint.has_key
    moved = client.post(address, data | {"key": "k"}) and client.post(
        address, data | {"base_url": endpoint.base_url + "/x"}, follow=True
    )
    assert "Its key was dropped with the old address" in moved.content.decode()


def test_editors_use_endpoints_and_admins_alone_change_them(
    endpoint: Endpoint, eddie: User, vic: User, team: Team
) -> None:
    assert try_endpoint(user=eddie, endpoint=endpoint, model="tiny").answered
    with pytest.raises(PermissionDenied):
        try_endpoint(user=vic, endpoint=endpoint, model="tiny")
    with pytest.raises(PermissionDenied):
        update_endpoint(user=eddie, endpoint=endpoint, name="x")
    with pytest.raises(PermissionDenied):
        create_endpoint(user=eddie, team=team, name="x", base_url="http://127.0.0.1/")


@pytest.mark.parametrize(
    "fields",
    [
        {"concurrency": 0},
        {"concurrency": 10_000},
        {"requests_per_minute": 0},
        {"timeout_seconds": 100_000},
        {"key": "with\nbreak"},
        {"key": "ключ"},
        {"name": "  "},
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    endpoint: Endpoint, alice: User, fields: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError) as caught:
        update_endpoint(user=alice, endpoint=endpoint, **fields)
    assert list(caught.value.message_dict) == list(fields)


def test_two_endpoints_of_a_team_have_different_names(
    endpoint: Endpoint, alice: User, team: Team, server: Server
) -> None:
    with pytest.raises(ValidationError, match="already"):
        create_endpoint(user=alice, team=team, name="HOUSE MODEL", base_url=server.url)


def test_the_api_takes_a_key_and_gives_none(
    endpoint: Endpoint, alice: User, server: Server, api_of: Callable[..., APIClient]
) -> None:
    api = api_of(alice)
    made = api.post(
        "/api/v1/endpoints/", {"name": "Second", "base_url": server.url, "key": KEY}
    ).json()
    assert made["has_key"] is True
    address = f"/api/v1/endpoints/{made['slug']}/"
    assert api.patch(address, {"base_url": f"{server.url}/v2"}).json()["has_key"] is False
    assert api.post(f"{address}test/", {"model": "tiny"}).json()["answered"] is True
    assert api_of(alice, Role.EDITOR).patch(address, {"name": "x"}).status_code == 403
    texts = [api.get(path).content.decode() for path in ("/api/v1/endpoints/", address)]
    texts.append(api.patch(address, {"key": KEY + "\n2"}).content.decode())
    assert not [text for text in texts if KEY in text or "sealed" in text]


def test_a_key_is_in_no_page_log_error_audit_or_backup(
    endpoint: Endpoint,
    alice: User,
    client_of: Callable[[User], Client],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of(alice)
    pages = ["/endpoints/", f"/endpoints/{endpoint.slug}/", f"/endpoints/{endpoint.slug}/edit/"]
    shown = [client.get(page).content.decode() for page in [*pages, "/settings/audit/"]]
    shown.append(client.post(f"{pages[1]}edit/", {"name": "", "key": KEY}).content.decode())
    with serving(always(reply(f"<html>{KEY}", "500 Oops"))) as other:
        update_endpoint(user=alice, endpoint=endpoint, base_url=other.url, key=KEY)
        shown.append(client.post(f"{pages[1]}test/", {"model": "tiny"}).content.decode())
    shown += [str(list(AuditEntry.objects.values_list("details", flat=True))), caplog.text]
    shown += [repr(Endpoint.objects.get()), repr(access_to(Endpoint.objects.get()))]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM inference_endpoint")
        shown.append(str(cursor.fetchall()))
    assert not [text for text in shown if KEY in text]


@pytest.mark.django_db(transaction=True)
def test_a_backup_holds_the_key_sealed(alice: User, team: Team, settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    create_endpoint(user=alice, team=team, name="A", base_url="http://127.0.0.1:1/v1", key=KEY)
    target = io.BytesIO()
    write_backup(target)
    target.seek(0)
    with tarfile.open(fileobj=target) as archive:
        rows = b"".join(
            archive.extractfile(member).read()  # type: ignore[union-attr]
            for member in archive.getmembers()
        )
    assert b"inference.endpoint" in rows
    assert KEY.encode() not in rows


def test_keys_are_sealed_anew_with_the_first_key(endpoint: Endpoint, settings: Any) -> None:
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = ["the new one", *old]
    assert reseal_all() == (1, 0)
    settings.ENCRYPTION_KEYS = ["the new one"]
    endpoint.refresh_from_db()
    assert access_to(endpoint).key == KEY
    settings.ENCRYPTION_KEYS = old
    assert reseal_all() == (0, 1)
    out = io.StringIO()
    call_command("reseal", stdout=out)
    assert "1 key cannot be read" in out.getvalue()
