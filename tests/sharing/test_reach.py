"""How much a link shows, where it may be shown, and that a frozen one stays as it was."""

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.catalog.models import CandidateModel
from apps.catalog.services import set_price
from apps.core.twins import FORMS
from apps.leaderboards import services as boards
from apps.leaderboards.models import Board
from apps.routing.models import Evaluation
from apps.sharing.models import ShareLink
from apps.sharing.services import create_link
from apps.teams.models import Team, User
from tests.leaderboards.conftest import labels
from tests.routing.furniture import evaluation_of, version_with_outcomes

ClientOf = Callable[[User], Client]
WIKI = "https://wiki.example.org"


@pytest.fixture
def evaluation(team: Team, eddie: User) -> Evaluation:
    return evaluation_of(version_with_outcomes(team, eddie), eddie)


def prompts(evaluation: Evaluation) -> list[str]:
    from apps.routing.queries import result_at

    assert evaluation.current is not None
    return list(result_at(evaluation.current.blob)["texts"].values())


def test_a_link_to_the_tables_alone_has_no_charts_and_no_files(
    client: Client, board: Board, evaluation: Evaluation, eddie: User
) -> None:
    for target in ({"board": board}, {"evaluation": evaluation}):
        _, token = create_link(user=eddie, scope="table", **target)
        html = client.get(f"/s/{token}/").content.decode()
        assert "<table" in html
        assert "<figure" not in html
        assert f"/s/{token}." not in html
        assert "og:image" not in html
        for form in FORMS:
            assert client.get(f"/s/{token}.{form}").status_code == 404


def test_prompts_are_named_only_where_that_was_asked_for(
    client: Client, evaluation: Evaluation, eddie: User
) -> None:
    texts = prompts(evaluation)
    assert texts
    for scope, named in (("table", False), ("charts", False), ("items", True)):
        _, token = create_link(user=eddie, scope=scope, evaluation=evaluation)
        html = client.get(f"/s/{token}/").content.decode()
        assert ("Where it lost most" in html) is named
        told = client.get(f"/s/{token}.json").content.decode()
        assert any(json.dumps(text) in told for text in texts) is named


def test_a_board_has_no_prompts_to_name(board: Board, eddie: User) -> None:
    with pytest.raises(ValidationError, match="names no prompts"):
        create_link(user=eddie, board=board, scope="items")
    with pytest.raises(ValidationError):
        create_link(user=eddie, board=board, scope="everything")


def test_a_frame_is_allowed_on_the_named_sites_and_nowhere_else(
    client: Client, board: Board, eddie: User
) -> None:
    _, token = create_link(
        user=eddie, board=board, embed_origins=[f"{WIKI}/", "HTTP://LOCALHOST:8080"]
    )
    answer = client.get(f"/s/{token}/embed/")
    assert f"frame-ancestors {WIKI} http://localhost:8080" in answer["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    html = answer.content.decode()
    assert "<code>ada</code>" in html
    assert '<form id="theme"' not in html
    assert "csrfmiddlewaretoken" not in html
    assert not answer.cookies
    inside = re.findall(r'(?:href|src|srcset|action|hx-get)="(/[^"]*)"', html)
    allowed = (f"/s/{token}/embed/", f"/s/{token}.svg", "/static/")
    assert [url for url in inside if not url.startswith(allowed)] == []
    for page in (f"/s/{token}/", f"/s/{token}.svg"):
        other = client.get(page)
        assert other["X-Frame-Options"] == "DENY"


def test_a_link_that_names_no_site_is_shown_in_no_frame(
    client: Client, board: Board, eddie: User
) -> None:
    _, token = create_link(user=eddie, board=board)
    assert client.get(f"/s/{token}/embed/").status_code == 404
    assert "frame-ancestors 'none'" in client.get(f"/s/{token}/")["Content-Security-Policy"]


def test_a_frame_of_an_ended_link_is_gone(client: Client, board: Board, eddie: User) -> None:
    _, token = create_link(user=eddie, board=board, embed_origins=[WIKI])
    ShareLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = client.get(f"/s/{token}/embed/")
    assert answer.status_code == 410
    assert answer["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "origin",
    [
        "*", "https://*", "https://*.example.org", "'self'", "data:", "javascript:alert(1)",
        "https://a.example/path", "https://a.example; script-src *", "https://a.example,b",
        "https://user@a.example", "ftp://a.example", "https://", "https://a.example:port",
        "https://a.example\nX: y", "https://-a.example",
    ],
)  # fmt: skip
def test_what_is_no_origin_is_refused(board: Board, eddie: User, origin: str) -> None:
    with pytest.raises(ValidationError, match="is no origin"):
        create_link(user=eddie, board=board, embed_origins=[origin])
    assert not ShareLink.objects.exists()


def test_a_link_is_embedded_or_locked_but_not_both(board: Board, eddie: User) -> None:
    with pytest.raises(ValidationError, match="choose one"):
        create_link(user=eddie, board=board, embed_origins=[WIKI], password="long enough")
    with pytest.raises(ValidationError, match="at most 10 sites"):
        create_link(
            user=eddie, board=board, embed_origins=[f"https://{n}.example" for n in range(11)]
        )


def test_the_page_gives_the_code_for_a_frame(
    board: Board, eddie: User, client_of: ClientOf
) -> None:
    made = client_of(eddie).post(
        f"/boards/{board.slug}/links/new/",
        {"days": 7, "shows": "live", "scope": "charts", "embed_origins": f"{WIKI}\r\n{WIKI}"},
    )
    html = made.content.decode()
    assert "&lt;iframe src=&quot;http://testserver/s/" in html
    assert ShareLink.objects.get().embed_origins == [WIKI]


def test_a_preview_shows_the_picture_by_its_whole_address(
    client: Client, board: Board, eddie: User
) -> None:
    _, token = create_link(user=eddie, board=board)
    html = client.get(f"/s/{token}/").content.decode()
    assert f'property="og:image" content="http://testserver/s/{token}.png"' in html
    assert f'property="og:url" content="http://testserver/s/{token}/"' in html
    assert 'name="robots" content="noindex' in html
    assert client.get(f"/s/{token}.png")["X-Robots-Tag"].startswith("noindex")


def shown(client: Client, token: str) -> tuple[str, dict[str, Any], bytes]:
    """What a reader of a board's link gets, without what a clock or a session puts there."""
    html = client.get(f"/s/{token}/").content.decode()
    page = re.sub(r"<time[^>]*>[^<]*</time>|name=\"csrf\w+\" value=\"\w+\"|x-csrf[^}]*", "", html)
    return page, client.get(f"/s/{token}.json").json(), client.get(f"/s/{token}.svg").content


def test_a_frozen_board_stays_the_same_whatever_happens_to_its_data(
    client: Client,
    board: Board,
    eddie: User,
    bring: Callable[..., Any],
    run_jobs: Callable[[], list[Any]],
) -> None:
    _, frozen = create_link(user=eddie, board=board)
    _, live = create_link(user=eddie, board=board, frozen=False)
    before, follows = shown(client, frozen), shown(client, live)
    assert before[1:] == follows[1:]
    bring(labels(range(40, 60)), "labels", version=board.version)
    ada = CandidateModel.objects.get(name="ada")
    set_price(user=eddie, model=ada, valid_from=date(2026, 2, 1), per_call=Decimal("0.5"))
    boards.update_board(user=eddie, board=board, name="Renamed", delta=0.3)
    run_jobs()
    board.version.prediction_batches.all().delete()
    CandidateModel.objects.filter(name__in=["ada", "bea"]).delete()
    boards.refresh_board(user=eddie, board=board)
    run_jobs()
    after = shown(client, frozen)
    assert after == before
    assert "Renamed" not in after[0]
    assert client.get(f"/s/{live}/").content.decode() != follows[0]


def test_links_are_listed_filtered_and_revoked_together(
    board: Board, evaluation: Evaluation, eddie: User, vic: User, charlie: User, client_of: ClientOf
) -> None:
    made = [
        create_link(user=eddie, board=board, note="for Ann"),
        create_link(user=eddie, board=board, note="for Bob"),
        create_link(user=eddie, evaluation=evaluation, note="for Ann too"),
    ]
    client = client_of(eddie)

    def listed(query: str) -> set[str]:
        html = client.get(f"/links/{query}").content.decode()
        return {
            name for name in ("for Ann", "for Bob", "for Ann too") if f"<td>{name}</td>" in html
        }

    assert listed("") == {"for Ann", "for Bob", "for Ann too"}
    assert listed("?q=bob") == {"for Bob"}
    assert listed("?kind=evaluation") == {"for Ann too"}
    assert listed("?state=ended") == set()
    chosen = {"link": [str(made[0][0].pk), str(made[2][0].pk), "nonsense"]}
    assert client_of(vic).post("/links/revoke/", chosen).status_code == 403
    client_of(charlie).post("/links/revoke/", chosen)
    assert listed("?state=ended") == set()
    client.post("/links/revoke/", chosen)
    assert listed("?state=ended") == {"for Ann", "for Ann too"}
    assert [Client().get(f"/s/{token}/").status_code for _, token in made] == [410, 200, 410]


def test_programs_choose_how_much_and_revoke_together(
    board: Board, eddie: User, charlie: User, api_of: Callable[[User], APIClient]
) -> None:
    api = api_of(eddie)
    asked = {"board": board.slug, "scope": "table", "password": "long enough"}
    one = api.post("/api/v1/share-links/", asked).json()
    assert (one["scope"], one["has_password"]) == ("table", True)
    two = api.post("/api/v1/share-links/", {"board": board.slug, "embed_origins": [WIKI]}).json()
    assert two["embed_origins"] == [WIKI]
    assert api.post("/api/v1/share-links/", {**asked, "password": "x"}).status_code == 400
    ids = {"ids": [one["id"], two["id"]]}
    assert api_of(charlie).post("/api/v1/share-links/revoke/", ids).json() == {"revoked": 0}
    assert api.post("/api/v1/share-links/revoke/", ids).json() == {"revoked": 2}
    assert api.get("/api/v1/share-links/?state=open").json()["results"] == []
    assert len(api.get("/api/v1/share-links/?state=ended").json()["results"]) == 2
