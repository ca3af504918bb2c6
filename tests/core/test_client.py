"""The client that an installation makes of its own document works against it, and so do the docs."""

import re
import sys
import types
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from apps.jobs.models import Job
from apps.sharing.models import ShareLink
from apps.teams.models import ApiToken, Role, Team, User
from apps.teams.services import new_secret

DOCS = Path(__file__).resolve().parents[2] / "docs"
RunJobs = Callable[[], list[Job]]


@pytest.fixture
def module(db: None) -> Iterator[types.ModuleType]:
    """The client as an installation serves it."""
    answer = Client().get("/api/client.py")
    assert answer["Content-Disposition"] == 'attachment; filename="assay_client.py"'
    made = types.ModuleType("assay_client")
    sys.modules["assay_client"] = made
    exec(compile(answer.content.decode(), "assay_client.py", "exec"), made.__dict__)  # noqa: S102
    yield made
    del sys.modules["assay_client"]


@pytest.fixture
def token(team: Team, alice: User) -> str:
    secret, digest = new_secret()
    ApiToken.objects.create(
        team=team,
        user=alice,
        name="client",
        prefix=secret[:8],
        token_hash=digest,
        scope=Role.ADMIN,
        expires_at=timezone.now() + timedelta(days=1),
    )
    return secret


def test_every_operation_and_schema_of_the_document_is_there(module: types.ModuleType) -> None:
    from drf_spectacular.generators import SchemaGenerator

    document = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    for operations in document["paths"].values():
        for operation in operations.values():
            assert callable(getattr(module.Assay, operation["operationId"]))
    for name in document["components"]["schemas"]:
        assert hasattr(module, name)
    assert module.Board.__annotations__["slug"] in (str, "str")


@pytest.mark.django_db(transaction=True)
def test_a_refusal_is_an_error_with_the_servers_words(
    module: types.ModuleType, token: str, live_server: Any
) -> None:
    assay = module.Assay(live_server.url, token)
    with pytest.raises(module.AssayError, match="404") as refused:
        assay.boards_retrieve("nothing/../x")
    assert refused.value.problem["title"] == "Not Found"
    with pytest.raises(module.AssayError) as unknown:
        module.Assay(live_server.url, "wrong").boards_list()
    assert unknown.value.status == 401
    with pytest.raises(module.AssayError) as wrong:
        assay.share_links_create({"board": "none"})
    assert wrong.value.problem["errors"]["board"]


@pytest.mark.django_db(transaction=True)
def test_a_busy_server_is_asked_again(
    module: types.ModuleType, token: str, live_server: Any, settings: Any, monkeypatch: Any
) -> None:
    cache.clear()
    settings.API_REQUESTS_PER_MINUTE = 1
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        settings.API_REQUESTS_PER_MINUTE = 0

    monkeypatch.setattr(module.time, "sleep", sleep)
    assay = module.Assay(live_server.url, token)
    assay.boards_list()
    assay.boards_list()
    assert len(waited) == 1
    assert 0 < waited[0] <= 60


@pytest.mark.django_db(transaction=True)
def test_the_examples_of_the_reference_do_what_they_say(
    module: types.ModuleType,
    token: str,
    live_server: Any,
    run_jobs: RunJobs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASSAY_URL", live_server.url)
    monkeypatch.setenv("ASSAY_TOKEN", token)
    examples = re.findall(r"```python\n(.*?)```", (DOCS / "reference/api.md").read_text(), re.S)
    assert len(examples) >= 4
    # The jobs that the examples wait for run while they wait.
    monkeypatch.setattr("time.sleep", lambda _: run_jobs())
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, "api.md", "exec"), names)  # noqa: S102
    assert ShareLink.objects.filter(note="weekly").count() == 1


def test_the_example_of_a_signature_accepts_ours_alone() -> None:
    import time

    from apps.hooks.signing import signature

    (example,) = re.findall(r"```python\n(.*?)```", (DOCS / "how-to/webhooks.md").read_text(), re.S)
    names: dict[str, Any] = {}
    exec(compile(example, "webhooks.md", "exec"), names)  # noqa: S102
    now, is_ours = int(time.time()), names["is_ours"]
    assert is_ours("secret", signature("secret", b"{}", now), b"{}")
    assert not is_ours("secret", signature("other", b"{}", now), b"{}")
    assert not is_ours("secret", signature("secret", b"{}", now), b"{ }")
    assert not is_ours("secret", signature("secret", b"{}", now - 301), b"{}")
