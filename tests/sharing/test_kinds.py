"""Links to boards from before other things could be shared show the same afterwards."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from apps.leaderboards.models import Board
from apps.sharing.kinds import KINDS
from apps.sharing.models import ShareLink
from apps.sharing.services import create_link
from apps.teams.models import User

BEFORE = [("sharing", "0002_initial")]
SINCE = [("sharing", "0003_more_than_boards")]


def migrated(to: list[tuple[str, str]]) -> Any:
    """Bring the room's tables there; its model of that time."""
    executor = MigrationExecutor(connection)
    executor.migrate(to)
    return executor.loader.project_state(to).apps.get_model("sharing", "ShareLink")


@pytest.fixture
def back() -> Iterator[None]:
    """The newest tables again, whatever the test left."""
    yield
    executor = MigrationExecutor(connection)
    executor.migrate([node for node in executor.loader.graph.leaf_nodes() if node[0] == "sharing"])


@pytest.mark.django_db(transaction=True)
def test_links_from_before_show_the_same_snapshot(board: Board, eddie: User, back: None) -> None:
    frozen, _ = create_link(user=eddie, board=board)
    live, _ = create_link(user=eddie, board=board, frozen=False)
    assert board.current is not None
    old = migrated(BEFORE)
    kept = dict(old.objects.values_list("pk", "snapshot_id"))
    assert kept == {frozen.pk: board.current.pk, live.pk: None}
    new = migrated(SINCE)
    blobs = dict(new.objects.values_list("pk", "blob"))
    assert blobs == {frozen.pk: board.current.blob, live.pk: ""}
    assert set(new.objects.values_list("board_id", flat=True)) == {board.pk}


def test_every_kind_has_its_foreign_key() -> None:
    assert set(ShareLink.SHOWS) == KINDS.keys()
    assert all(ShareLink._meta.get_field(name).many_to_one for name in KINDS)


def test_a_link_shows_one_thing(board: Board) -> None:
    link = ShareLink(team=board.team, token_hash="x", expires_at=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        link.save()
    link.board = board
    link.save()
    assert link.target == board
