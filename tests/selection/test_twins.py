"""The page of a selection as files, the ranks on it, and what the labelling page keeps up to date."""

import csv
import io
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from apps.selection.models import SelectionSession
from apps.selection.pages import ranks_text, session_page
from apps.selection.services import Answer, record
from apps.selection.standing import standing_of
from apps.teams.models import User
from tests.selection.conftest import CLASSES

Begin = Callable[..., SelectionSession]
ClientOf = Callable[[User], Client]


@pytest.fixture
def session(begin: Begin, anna: User, truth: list[int]) -> SelectionSession:
    made = begin()
    for item in range(12):
        record(user=anna, session=made, answer=Answer(item, "label", CLASSES[truth[item]]))
    return made


def test_the_files_say_what_the_page_says(
    session: SelectionSession, vic: User, client_of: ClientOf, api_of: Callable[..., APIClient]
) -> None:
    client = client_of(vic)
    page = session_page(session)
    told = client.get(reverse("selection_json", args=[session.pk])).json()
    assert told["leader"] == page.meter.leader
    assert [row["model"] for row in told["board"]] == [row.model for row in page.rows]
    assert told["verdict"].startswith(f"`{page.meter.leader}`")
    text = client.get(reverse("selection_csv", args=[session.pk])).content.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["rank_low"] for row in rows] == [str(row.rank_low) for row in page.rows]
    standing = api_of(vic).get(f"/api/v1/selections/{session.pk}/standing/").json()
    assert standing["board"][0]["rank_high"] == page.rows[0].rank_high
    html = client.get(reverse("selection_detail", args=[session.pk])).content.decode()
    for name in ("selection_json", "selection_csv", "selection_svg"):
        assert reverse(name, args=[session.pk]) in html


def test_without_enough_draws_the_files_say_that_their_scores_are_bounds(begin: Begin) -> None:
    assert standing_of(begin())["estimated"].startswith("The bounds hold whatever")


def test_the_lead_is_a_picture_that_stands_alone(
    begin: Begin, session: SelectionSession, vic: User, client_of: ClientOf
) -> None:
    client = client_of(vic)
    light, dark = (
        client.get(reverse("selection_svg", args=[session.pk]) + f"?theme={theme}").content
        for theme in ("light", "dark")
    )
    assert light.startswith(b"<svg")
    assert b'xmlns="http://www.w3.org/2000/svg"' in light
    assert light != dark
    early = client.get(reverse("selection_svg", args=[begin().pk]))
    assert early.status_code == 404
    assert "from the first label on" in early.json()["detail"]


def test_ranks_narrow_to_what_is_so_once_all_is_labelled(
    begin: Begin, alice: User, truth: list[int]
) -> None:
    session = begin()
    assert {(row.rank_low, row.rank_high) for row in session_page(session).rows} == {(1, 4)}
    for item in range(40):
        record(user=alice, session=session, answer=Answer(item, "label", CLASSES[truth[item]]))
    rows = session_page(session).rows
    assert [(row.model, row.rank_low, row.rank_high) for row in rows] == [
        (f"m{place}", place + 1, place + 1) for place in range(4)
    ]
    assert [row.may_be_best for row in rows] == [True, False, False, False]


@pytest.mark.parametrize(
    ("low", "high", "text"), [(1, 4, "1–4"), (2, 2, "2"), (1, 1200, "1–1,200")]
)
def test_ranks_are_told_as_a_range(low: int, high: int, text: str) -> None:
    assert ranks_text(low, high) == text


def test_what_stands_beside_the_labels_is_a_part_alone(
    session: SelectionSession, anna: User, client_of: ClientOf
) -> None:
    client = client_of(anna)
    label = client.get(reverse("selection_label", args=[session.pk])).content.decode()
    address = reverse("selection_standing", args=[session.pk])
    assert f'hx-get="{address}"' in label
    assert "may still be the best" not in label
    text = client.get(address).content.decode()
    assert text.lstrip().startswith('<div id="live"')
    assert "of 4 models may still be the best" in text
    assert 'id="task-meter" hx-swap-oob="true"' in text


def test_files_of_a_selection_without_predictions_are_not_found(
    session: SelectionSession, vic: User, client_of: ClientOf
) -> None:
    session.version.prediction_batches.all().delete()
    for name in ("selection_json", "selection_csv", "selection_svg", "selection_standing"):
        assert client_of(vic).get(reverse(name, args=[session.pk])).status_code == 404
