"""The shell that every page stands in."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from apps.core.views import gone
from apps.teams.models import User

ClientOf = Callable[[User], Client]


def test_a_signed_out_reader_is_sent_to_sign_in(db: None, client: Client) -> None:
    response = client.get("/")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_the_first_page_names_the_team_and_offers_the_first_step(
    alice: User, client_of: ClientOf
) -> None:
    page = client_of(alice).get("/").content.decode()
    assert "Metallurgy" in page
    assert "Upload what your models answered" in page


def test_someone_without_a_team_is_told_so(db: None, client_of: ClientOf) -> None:
    page = client_of(User.objects.create_user("nobody@example.org")).get("/").content.decode()
    assert "You belong to no team yet" in page


def test_markup_in_a_team_name_is_text(alice: User, client_of: ClientOf) -> None:
    alice.teams.update(name="<script>alert(1)</script>")
    page = client_of(alice).get("/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_page_carries_its_safety_headers(alice: User, client_of: ClientOf) -> None:
    response = client_of(alice).get("/")
    policy = response["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert response["X-Frame-Options"] == "DENY"
    assert response["Cache-Control"] == "private, no-store"
    assert "HX-Request" in response["Vary"]


def test_no_text_becomes_a_script(alice: User, client_of: ClientOf) -> None:
    response = client_of(alice).get("/")
    policy = response["Content-Security-Policy"]
    assert "require-trusted-types-for 'script'" in policy
    assert "trusted-types default" in policy
    page = response.content.decode()
    scripts = re.findall(r'<script src="([^"]+)"', page)
    assert scripts[0].endswith("trusted.js"), "the policy has to be there before what needs it"


def test_no_page_carries_inline_script_or_style(alice: User, client_of: ClientOf) -> None:
    page = client_of(alice).get("/").content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert "<script>" not in page


def test_the_page_of_the_api_runs_under_the_same_policy(db: None, client: Client) -> None:
    page = client.get("/api/docs/").content.decode()
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    assert scripts, "Swagger needs its scripts"
    assert not any(scripts), "none may be written into the page"
    assert "<style" not in page
    own = re.findall(r'<script src="([^"]*script=[^"]*)"', page)
    assert len(own) == 1
    answer = client.get(unescape(own[0]))
    assert answer["Content-Type"].startswith("application/javascript")
    assert b"SwaggerUIBundle" in answer.content


@pytest.mark.parametrize("chosen", ["light", "dark", ""])
def test_the_appearance_is_kept(chosen: str, alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    response = client.post("/theme/", {"theme": chosen, "next": "/?page=2"})
    assert response["Location"] == "/?page=2"
    page = client.get("/").content.decode()
    assert (f'data-theme="{chosen}"' in page) == bool(chosen)


def test_an_unknown_appearance_changes_nothing(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    client.post("/theme/", {"theme": '"><script>'})
    assert "theme" not in client.cookies
    client.cookies["theme"] = '"onload="alert(1)'
    assert "data-theme" not in client.get("/").content.decode()


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"]
)
def test_the_appearance_sends_nobody_elsewhere(target: str, db: None, client: Client) -> None:
    assert client.post("/theme/", {"theme": "dark", "next": target})["Location"] == "/"


def test_an_unknown_address_answers_in_the_shell(alice: User, client_of: ClientOf) -> None:
    response = client_of(alice).get("/no-such-page/")
    assert response.status_code == 404
    assert "There is no such page" in response.content.decode()


def test_an_ended_link_says_why(rf: RequestFactory) -> None:
    request = rf.get("/s/x/")
    request.user = AnonymousUser()
    response = gone(request, "This link ended on 3 May.")
    assert response.status_code == 410
    assert "This link ended on 3 May." in response.content.decode()


@pytest.mark.parametrize("name", ["400.html", "500.html"])
def test_the_pages_for_failures_need_no_context(name: str) -> None:
    assert "Assay" in render_to_string(name)
