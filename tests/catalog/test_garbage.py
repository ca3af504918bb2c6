"""Stored files live as long as a row names them."""

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.catalog.garbage import collect_garbage
from apps.catalog.models import DatasetVersion, LabelBatch, Upload
from apps.catalog.services import receive_upload
from apps.core import files
from apps.teams.models import Team, User
from tests.catalog.conftest import LABELS, PREDICTIONS, Bring, text_file

pytestmark = pytest.mark.django_db
LATER = timedelta(hours=2)


def _exists(digest: str) -> bool:
    try:
        files.open_blob(digest).close()
    except FileNotFoundError:
        return False
    return True


def test_files_that_no_row_names_go_after_an_hour(db: None) -> None:
    digest = files.put(io.BytesIO(b"half-made"))
    assert collect_garbage() == 0
    assert collect_garbage(now=timezone.now() + LATER) == 1
    assert not _exists(digest)


def test_files_that_rows_name_stay(version: DatasetVersion, bring: Bring) -> None:
    bring(LABELS, "labels", version=version)
    collect_garbage(now=timezone.now() + LATER)
    assert _exists(version.items_blob)
    assert _exists(LabelBatch.objects.get().blob)
    assert _exists(version.prediction_batches.get().blob)


def test_a_file_put_again_is_young_again(db: None) -> None:
    digest = files.put(io.BytesIO(b"twice"))
    between = timezone.now()
    files.put(io.BytesIO(b"twice"))
    assert digest not in set(files.older_than(between))


def test_drafts_of_killed_writers_go_too(version: DatasetVersion, settings: object) -> None:
    folder = settings.DATA_DIR / "files" / "blobs" / version.items_blob[:2]  # type: ignore[attr-defined]
    draft = folder / ".part-abc"
    draft.write_bytes(b"half")
    collect_garbage(now=timezone.now() + LATER)
    assert not draft.exists()


def test_uploads_that_nobody_finishes_go_after_a_week(team: Team, eddie: User) -> None:
    upload = receive_upload(
        user=eddie,
        team=team,
        file=text_file(PREDICTIONS),
        filename="p.csv",
        purpose="predictions",
    )
    collect_garbage(now=timezone.now() + timedelta(days=6))
    assert Upload.objects.exists()
    assert _exists(upload.blob)
    assert collect_garbage(now=timezone.now() + timedelta(days=8)) == 1
    assert not Upload.objects.exists()


def test_the_command_says_how_many_files_went(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("gc")
    assert capsys.readouterr().out == "0 files deleted.\n"
