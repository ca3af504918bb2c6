"""A session from end to end over the API, and its refusals."""

from collections.abc import Callable

from rest_framework.test import APIClient

from apps.catalog import queries as catalog
from apps.catalog.models import DatasetVersion
from apps.selection.models import SelectionSession
from apps.teams.models import Role, User

Begin = Callable[..., SelectionSession]
ApiOf = Callable[..., APIClient]
ROOT = "/api/v1/selections/"


def test_a_script_labels_a_session_and_closes_it(
    version: DatasetVersion, alice: User, api_of: ApiOf
) -> None:
    api = api_of(alice)
    made = api.post(ROOT, {"dataset": version.dataset.slug, "audit_share": 0, "budget": 5})
    assert made.status_code == 201, made.json()
    place = f"{ROOT}{made.json()['id']}/"
    items = []
    while (held := api.post(f"{place}next/").json())["item"]:
        items.append(held["item"]["id"])
        assert held["classes"] == ["bird", "cat", "dog"]
        answer = {"item": items[-1], "label": "dog", "note": "by script"}
        event = api.post(f"{place}labels/", answer)
        assert event.status_code == 201
        assert event.json()["probability"] == held["probability"]
    assert held["reason"] == "The budget of 5 labels is used up."
    standing = api.get(f"{place}standing/").json()
    assert standing["labels_of_this_session"] == 5
    assert not standing["certificate"]["holds"]
    assert len(standing["board"]) == 4
    assert api.post(f"{place}undo/").json()["undoes"] == 5
    assert api.post(f"{place}state/", {"do": "close"}).json()["state"] == "closed"
    assert set(catalog.stored_labels(version)[0]) == set(items[:4])
    assert [one["kind"] for one in api.get(f"{place}events/").json()] == ["label"] * 5 + ["undo"]
    assert api.delete(place).status_code == 204


def test_refusals_are_sentences(begin: Begin, alice: User, api_of: ApiOf) -> None:
    session, api = begin(), api_of(alice)
    place = f"{ROOT}{session.pk}/"
    for path, sent, words in [
        (f"{place}labels/", {"item": "p1", "label": "fish"}, "not one of the classes"),
        (f"{place}labels/", {"item": "q", "label": "dog"}, "There is no item `q`"),
        (f"{place}labels/", {"item": "p1"}, "Item `p1`: name its class, one of bird, cat, dog."),
        (f"{place}undo/", {}, "nothing of yours"),
        (f"{place}state/", {"do": "explode"}, "not a valid choice"),
        (ROOT, {"dataset": "none"}, "no such dataset version"),
        (ROOT, {"dataset": session.version.dataset.slug, "budget": -1}, "below 1 label buys none"),
    ]:
        response = api.post(path, sent)
        assert response.status_code == 400, path
        assert words in response.content.decode()
    assert not session.events.exists()
    assert api.post(f"{place}labels/", {"item": "p1", "label": "dog"}).status_code == 201
    twice = api.post(f"{place}labels/", {"item": "p1", "label": "cat"})
    assert "has the label `dog` already; nothing was changed" in twice.content.decode()
    api.post(f"{place}state/", {"do": "close"})
    late = api.post(f"{place}labels/", {"item": "p2", "label": "dog"})
    assert "takes nothing until an editor reopens it" in late.content.decode()
    assert session.events.count() == 1


def test_an_annotators_token_labels_and_no_more(begin: Begin, alice: User, api_of: ApiOf) -> None:
    session = begin()
    api = api_of(alice, scope=Role.ANNOTATOR)
    place = f"{ROOT}{session.pk}/"
    assert api.post(f"{place}next/").status_code == 200
    assert api.post(f"{place}labels/", {"item": "p1", "label": "dog"}).status_code == 201
    assert api.post(f"{place}state/", {"do": "close"}).status_code == 403
    assert api.post(ROOT, {"dataset": session.version.dataset.slug}).status_code == 403
