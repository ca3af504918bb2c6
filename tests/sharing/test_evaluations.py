"""A link to one evaluation shows its verdict and its curves, no prompt, and reaches nothing else."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from apps.core.templatetags.assay import prose
from apps.routing.models import Evaluation
from apps.sharing.services import create_link
from apps.teams.models import Team, User
from tests.routing.furniture import evaluation_of, measured, version_with_outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def evaluation(team: Team, eddie: User) -> Evaluation:
    return evaluation_of(version_with_outcomes(team, eddie), eddie)


def test_whoever_has_the_link_reads_the_verdict_but_no_prompt(
    client: Client, evaluation: Evaluation, eddie: User
) -> None:
    _, token = create_link(user=eddie, evaluation=evaluation)
    html = client.get(f"/s/{token}/").content.decode()
    assert prose(measured()["verdict"]) in html
    assert "`" not in html, "names are marked up on the page and plain in its picture's text"
    assert "zero router" in html
    assert "<dt>AIQ</dt>" in html, "a stranger finds the words explained too"
    assert str(evaluation.pk) not in html
    assert not any(text in html for text in measured()["texts"].values())


def test_its_curves_are_drawn_and_its_dial_turns(
    client: Client, evaluation: Evaluation, eddie: User
) -> None:
    _, token = create_link(user=eddie, evaluation=evaluation)
    assert client.get(f"/s/{token}.svg").content.startswith(b"<svg")
    htmx = {"HX-Request": "true", "HX-Target": "dial"}
    part = client.get(f"/s/{token}/?dial=3", headers=htmx).content.decode()
    assert part.lstrip().startswith('<div id="dial"')
    assert 'value="3"' in part


def test_without_numbers_there_is_nothing_to_share(evaluation: Evaluation, eddie: User) -> None:
    evaluation.current = None
    with pytest.raises(ValidationError, match="no numbers"):
        create_link(user=eddie, evaluation=evaluation)
