"""Files by content hash, in a folder and in an S3-compatible store that answers over HTTP."""

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.files.storage import storages
from django.utils import timezone
from moto.server import ThreadedMotoServer

from apps.core import files

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "assay"

WHOLE_ROUTE = """
import io, json
import django
django.setup()
from django.core.management import call_command
from apps.catalog.services import confirm_mapping, receive_upload
from apps.jobs.runner import run_next
from apps.leaderboards.models import Board
from apps.leaderboards.queries import result_of
from apps.teams.models import User
from apps.teams.services import create_team

call_command("migrate", verbosity=0)
user = User.objects.create_user("eddie@example.org")
team = create_team(user=user, name="Team")
user.forget_roles()
version = None
for purpose, text in (
    ("predictions", "item_id,good,bad\\na,x,y\\nb,y,x\\nc,x,y\\n"),
    ("labels", "item_id,label\\na,x\\nb,y\\n"),
):
    upload = receive_upload(
        user=user, team=team, file=io.BytesIO(text.encode()), filename="f.csv", purpose=purpose,
        version=version,
    )
    confirm_mapping(user=user, upload=upload)
    while run_next():
        pass
    upload.refresh_from_db()
    version = upload.version
print(json.dumps(result_of(Board.objects.get().current)["ranking"]["chosen"]))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an S3 server on loopback with one bucket."""
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    address = f"http://{host}:{port}"
    boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    ).create_bucket(Bucket=BUCKET)
    yield address
    moto.stop()


@pytest.fixture(params=["a folder", "a bucket"])
def store(request: pytest.FixtureRequest, settings: Any) -> None:
    if request.param == "a bucket":
        settings.STORAGES = settings.STORAGES | {
            "default": {
                "BACKEND": "storages.backends.s3.S3Storage",
                "OPTIONS": {
                    "bucket_name": BUCKET,
                    "endpoint_url": request.getfixturevalue("server"),
                    "region_name": "us-east-1",
                    "access_key": "key",
                    "secret_key": "secret",
                    "addressing_style": "path",
                    "file_overwrite": True,
                },
            }
        }
        storages._storages.clear()  # type: ignore[attr-defined]


@pytest.mark.usefixtures("store")
def test_a_file_is_kept_by_its_hash_and_read_back_whole() -> None:
    content = os.urandom(3_000_000)
    digest = files.put(io.BytesIO(content))
    assert digest == hashlib.sha256(content).hexdigest()
    with files.open_blob(digest) as stream:
        assert stream.read() == content
    with files.local_path(digest) as path:
        assert path.read_bytes() == content


@pytest.mark.usefixtures("store")
def test_the_same_content_is_one_file_and_a_fresh_one_is_not_old() -> None:
    before = timezone.now() - timedelta(minutes=1)
    assert files.put(io.BytesIO(b"twice")) == files.put(io.BytesIO(b"twice"))
    digest = hashlib.sha256(b"twice").hexdigest()
    assert digest not in list(files.older_than(before))
    assert list(files.older_than(timezone.now() + timedelta(minutes=1))).count(digest) == 1


@pytest.mark.usefixtures("store")
def test_a_file_that_was_deleted_is_gone_and_deleting_it_again_is_no_fault() -> None:
    digest = files.put(io.BytesIO(b"to be forgotten"))
    files.delete(digest)
    files.delete(digest)
    with pytest.raises(FileNotFoundError, match="No stored file has the hash"):
        files.open_blob(digest)


def test_environment_variables_alone_put_every_file_into_a_bucket(
    server: str, tmp_path: Path
) -> None:
    decided = ("DATABASE_URL", "BROKER_URL", "JOB_QUEUE_PREFIX")
    env = {key: value for key, value in os.environ.items() if key not in decided} | {
        "ASSAY_DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "S3_BUCKET": BUCKET,
        "S3_ENDPOINT_URL": server,
        "S3_REGION": "us-east-1",
        "S3_ACCESS_KEY": "key",
        "S3_SECRET_KEY": "secret",
        "S3_ADDRESSING_STYLE": "path",
    }
    done = subprocess.run(
        [sys.executable, "-c", WHOLE_ROUTE], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == "good"
    assert not list((tmp_path / "files").rglob("*")), "nothing lies on this machine"
