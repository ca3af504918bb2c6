"""The doctor finds each of the usual mistakes, and nothing where all is well."""

import io
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from apps.core import doctor, health
from apps.jobs.models import Job, Queue, Worker
from apps.teams.models import Team

pytestmark = pytest.mark.django_db


@pytest.fixture
def well(settings: Any, tmp_path: Path) -> None:
    """An embedded installation in which nothing is wrong."""
    settings.EMBEDDED = True
    settings.DEBUG = False
    settings.SITE_URL = "http://127.0.0.1:8000"
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    settings.SECRET_KEY = "k" * 60
    settings.CELERY_BROKER_URL = "filesystem://localhost"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {}
    Worker.objects.create(name="host:1:1", queues=["default"], seen_at=timezone.now())


def asked() -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("doctor", stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_it_finds_nothing_where_all_is_well(well: None) -> None:
    status, said = asked()
    assert status == 0
    assert "Nothing was found." in said
    assert said.count("well ") >= 12


def distributed(settings: Any) -> None:
    settings.EMBEDDED = False
    settings.CELERY_BROKER_URL = "amqp://localhost"


def no_worker(settings: Any) -> None:
    Worker.objects.all().delete()


def gpu_without_worker(settings: Any) -> None:
    team = Team.objects.create(name="Forge", slug="forge")
    Job.objects.create(team=team, kind="jobs.selftest", title="Melt", queue=Queue.GPU)


def low_visibility(settings: Any) -> None:
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 600}


def short_lease(settings: Any) -> None:
    settings.JOB_LEASE_SECONDS, settings.JOB_HEARTBEAT_SECONDS = 6, 5


def readable_key(settings: Any) -> None:
    path = Path(settings.DATA_DIR) / "secret_key"
    path.write_text("x")
    path.chmod(0o644)


def setting(**values: Any) -> Callable[[Any], None]:
    def apply(settings: Any) -> None:
        for name, value in values.items():
            setattr(settings, name, value)

    return apply


MISTAKES = [
    (no_worker, "no worker has been seen", "Start one"),
    (gpu_without_worker, "jobs wait in the queue gpu", "--queues gpu"),
    (low_visibility, "hands a message out again after 600 s", "visibility_timeout"),
    (short_lease, "less than three heartbeats", "Raise it to 30"),
    (readable_key, "others on this machine may read", "chmod 600"),
    (setting(DEBUG=True), "DEBUG is on", "Take DEBUG out"),
    (setting(SECRET_KEY="short"), "fewer than 50 characters", "Set 50 random ones"),
    (setting(SITE_URL="assay.example.org"), "SITE_URL is no address", "https://"),
    (setting(SITE_URL="http://127.0.0.1:8000/assay"), "SITE_URL has a path", "Leave scheme"),
    (setting(SITE_URL="https://x.example.org"), "not among ALLOWED_HOSTS", "Add it there"),
    (
        setting(SITE_URL="http://x.example.org", ALLOWED_HOSTS=["*"]),
        "cross the network in the open",
        "ends TLS",
    ),
]


@pytest.mark.parametrize(("mistake", "what", "remedy"), MISTAKES)
def test_it_finds_each_mistake_and_says_what_to_do(
    mistake: Callable[[Any], None], what: str, remedy: str, well: None, settings: Any
) -> None:
    mistake(settings)
    status, said = asked()
    assert status == 1
    assert what in said
    assert remedy in said


def test_it_finds_what_servers_lack(
    well: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed(settings)
    monkeypatch.setattr(health, "broker", lambda: health.Finding(True))
    settings.STATIC_ROOT = "/nowhere"
    settings.METRICS_TOKEN = ""
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    status, said = asked()
    assert status == 1
    for what in (
        "CACHE_URL is not set",
        "leads others to their own machines",
        "nothing was collected",
        "/metrics answers nobody",
        "not mailed",
    ):
        assert what in said


def test_it_finds_missing_migrations(well: None, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = [("catalog.0009_ore", False)]
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *_: plan)
    status, said = asked()
    assert status == 1
    assert "1 migrations are missing" in said
    assert "manage.py migrate" in said


def test_it_finds_a_full_disk(well: None, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(
        "apps.core.doctor.shutil.disk_usage", lambda _: usage(10**12, 10**12 - 5 * 10**8, 5 * 10**8)
    )
    status, said = asked()
    assert status == 1
    assert "0.5 GB of 1000 are free" in said


def test_it_finds_a_folder_that_cannot_be_written(well: None, settings: Any) -> None:
    settings.DATA_DIR = "/proc/assay"
    status, said = asked()
    assert status == 1
    assert "cannot be written" in said


def test_it_finds_storage_and_broker_that_do_not_answer(
    well: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> health.Finding:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(health, "broker", refused)
    monkeypatch.setattr(health, "storage", refused)
    status, said = asked()
    assert status == 1
    assert "the broker does not answer" in said
    assert "file storage: this could not be looked at (ConnectionRefusedError" in said


@pytest.mark.parametrize(
    ("policy", "wrong"), [("allkeys-lru", True), ("noeviction", False), (None, False)]
)
def test_it_finds_a_broker_that_throws_messages_away(
    policy: str | None, wrong: bool, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import redis

    class Told:
        def __enter__(self) -> "Told":
            return self

        def __exit__(self, *_: object) -> None: ...

        def config_get(self, name: str) -> dict[str, str]:
            if policy is None:
                raise redis.ResponseError("unknown command CONFIG")
            return {name: policy}

    monkeypatch.setattr(redis.Redis, "from_url", lambda *_, **__: Told())
    monkeypatch.setattr(health, "broker", lambda: health.Finding(True))
    settings.EMBEDDED = False
    settings.CELERY_BROKER_URL = "redis://localhost"
    assert bool(list(doctor.broker())) == wrong


def test_it_finds_a_clock_that_is_wrong(well: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime, timedelta

    class Late:
        vendor = "postgresql"

        def cursor(self) -> "Late":
            return self

        def __enter__(self) -> "Late":
            return self

        def __exit__(self, *_: object) -> None: ...

        def execute(self, _: str) -> None: ...

        def fetchone(self) -> tuple[datetime]:
            return (datetime.now(UTC) - timedelta(seconds=90),)

    monkeypatch.setattr(doctor, "connection", Late())
    (found,) = doctor.clock()
    assert "differ by 90 s" in found.what
