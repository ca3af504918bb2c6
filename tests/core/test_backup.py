"""Everything goes into one file and comes back the same into an empty installation."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core import serializers
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from apps.core import backup
from apps.jobs.models import Job
from apps.leaderboards.models import Board
from apps.leaderboards.queries import result_of
from apps.teams.models import Team, User
from apps.teams.services import create_team
from tests.routes import build_world

pytestmark = pytest.mark.django_db(transaction=True)


def all_rows() -> dict[str, str]:
    return {
        model._meta.label: serializers.serialize("jsonl", model._default_manager.order_by("pk"))
        for model in backup._models()
    }


def empty_everything() -> None:
    call_command("flush", interactive=False, verbosity=0)
    for folder in default_storage.listdir("blobs")[0]:
        for name in default_storage.listdir(f"blobs/{folder}")[1]:
            default_storage.delete(f"blobs/{folder}/{name}")


@pytest.fixture
def world(team: Team, alice: User, run_jobs: Callable[[], list[Job]]) -> None:
    build_world(team, alice, run_jobs)


@pytest.fixture
def saved(world: None, tmp_path: Path) -> Path:
    call_command("backup", str(tmp_path / "all.tar"), verbosity=0)
    return tmp_path / "all.tar"


def altered(path: Path, change: Callable[[tarfile.TarInfo, bytes], bytes]) -> Path:
    """The archive with the content of its members changed."""
    made = path.with_name("altered.tar")
    with tarfile.open(path) as source, tarfile.open(made, "w") as target:
        for member in source:
            stream = source.extractfile(member)
            assert stream is not None
            content = change(member, stream.read())
            member.size = len(content)
            target.addfile(member, io.BytesIO(content))
    return made


def test_a_restored_installation_shows_the_same_boards(saved: Path) -> None:
    moments = list(Job.objects.order_by("pk").values_list("pk", "created_at"))
    before, boards = all_rows(), {board.pk: board for board in Board.objects.all()}
    results = {pk: result_of(board.current) for pk, board in boards.items() if board.current}
    assert results
    empty_everything()
    call_command("restore", str(saved), verbosity=0)
    assert all_rows() == before
    assert list(Job.objects.order_by("pk").values_list("pk", "created_at")) == moments
    for pk, result in results.items():
        current = Board.objects.get(pk=pk).current
        assert current is not None
        assert result_of(current) == result
    # Rows that come after do not collide with those that came back.
    newcomer = User.objects.create_user("newcomer@example.org")
    create_team(user=newcomer, name="Another")


def test_only_an_empty_installation_takes_a_backup(saved: Path) -> None:
    before = all_rows()
    with pytest.raises(CommandError, match="This installation is not empty: it has"):
        call_command("restore", str(saved), verbosity=0)
    assert all_rows() == before


def test_a_backup_that_was_cut_or_altered_brings_nothing(saved: Path) -> None:
    cut = saved.with_name("cut.tar")
    cut.write_bytes(saved.read_bytes()[: -saved.stat().st_size // 3])
    other_file = altered(
        saved, lambda member, old: old + b"x" if member.name.startswith("files/") else old
    )
    empty_everything()
    for path, why in (
        (cut, "cut"),
        (other_file, "altered"),
        (Path("missing.tar"), "cannot be read"),
    ):
        with pytest.raises(CommandError, match=why):
            call_command("restore", str(path), verbosity=0)
    bad_rows = altered(saved, lambda member, old: old[:-20] if "Snapshot" in member.name else old)
    with pytest.raises(CommandError, match=r"rows of leaderboards\.Snapshot"):
        call_command("restore", str(bad_rows), verbosity=0)
    assert not User.objects.exists()


def test_a_backup_of_another_version_is_named_as_such(saved: Path) -> None:
    older = altered(saved, lambda member, old: old.replace(b'"jobs": "0', b'"jobs": "9') or old)
    empty_everything()
    with pytest.raises(CommandError, match="made with another version: jobs is at 9"):
        call_command("restore", str(older), verbosity=0)


def test_a_backup_is_never_written_over_another(saved: Path) -> None:
    content = saved.read_bytes()
    with pytest.raises(CommandError, match="never written over another"):
        call_command("backup", str(saved), verbosity=0)
    assert saved.read_bytes() == content
    assert not list(saved.parent.glob(".*"))
