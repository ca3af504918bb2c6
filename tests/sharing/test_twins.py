"""Every page with a result gives itself away as five files: to members, and to readers of a link."""

import csv
import io
import json
import re
import struct
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client

from apps.catalog.models import CandidateModel
from apps.catalog.services import set_price
from apps.core.twins import FORMS
from apps.jobs.models import Job
from apps.leaderboards.models import Board
from apps.selection.services import Answer, record, start_session
from apps.sharing.kinds import KINDS
from apps.sharing.services import create_link
from apps.teams.models import Team, User
from tests.leaderboards.conftest import predictions, truth
from tests.routes import MARK
from tests.routing.furniture import evaluation_of, version_with_outcomes
from tests.selection.replays import finished_replay

pytestmark = pytest.mark.embedded_only
ClientOf = Callable[[User], Client]
TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "tex": "application/x-tex; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
}
PNG_HEAD = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def targets(board: Board, team: Team, eddie: User) -> dict[str, Any]:
    """One finished object of each kind that can be shared, with prompts and items that carry a mark."""
    selection = start_session(user=eddie, version=board.version, name="Which pet model")
    for item in range(42, 48):
        record(user=eddie, session=selection, answer=Answer(item, "label", truth(item), MARK))
    prompts = version_with_outcomes(team, eddie)
    return {
        "board": board,
        "selection": selection,
        "replay": finished_replay(eddie, board.version),
        "evaluation": evaluation_of(prompts, eddie),
    }


def test_every_kind_has_an_object_here(targets: dict[str, Any]) -> None:
    assert targets.keys() == KINDS.keys()


@pytest.mark.parametrize("name", KINDS)
def test_members_and_readers_of_a_link_get_all_five(
    name: str, targets: dict[str, Any], vic: User, eddie: User, client_of: ClientOf
) -> None:
    target = targets[name]
    _, token = create_link(user=eddie, **{name: target})
    pages = {KINDS[name].address(target): client_of(vic), f"/s/{token}/": Client()}
    for page, client in pages.items():
        html = client.get(page).content.decode()
        for form in FORMS:
            address = f"{page.rstrip('/')}.{form}"
            assert f'href="{address}' in html
            answer = client.get(address)
            assert (answer.status_code, answer["Content-Type"]) == (200, TYPES[form]), address
        assert json.loads(client.get(f"{page.rstrip('/')}.json").content)
        rows = list(csv.reader(io.StringIO(client.get(f"{page.rstrip('/')}.csv").content.decode())))
        assert len(rows) > 2
        assert len({len(row) for row in rows}) == 1
        ElementTree.fromstring(client.get(f"{page.rstrip('/')}.svg").content)  # noqa: S314 - ours
        png = client.get(f"{page.rstrip('/')}.png").content
        assert png.startswith(PNG_HEAD)
        assert struct.unpack(">I", png[16:20])[0] > 1000


@pytest.mark.parametrize("name", KINDS)
def test_a_strangers_twins_are_not_found(
    name: str, targets: dict[str, Any], charlie: User, client_of: ClientOf
) -> None:
    page = KINDS[name].address(targets[name]).rstrip("/")
    for form in FORMS:
        assert client_of(charlie).get(f"{page}.{form}").status_code == 404
        assert Client().get(f"{page}.{form}").status_code == 302


@pytest.mark.parametrize("name", KINDS)
def test_files_of_a_link_name_no_item_no_prompt_and_no_page_of_the_team(
    name: str, targets: dict[str, Any], eddie: User, client: Client
) -> None:
    target = targets[name]
    _, token = create_link(user=eddie, **{name: target})
    prompt = targets["evaluation"].version.outcome_batches.get()
    assert prompt is not None
    for form in ("json", "csv", "tex", "svg"):
        text = client.get(f"/s/{token}.{form}").content.decode()
        for hidden in (str(target.pk), board_slug(target), '"i4', "i41", MARK, "texts", "regrets"):
            assert not hidden or hidden not in text, f"{hidden} in {form}"


def board_slug(target: Any) -> str:
    return str(target.slug) if isinstance(target, Board) else ""


@pytest.mark.parametrize("name", KINDS)
def test_files_of_an_ended_link_are_gone(
    name: str, targets: dict[str, Any], eddie: User, client: Client
) -> None:
    link, token = create_link(user=eddie, **{name: targets[name]})
    link.delete()
    for form in FORMS:
        answer = client.get(f"/s/{token}.{form}")
        assert answer.status_code == 404
        assert answer["Referrer-Policy"] == "same-origin"


def test_a_boards_files_hold_the_rows_columns_and_order_of_its_address(
    board: Board, vic: User, client_of: ClientOf
) -> None:
    client, asked = client_of(vic), "?sort=price&q=a&col=price&col=correct"
    text = client.get(f"/boards/{board.slug}.csv{asked}").content.decode()
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["model", "correct", "answered", "price", "on_frontier"]
    assert [row[0] for row in rows[1:]] == ["bea", "ada"]
    told = client.get(f"/boards/{board.slug}.json{asked}").json()
    assert [row["model"] for row in told["ranking"]["rows"]] == ["bea", "ada"]
    tex = client.get(f"/boards/{board.slug}.tex{asked}").content.decode()
    assert "cyd &" not in tex
    assert tex.index("bea &") < tex.index("ada &")
    full = client.get(f"/boards/{board.slug}.svg").content.decode()
    part = client.get(f"/boards/{board.slug}.svg?q=bea").content.decode()
    assert "ada" in full
    assert "ada" not in part
    for form in ("svg", "png"):
        nothing = client.get(f"/boards/{board.slug}.{form}?q=nothing")
        assert nothing.status_code == 404
        assert nothing["Content-Type"] == "application/problem+json"
        assert "No model shown has a known price" in nothing.json()["detail"]
    html = client.get(f"/boards/{board.slug}/{asked}").content.decode()
    assert f"/boards/{board.slug}.tex?sort=price&amp;q=a&amp;col=" in html


def test_a_filter_by_htmx_brings_the_links_along(
    board: Board, vic: User, client_of: ClientOf
) -> None:
    fragment = client_of(vic).get(
        f"/boards/{board.slug}/?q=be", headers={"HX-Request": "true", "HX-Target": "board-table"}
    )
    text = fragment.content.decode()
    assert re.search(r'id="twins"\s+class="note"\s+hx-swap-oob="true"', text)
    assert f"/boards/{board.slug}.csv?q=be" in text


def test_a_boards_table_in_latex_has_its_intervals(
    board: Board, vic: User, client_of: ClientOf
) -> None:
    tex = client_of(vic).get(f"/boards/{board.slug}.tex").content.decode()
    assert r"\toprule" in tex
    assert r"Accuracy & Interval" in tex
    assert r"\textendash{}" in tex
    assert r"40 of 60 items of Pets{,} version 1{,} are labelled" in tex


def test_a_dial_in_the_address_is_in_the_files(
    targets: dict[str, Any], vic: User, client_of: ClientOf
) -> None:
    client, page = client_of(vic), f"/evaluations/{targets['evaluation'].pk}"
    low, high = (client.get(f"{page}.json?dial={step}").json()["dial"] for step in (0, 40))
    assert low["budget"] != high["budget"]
    assert "dial" not in client.get(f"{page}.json").json()
    assert r"\caption" in client.get(f"{page}.tex?dial=10").content.decode()


def test_names_are_harmless_in_every_file(
    bring: Callable[..., Any],
    eddie: User,
    vic: User,
    client_of: ClientOf,
    run_jobs: Callable[[], list[Job]],
) -> None:
    hostile = ["=cmd()|'/C calc'!A0", "<script>alert(1)</script>", r"\input{x} & 50%"]
    made = bring(predictions(dict.fromkeys(hostile, 3)), dataset_name="Pets & <b>co</b> \\x")
    labels = "\n".join(["item_id,label", *(f"i{item},{truth(item)}" for item in range(30))])
    bring(labels, "labels", version=made)
    for model in CandidateModel.objects.all():
        day = date(2026, 1, 1)
        set_price(user=eddie, model=model, valid_from=day, per_call=Decimal("0.01"))
    run_jobs()
    client, page = client_of(vic), f"/boards/{Board.objects.get(version=made).slug}"
    rows = list(csv.reader(io.StringIO(client.get(f"{page}.csv").content.decode())))
    assert {row[0] for row in rows[1:]} == {f"'{hostile[0]}", *hostile[1:]}
    tex = client.get(f"{page}.tex").content.decode()
    assert r"\input" not in tex
    assert r"\textbackslash{}input\{x\} \& 50\%" in tex
    assert client.get(f"{page}.json")["Content-Type"] == "application/json"
    drawing = ElementTree.fromstring(client.get(f"{page}.svg").content)  # noqa: S314 - ours
    assert hostile[1] in "".join(drawing.itertext())
    assert not [one for one in drawing.iter() if one.tag.endswith("script")]
