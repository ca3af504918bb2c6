"""Every page with numbers leads to how they were computed, and what it leads to is there."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.explanations import Explanation, chapter, chapters, register

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
SAID = "\n".join(path.read_text() for path in TEMPLATES.rglob("*.html"))


def test_each_link_leads_to_a_chapter_and_each_chapter_is_linked() -> None:
    linked = set(re.findall(r'how="([\w-]+)"', SAID))
    linked |= set(re.findall(r"help_numbers_of' \"([\w-]+)\"", SAID))
    assert linked == {one.slug for one in chapters()}


def test_no_page_explains_words_without_saying_how_numbers_are_computed() -> None:
    bare = re.findall(r'include "components/term.html"(?![^%]*how=)[^%]*%}', SAID)
    assert not bare


def test_they_are_read_without_an_account(db: None, client: Client) -> None:
    index = client.get(reverse("help_numbers")).content.decode()
    for one in chapters():
        address = reverse("help_numbers_of", args=[one.slug])
        assert address in index
        page = client.get(address).content.decode()
        for explanation in one.explanations:
            assert f'id="{explanation.anchor}"' in page
    assert client.get("/help/numbers/alchemy/").status_code == 404


def test_nothing_is_explained_twice() -> None:
    twice = [Explanation("Rank", "A range."), Explanation("rank", "A number.")]
    with pytest.raises(ValueError, match="twice"):
        register("made-up", "Made up", "", twice, order=99)
    assert chapter("made-up") is None


def test_an_explanation_is_whole_sentences() -> None:
    for one in chapters():
        for explanation in one.explanations:
            assert explanation.how.endswith((".", "?")), explanation.name
