"""A link to one replay shows its numbers and curves as they are, and reaches nothing else."""

import re

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from apps.selection.history.models import Replay
from apps.sharing.services import create_link
from apps.teams.models import User
from tests.selection.conftest import truth, version
from tests.selection.replays import finished_replay

__all__ = ["truth", "version"]


@pytest.fixture
def replay(eddie: User, version: object) -> Replay:
    return finished_replay(eddie, version)  # type: ignore[arg-type]


def test_whoever_has_the_link_reads_the_replay(client: Client, replay: Replay, eddie: User) -> None:
    _, token = create_link(user=eddie, replay=replay)
    html = client.get(f"/s/{token}/").content.decode()
    assert "<code>auto</code>" in html
    inside = re.findall(r'(?:href|src|srcset|action|hx-get|data-chart)="(/[^"]*)"', html)
    allowed = (f"/s/{token}/", f"/s/{token}.", "/static/", "/theme/", "/help/numbers/")
    assert [url for url in inside if not url.startswith(allowed)] == []
    assert str(replay.pk) not in html
    assert replay.version.dataset.slug not in html


def test_its_curves_are_drawn(client: Client, replay: Replay, eddie: User) -> None:
    _, token = create_link(user=eddie, replay=replay)
    best, regret = (
        client.get(f"/s/{token}.svg?show={show}&theme=dark") for show in ("best", "regret")
    )
    assert best["Content-Type"] == regret["Content-Type"] == "image/svg+xml"
    assert best["Referrer-Policy"] == "same-origin"
    assert best.content != regret.content


def test_it_can_only_be_shared_as_it_is(replay: Replay, eddie: User) -> None:
    with pytest.raises(ValidationError, match="A replay never changes"):
        create_link(user=eddie, replay=replay, frozen=False)
    replay.blob = ""
    with pytest.raises(ValidationError, match="no numbers yet"):
        create_link(user=eddie, replay=replay)


def test_a_link_of_a_deleted_replay_is_not_found(
    client: Client, replay: Replay, eddie: User
) -> None:
    _, token = create_link(user=eddie, replay=replay)
    replay.delete()
    assert client.get(f"/s/{token}/").status_code == 404
