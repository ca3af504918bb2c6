"""People, data folders and clients that the tests share."""

import gc
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db.backends.signals import connection_created
from django.test import Client
from django.utils import timezone
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient
from xdist.scheduler import LoadFileScheduling

from apps.jobs.models import Job
from apps.teams.models import ApiToken, Membership, Role, Team, User
from apps.teams.services import new_secret

# A busy machine is no failure.
hypothesis_settings.register_profile("assay", deadline=None)
hypothesis_settings.load_profile("assay")


# A test is one transaction. Where it asks the database nothing for a minute, because a thousand requests of
# nobody need no row or the machine is busy, the server would take its process for frozen and hang up.
connection_created.disconnect(dispatch_uid="end_frozen_transactions")


# Files that take longest, the longest first: none of them is left for the end, when one process would be
# alone with it.
LONG = (
    "tests/browser/",
    "tests/test_access.py",
    "tests/test_api_schema.py",
    "tests/inference/test_local_runs.py",
    "tests/inference/endpoints/test_sharing.py",
    "tests/jobs/test_worker.py",
    "tests/leaderboards/test_pick.py",
    "tests/core/",
    "tests/selection/methods/test_every_method.py",
    "tests/routing/methods/test_every_router.py",
)


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """Hands out files, the long ones first, and all of the browser's together: they share one site."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # by the number of their tests, which says little

    def _split_scope(self, nodeid: str) -> str:
        return LONG[0] if nodeid.startswith(LONG[0]) else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only",
        action="store_true",
        help="run the tests that ask the database alone: the others do not change with its server",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--database-only"):
        wanted: list[pytest.Item] = []
        others: list[pytest.Item] = []
        for item in items:
            (wanted if _depends_on_the_server(item) else others).append(item)
        config.hook.pytest_deselected(items=others)
        items[:] = wanted
    items.sort(key=_place)


def _depends_on_the_server(item: pytest.Item) -> bool:
    if item.get_closest_marker("embedded_only"):
        return False
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(fixtures & {"db", "transactional_db"} or item.get_closest_marker("django_db"))


def _place(item: pytest.Item) -> int:
    places = (at for at, path in enumerate(LONG) if item.nodeid.startswith(path))
    return next(places, len(LONG))


def pytest_collection_finish() -> None:
    """What was imported and collected stays: nobody need look for garbage there again, as some libraries
    do at each call."""
    gc.collect()
    gc.freeze()


SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def recorded(folder: str) -> Path:
    """A folder of recorded outcomes beside the checkout; the test is skipped where it is absent."""
    path = SHARED_DATA / folder
    if not path.exists():
        pytest.skip(f"the recorded data {folder} are not beside this checkout")
    return path


@pytest.fixture(autouse=True)
def _own_files(tmp_path: Path, settings: "pytest.FixtureRequest") -> Iterator[None]:
    """Every test keeps its files in a folder of its own."""
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    settings.STORAGES = {  # type: ignore[attr-defined]
        **settings.STORAGES,  # type: ignore[attr-defined]
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files"), "base_url": None},
        },
        # The hashed names of a deployment need `collectstatic`, which no test waits for.
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    storages._storages.clear()  # type: ignore[attr-defined]
    yield
    storages._storages.clear()  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _quick_hashes(settings: "pytest.FixtureRequest") -> None:
    """Passphrases of tests need no slow hash: making five people took over a second."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]


def _member(team: Team, name: str, role: Role) -> User:
    user = User.objects.create_user(f"{name}@example.org", f"{name}-passphrase-1", name=name)
    Membership.objects.create(team=team, user=user, role=role)
    return user


@pytest.fixture
def team(db: None) -> Team:
    return Team.objects.create(name="Metallurgy", slug="metallurgy")


@pytest.fixture
def other_team(db: None) -> Team:
    return Team.objects.create(name="Elsewhere", slug="elsewhere")


@pytest.fixture
def alice(team: Team) -> User:
    """The team's admin."""
    return _member(team, "alice", Role.ADMIN)


@pytest.fixture
def eddie(team: Team) -> User:
    """An editor."""
    return _member(team, "eddie", Role.EDITOR)


@pytest.fixture
def anna(team: Team) -> User:
    """An annotator."""
    return _member(team, "anna", Role.ANNOTATOR)


@pytest.fixture
def vic(team: Team) -> User:
    """A viewer."""
    return _member(team, "vic", Role.VIEWER)


@pytest.fixture
def charlie(other_team: Team) -> User:
    """A stranger: the admin of another team."""
    return _member(other_team, "charlie", Role.ADMIN)


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    def make(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def api_of() -> Callable[..., APIClient]:
    """A client that signs every request with a fresh API token of the user's first team."""

    def make(user: User, scope: Role = Role.ADMIN) -> APIClient:
        token, digest = new_secret()
        ApiToken.objects.create(
            team=user.memberships.get().team,
            user=user,
            name="test",
            prefix=token[:8],
            token_hash=digest,
            scope=scope,
            expires_at=timezone.now() + timedelta(days=1),
        )
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return client

    return make


@pytest.fixture
def run_jobs() -> Callable[[], list[Job]]:
    """Run whatever is queued, in this process, until nothing is left."""

    def run() -> list[Job]:
        from apps.jobs.runner import run_next

        ran = []
        while (job := run_next()) is not None:
            ran.append(job)
        return ran

    return run
