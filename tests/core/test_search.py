"""Search over everything, the actions beside it, and the sheet of keys."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import CandidateModel, Dataset
from apps.core.context import NAVIGATION
from apps.core.search import ALONE, FIRST, Words, find
from apps.teams.models import Team, User

ClientOf = Callable[[User], Client]


def models(team: Team, *names: str) -> None:
    CandidateModel.objects.bulk_create(
        CandidateModel(team=team, name=name, slug=name.lower().replace(" ", "-")) for name in names
    )


def names(user: User, text: str, kind: str = "") -> dict[str, list[str]]:
    groups = find(user, Words.of(text), kind)
    return {group.title: [hit.name for hit in group.hits] for group in groups}


def test_it_finds_things_of_every_kind_by_a_part_of_their_names(team: Team, alice: User) -> None:
    models(team, "quartz-7b", "granite-8b")
    Dataset.objects.create(team=team, name="Smoky quartz", slug="smoky")
    assert names(alice, "QUARTZ") == {"Datasets": ["Smoky quartz"], "Models": ["quartz-7b"]}


def test_every_word_has_to_fit_and_better_fits_come_first(team: Team, alice: User) -> None:
    models(team, "small granite", "granite large", "granite", "basalt")
    assert names(alice, "granite") == {"Models": ["granite", "granite large", "small granite"]}
    assert names(alice, "large granite") == {"Models": ["granite large"]}
    assert names(alice, "granite missing") == {}


def test_a_stranger_finds_nothing_of_the_team(team: Team, alice: User, charlie: User) -> None:
    models(team, "quartz")
    assert names(alice, "quartz")
    assert names(charlie, "quartz") == {}
    assert names(charlie, "alice") == {}


def test_many_hits_of_a_kind_are_shown_alone(team: Team, alice: User, client_of: ClientOf) -> None:
    models(team, *(f"quartz {number:03d}" for number in range(ALONE + 5)))
    assert len(names(alice, "quartz")["Models"]) == FIRST
    assert len(names(alice, "quartz", "models")["Models"]) == ALONE
    page = client_of(alice).get("/search/?q=quartz").content.decode()
    assert "in=models" in page
    alone = client_of(alice).get("/search/?q=quartz&in=models").content.decode()
    assert "There are more than 100" in alone


@pytest.mark.parametrize(
    "words",
    ["", "  ", "\x00", "%", "_", "'\"\\", "<script>alert(1)</script>", "x" * 9000, "\ud800"],
)
def test_unkind_words_find_nothing_and_break_nothing(
    words: str, team: Team, alice: User, client_of: ClientOf
) -> None:
    models(team, "quartz")
    response = client_of(alice).get("/search/", {"q": words.encode("utf-8", "surrogatepass")})
    assert response.status_code == 200
    page = response.content.decode()
    assert "<script>alert" not in page
    assert 'href="/models/quartz/"' not in page


def test_the_page_answers_as_a_page_as_a_list_and_as_the_palette(
    team: Team, alice: User, client_of: ClientOf
) -> None:
    models(team, "quartz")
    client = client_of(alice)
    assert "<html" in client.get("/search/?q=quartz").content.decode()
    part = client.get("/search/?q=quartz", headers={"HX-Request": "true", "HX-Target": "found"})
    assert "<html" not in part.content.decode()
    assert "quartz" in part.content.decode()
    palette = client.get("/search/?palette&q=quartz").content.decode()
    assert palette.count('role="option"') == 1


def test_actions_are_those_of_the_role(alice: User, vic: User, client_of: ClientOf) -> None:
    assert "Upload predictions" in client_of(alice).get("/search/?q=upload").content.decode()
    viewer = client_of(vic).get("/search/?palette").content.decode()
    assert "Your account" in viewer
    assert "Upload predictions" not in viewer
    assert "audit log" not in viewer


def test_searching_takes_as_many_queries_for_many_hits_as_for_one(team: Team, alice: User) -> None:
    models(team, "quartz")
    alice.roles  # noqa: B018
    with CaptureQueriesContext(connection) as one:
        find(alice, Words.of("quartz"))
    models(team, *(f"quartz {number}" for number in range(50)))
    with CaptureQueriesContext(connection) as many:
        find(alice, Words.of("quartz"))
    assert len(one) == len(many)


def test_the_sheet_tells_the_key_of_every_place(alice: User, client_of: ClientOf) -> None:
    keys = [place.key for place in NAVIGATION]
    assert len(set(keys)) == len(keys)
    assert not {"h", "t", "g"} & set(keys)
    for address in ("/help/keys/", "/help/keys/?sheet"):
        page = client_of(alice).get(address).content.decode()
        for place in NAVIGATION:
            assert f"Go to {place.name}" in page
