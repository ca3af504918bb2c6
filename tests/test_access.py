"""Nobody reaches through any address what is not theirs.

The test walks every route of the URL resolver: signed out, as a stranger, and as each role of the
team. A new page is covered the day it is born; what is public or open to low roles stands in the
tables below, with its reason.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from apps.jobs.models import Job
from apps.teams.models import Role, Team, User
from tests.routes import MARK, Route, World, all_routes, build_world

ROUTES = all_routes()
METHODS = ("get", "post", "put", "patch", "delete")
WRITES = METHODS[1:]
# Statements that change no row.
READS = ("SELECT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")

# Routes that answer to somebody signed out, and why.
PUBLIC = {
    "healthz": "asked by the machine that starts the server",
    "readyz": "asked by the machine that sends it requests",
    "metrics": "asked by the machine that watches it; it has its own guard",
    "theme": "an appearance may be chosen by anybody",
    "invitation": "the secret in the address is the key",
    "signin_link": "the secret in the address is the key",
    "help_numbers": "says how numbers are computed, not what is stored",
    "help_numbers_of": "says how numbers are computed, not what is stored",
    "shared": "the secret in the address is the key",
    "shared_embed": "the secret in the address is the key",
    "shared_unlock": "the secret in the address is the key, and the password behind it",
    "shared_json": "the secret in the address is the key",
    "shared_csv": "the secret in the address is the key",
    "shared_tex": "the secret in the address is the key",
    "shared_svg": "the secret in the address is the key",
    "shared_png": "the secret in the address is the key",
    "schema": "says what can be asked, not what is stored",
    "api_client": "says what can be asked, not what is stored",
    "api_docs": "says what can be asked, not what is stored",
    "account_login": "the way in",
    "account_logout": "the way out",
    "account_signup": "says that accounts are made by invitation",
    "account_inactive": "says that an account is closed",
    "account_reset_password": "for who forgot the passphrase",
    "account_reset_password_done": "for who forgot the passphrase",
    "account_reset_password_from_key": "the secret in the address is the key",
    "account_reset_password_from_key_done": "for who forgot the passphrase",
    "account_confirm_email": "the secret in the address is the key; none is sent",
    "account_email_verification_sent": "a sentence",
    "account_confirm_login_code": "leads to the sign-in where no code was asked for",
    "openid_connect_login": "the way in, where a server vouches for people",
    "openid_connect_callback": "the way in, where a server vouches for people",
    "socialaccount_login_cancelled": "a sentence",
    "socialaccount_login_error": "a sentence",
    "socialaccount_signup": "leads to the sign-in: accounts are made by invitation",
    "mfa_authenticate": "the second step of signing in",
}
# What each write needs; everything else needs an editor.
NEEDED = {
    "team_rename": Role.ADMIN,
    "member_role": Role.ADMIN,
    "member_remove": Role.ADMIN,
    "invitation_new": Role.ADMIN,
    "invitation_revoke": Role.ADMIN,
    "api:team-detail": Role.ADMIN,
    "api:member-detail": Role.ADMIN,
    "api:invitation-list": Role.ADMIN,
    "api:invitation-detail": Role.ADMIN,
    "webhook_list": Role.ADMIN,
    "webhook_switch": Role.ADMIN,
    "webhook_ping": Role.ADMIN,
    "webhook_delete": Role.ADMIN,
    "delivery_again": Role.ADMIN,
    "api:webhook-list": Role.ADMIN,
    "api:webhook-detail": Role.ADMIN,
    "api:webhook-switch": Role.ADMIN,
    "api:webhook-test": Role.ADMIN,
    "api:delivery-redeliver": Role.ADMIN,
    "endpoint_new": Role.ADMIN,
    "endpoint_edit": Role.ADMIN,
    "endpoint_delete": Role.ADMIN,
    "api:endpoint-list": Role.ADMIN,
    "api:endpoint-detail": Role.ADMIN,
}
# Writes that concern only who does them.
OWN = {
    "account": "one's own name",
    "account_sessions": "one's own browsers",
    "account_session_end": "one's own browsers; others' are not found",
    "account_delete": "one's own account",
    "guide": "whether one is guided",
    "mail_wishes": "mails to oneself",
    "switch_team": "which of one's teams is looked at",
    "team_new": "a team of one's own",
    "api:team-list": "a team of one's own",
    "token_new": "a token never above one's own role",
    "api:token-list": "a token never above one's own role",
    "token_revoke": "one's own tokens; others' are not found",
    "api:token-detail": "one's own tokens; others' are not found",
    "theme": "one's own appearance",
    "router_try": "asks a router; nothing is kept",
    "api:router-route": "asks a router; nothing is kept",
}
# Writes that annotators may do as well: they bring labels, and other files are refused by purpose.
ANNOTATORS = {
    "upload_detail": "labels",
    "upload_replace": "labels",
    "api:upload-commit": "labels",
    "selection_label": "labels",
    "api:selection-next": "the item to label",
    "api:selection-labels": "labels",
    "api:selection-undo": "takes back a label of one's own",
}
# What only admins find: for others it does not exist.
SEEN_BY_ADMINS = ("invitation", "webhook", "delivery")
# What is asked without its question here: it says so to whom may ask.
ASKED = {"api:board-together": "which boards", "api:board-what-if": "which model, and its price"}
# Objects that belong to nobody: every member of any team may look at them.
SHARED_BY_ALL = {"api:worker-list": "the machines that do everybody's work"}


@pytest.fixture
def world(
    team: Team,
    alice: User,
    eddie: User,
    anna: User,
    vic: User,
    charlie: User,
    run_jobs: Callable[[], list[Job]],
) -> World:
    return build_world(team, alice, run_jobs)


@contextmanager
def nothing_kept() -> Iterator[None]:
    """What happens inside is undone, so that one request does not prepare the next."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def ask(client: Client, method: str, route: Route, world: World) -> HttpResponse:
    """One request, empty but for what must name an object of the world."""
    options: dict[str, Any] = {}
    if route.is_api and method != "get":
        body = world.body(route)
        options = {"data": json.dumps(body, default=str), "content_type": "application/json"}
        if "file" in body:
            encoded = body if method == "post" else encode_multipart(BOUNDARY, body)
            options = {"data": encoded, "content_type": MULTIPART_CONTENT}
    return getattr(client, method)(world.fill(route), **options)  # type: ignore[no-any-return]


def ours() -> list[Route]:
    """Routes of the product itself; allauth's need no object, Django's admin has a test of its own."""
    return [r for r in ROUTES if not r.is_admin and not r.pattern.startswith("accounts/")]


def needed_for(route: Route) -> Role:
    """The lowest role that may write here."""
    if route.name in ANNOTATORS:
        return Role.ANNOTATOR
    return NEEDED.get(route.name, Role.EDITOR)


def is_public(route: Route) -> bool:
    return route.name in PUBLIC


def kept_out(response: HttpResponse) -> bool:
    if response.status_code == 302:
        return response["Location"].startswith("/accounts/login/")
    if (
        response.status_code == 301
    ):  # an earlier address of allauth's; the one it names is walked too
        return response["Location"].startswith("/accounts/")
    return response.status_code in (401, 403, 405)


def state() -> dict[str, list[Any]]:
    """Every row of the product's tables, and who has a session, but for the notes of when something
    was last used."""
    skipped = {"last_used_at", "last_login", "session_data", "expire_date"}
    return {
        model.__name__: sorted(
            model._default_manager.values_list(
                *(f.attname for f in model._meta.concrete_fields if f.attname not in skipped)
            ),
            key=str,
        )
        for model in apps.get_models()
        if model.__module__.startswith("apps.") or model is Session
    }


@contextmanager
def writes_seen() -> Iterator[list[str]]:
    """What the database is asked inside that may change a row."""
    seen: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if not sql.startswith(READS):
            seen.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        yield seen


def loud(client: Client) -> Client:
    client.raise_request_exception = False
    return client


@pytest.mark.django_db
def test_every_route_leads_somewhere_in_the_world(world: World) -> None:
    for route in ours():
        world.fill(route)


@pytest.mark.embedded_only
@pytest.mark.django_db
def test_the_tables_name_only_routes_that_exist() -> None:
    names = {route.name for route in ROUTES}
    stale = (
        NEEDED.keys()
        | OWN.keys()
        | ANNOTATORS.keys()
        | PUBLIC.keys()
        | SHARED_BY_ALL.keys()
        | ASKED.keys()
    ) - names
    assert not stale


@pytest.mark.embedded_only
@pytest.mark.django_db
def test_someone_signed_out_is_sent_to_sign_in(world: World) -> None:
    client, problems, before = loud(Client()), [], state()
    for route in ROUTES:
        if is_public(route) or route.is_admin:
            continue
        for method in METHODS:
            response = ask(client, method, route, world)
            client.cookies.clear()  # as somebody who comes for the first time
            if not kept_out(response):
                broke = getattr(response, "exc_info", None)
                why = f", because {broke[1]!r}" if broke else ""
                problems.append(f"{route}: {method} answers {response.status_code}{why}")
    assert not problems, "\n".join(problems)
    assert state() == before


@pytest.mark.django_db
def test_a_stranger_finds_nothing_on_any_route_that_names_an_object(
    world: World, charlie: User, client_of: Callable[[User], Client]
) -> None:
    client, problems, before = loud(client_of(charlie)), [], state()
    for route in ours():
        if is_public(route) or not route.parameters or route.name in SHARED_BY_ALL:
            continue
        answers = {method: ask(client, method, route, world).status_code for method in METHODS}
        if set(answers.values()) - {404, 405} or 404 not in answers.values():
            problems.append(f"{route}: {answers}")
    assert not problems, "\n".join(problems)
    assert state() == before


@pytest.mark.django_db
def test_a_stranger_reads_no_word_of_the_team_on_any_page(
    world: World, charlie: User, client_of: Callable[[User], Client]
) -> None:
    client, problems = loud(client_of(charlie)), []
    for route in ours():
        if is_public(route) or route.name in SHARED_BY_ALL:
            continue
        response = ask(client, "get", route, world)
        # What was asked for may be repeated: the visitor knew it.
        text = b"".join(response).decode(errors="replace").replace(world.fill(route), "")
        if MARK.lower() in text.lower():
            problems.append(str(route))
        if response.status_code >= 500:
            problems.append(f"{route}: {response.status_code}")
    assert not problems, "\n".join(problems)


@pytest.mark.django_db
def test_a_viewer_reads_every_page_that_needs_no_more(
    world: World, vic: User, client_of: Callable[[User], Client]
) -> None:
    client, problems = loud(client_of(vic)), []
    for route in ours():
        if is_public(route):
            continue
        response = ask(client, "get", route, world)
        allowed = {200, 202, 302, 403, 405}
        if any(word in route.name for word in ("token", *SEEN_BY_ADMINS)):
            allowed.add(404)  # of others, which a viewer does not see
        if route.name in ASKED:
            allowed.add(400)
        if response.status_code not in allowed:
            problems.append(f"{route}: {response.status_code}")
    assert not problems, "\n".join(problems)


@pytest.mark.embedded_only
@pytest.mark.django_db
@pytest.mark.parametrize("name", ["vic", "anna", "eddie"])
def test_no_role_writes_what_needs_a_higher_one(
    world: World, name: str, request: pytest.FixtureRequest, client_of: Callable[[User], Client]
) -> None:
    user: User = request.getfixturevalue(name)
    client, held = loud(client_of(user)), user.roles[world.team.pk]
    problems, before = [], state()
    for route in ours():
        if is_public(route) or route.name in OWN or held >= needed_for(route):
            continue
        for method in WRITES:
            with nothing_kept(), writes_seen() as writes:
                status = ask(client, method, route, world).status_code
                # To read every table takes longer than to ask.
                changed = bool(writes) and state() != before
            hidden = status == 404 and any(word in route.name for word in SEEN_BY_ADMINS)
            if status not in (403, 405) and not hidden:
                problems.append(f"{route}: {method} answers {status}")
            if changed:
                problems.append(f"{route}: {method} changed something")
    assert not problems, "\n".join(problems)


@pytest.mark.django_db
def test_each_role_may_write_what_it_should(
    world: World, request: pytest.FixtureRequest, client_of: Callable[[User], Client]
) -> None:
    problems = []
    for route in ours():
        if is_public(route) or route.name in OWN:
            continue
        needed = needed_for(route)
        name = {Role.ANNOTATOR: "anna", Role.EDITOR: "eddie", Role.ADMIN: "alice"}[needed]
        client = loud(client_of(request.getfixturevalue(name)))
        for method in WRITES:
            with nothing_kept():
                status = ask(client, method, route, world).status_code
            if status in (401, 403, 404) or status >= 500:
                problems.append(f"{route}: {method} by {needed.label} answers {status}")
    assert not problems, "\n".join(problems)


@pytest.mark.embedded_only
@pytest.mark.django_db
def test_no_write_is_taken_from_another_site(world: World, alice: User) -> None:
    client = loud(Client(enforce_csrf_checks=True))
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    problems, before = [], state()
    for route in ours():
        for method in WRITES:
            status = ask(client, method, route, world).status_code
            if status not in (403, 405, 415):  # 415: the API's document takes nothing at all
                problems.append(f"{route}: {method} answers {status}")
    assert not problems, "\n".join(problems)
    assert state() == before


@pytest.mark.embedded_only
@pytest.mark.django_db
def test_djangos_admin_is_for_staff_alone(alice: User, client_of: Callable[[User], Client]) -> None:
    problems = []
    for route in ROUTES:
        if not route.is_admin:
            continue
        path = "/" + route.pattern.replace("<path:object_id>", "1").replace("<path:url>", "x")
        path = path.replace("(?P<app_label>", "").split("|")[0].rstrip("/") + "/"
        for client in (Client(), client_of(alice)):
            response = loud(client).get(path)
            signed_out = path == "/admin/logout/"
            if response.status_code not in (301, 302, 403, 404, 405) and not signed_out:
                problems.append(f"{route}: {response.status_code}")
    assert not problems, "\n".join(problems)
