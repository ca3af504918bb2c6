"""A store that is away, breaks off, refuses or is full: a clear reason, another try, nothing half written."""

import hashlib
import io
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import boto3
import pytest
from botocore.config import Config
from django.core.files.storage import default_storage, storages

from apps.core import backup, files
from apps.jobs.chaos.servers import Server, storage_servers
from apps.jobs.context import JobContext
from apps.jobs.models import Outcome, State
from apps.teams.models import Team
from tests.jobs.helpers import enqueue, handling

BUCKET = "assay-faults"


def use_bucket(settings: Any, port: int) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": BUCKET,
                "endpoint_url": f"http://127.0.0.1:{port}",
                "region_name": "us-east-1",
                "access_key": "key",
                "secret_key": "secret",
                "file_overwrite": True,
                "client_config": Config(
                    s3={"addressing_style": "path"},
                    connect_timeout=1,
                    read_timeout=1,
                    retries={"mode": "standard", "max_attempts": 2},
                ),
            },
        }
    }
    storages._storages.clear()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    made = storage_servers(tmp_path_factory.mktemp("store"))
    assert made is not None
    for server in made:
        server.start()
        server.wait()
    boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{made[0].port}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    ).create_bucket(Bucket=BUCKET)
    yield made
    for server in made:
        server.kill()


@pytest.fixture
def way(servers: tuple[Server, Server], settings: Any) -> Server:
    """The way to a store, which can be cut."""
    _, way = servers
    if not way.answers():
        way.start()
        way.wait()
    use_bucket(settings, way.port)
    return way


def test_a_job_that_cannot_reach_the_store_says_so_and_is_tried_again(
    team: Team, way: Server, settings: Any, run_jobs: Callable[[], list[Any]]
) -> None:
    settings.JOB_RETRY_SECONDS = 0

    def work(ctx: JobContext) -> None:
        if ctx.job.attempts == 1:
            way.kill()
        elif not way.answers():
            way.start()
            way.wait()
        digest = files.put(io.BytesIO(b"what the job found"))
        with ctx.finishing({"file": digest}):
            pass

    with handling(work):
        enqueue(team, "test.kind")
        first, last = run_jobs()
    assert (first.state, last.state) == (State.QUEUED, State.SUCCEEDED)
    attempt = last.log.get(number=1)
    assert attempt.outcome == Outcome.FAILED
    assert attempt.reason.startswith("The file store does not do its work: Could not connect")
    with files.open_blob(last.result["file"]) as stream:
        assert stream.read() == b"what the job found"


def test_an_upload_that_breaks_off_leaves_nothing_under_its_name(way: Server) -> None:
    content = os.urandom(48 << 20)
    Timer(0.3, way.kill).start()
    with pytest.raises(files.StoreUnavailable):
        files.put(io.BytesIO(content))
    way.kill()
    way.start()
    way.wait()
    digest = hashlib.sha256(content).hexdigest()
    with pytest.raises(FileNotFoundError):
        files.open_blob(digest)
    assert files.put(io.BytesIO(content)) == digest
    with files.local_path(digest) as path:
        assert path.read_bytes() == content


def test_a_backup_goes_out_of_a_bucket_and_back_into_it(
    transactional_db: None, way: Server, tmp_path: Path
) -> None:
    digest = files.put(io.BytesIO(b"kept in a bucket"))
    with (tmp_path / "all.tar").open("wb") as target:
        assert backup.write_backup(target)["files"] >= 1
    files.delete(digest)
    backup.read_backup(tmp_path / "all.tar")
    with files.open_blob(digest) as stream:
        assert stream.read() == b"kept in a bucket"


class _Refusing(BaseHTTPRequestHandler):
    def _refuse(self) -> None:
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_GET = do_HEAD = do_POST = _refuse

    def log_message(self, *_: object) -> None:
        return


def test_a_store_that_refuses_is_named_in_words(settings: Any) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    Thread(target=server.serve_forever, daemon=True).start()
    use_bucket(settings, server.server_port)
    try:
        with pytest.raises(files.StoreUnavailable, match=r"does not do its work: .*503"):
            files.put(io.BytesIO(b"nothing"))
        with pytest.raises(files.StoreUnavailable, match="does not do its work"):
            files.open_blob("0" * 64)
    finally:
        server.shutdown()
        server.server_close()


def test_a_file_that_the_kernel_refuses_is_not_kept_in_part() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(files.StoreUnavailable, match="The file store is full"):
            files.put(io.BytesIO(bytes(2 << 20)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not Path(default_storage.path("blobs")).exists()


def test_a_disk_that_is_full_keeps_what_it_has_and_takes_no_halves(tmp_path: Path) -> None:
    place = Path(default_storage.path(""))
    place.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        digest = files.put(io.BytesIO(b"small"))
        with pytest.raises(files.StoreUnavailable, match="No space left"):
            files.put(io.BytesIO(os.urandom(3 << 20)))
        kept = [path.name for path in place.rglob("*") if path.is_file()]
        assert kept == [digest]
    finally:
        subprocess.run(["umount", str(place)], check=True)
