"""A run over a real OpenAI-compatible server: `transformers serve` with a tiny model made here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from apps.catalog import queries as catalog
from apps.catalog.services import create_model
from apps.inference import answers, services
from apps.inference.endpoints.services import create_endpoint
from apps.inference.endpoints.trial import try_endpoint
from apps.jobs.models import Job, State
from apps.teams.models import Team, User
from tests.inference import tiny
from tests.inference.furniture import prompts

pytestmark = pytest.mark.services
SECONDS_TO_START = 180


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The base address of a server, and the name of its model."""
    for needed in ("accelerate", "fastapi", "uvicorn", "openai"):
        pytest.importorskip(needed, reason="the real server comes with the extra `partners`")
    folder = tiny.causal(tmp_path_factory.mktemp("tiny"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("hub")
    (home / "hub").mkdir()
    start = "import sys; from transformers.cli.transformers import main; sys.exit(main())"
    address = ["--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-c", start, "serve", str(folder), "--device", "cpu", *address],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(home), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/health", server)
        yield f"http://127.0.0.1:{port}/v1", str(folder)
    finally:
        server.terminate()
        server.wait(30)


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(url, timeout=2):  # noqa: S310 - loopback
                return
        except (URLError, OSError):
            time.sleep(0.5)
    pytest.fail(f"The server did not start: {server.poll()}.")


def test_a_real_server_is_asked_and_counts_tokens(
    served: tuple[str, str],
    alice: User,
    team: Team,
    settings: Any,
    run_jobs: Callable[[], list[Job]],
) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    url, model_name = served
    endpoint = create_endpoint(
        user=alice, team=team, name="Real", base_url=url, concurrency=2, timeout_seconds=120
    )
    tried = try_endpoint(user=alice, endpoint=endpoint, model=model_name)
    assert tried.answered, tried.sentence
    version = prompts(team, alice, [tiny.text(n) for n in range(6)], ["cat"] * 6)
    source = services.add_source(
        user=alice,
        model=create_model(user=alice, team=team, name="tiny"),
        kind="endpoint",
        location=model_name,
        settings={"endpoint": endpoint.slug, "max_new_tokens": 5},
    )
    run = services.start_run(user=alice, version=version, source=source, scorer="contains")
    job = run_jobs()[0]
    assert job.state == State.SUCCEEDED, job.error
    run.refresh_from_db()
    assert (run.answered, run.failed) == (6, 0)
    table = catalog.outcomes_of(version)
    assert table.out_tokens is not None
    assert (table.out_tokens[:, 0] >= 1).all()
    assert (table.out_tokens[:, 0] <= 5).all()
    assert table.in_tokens is not None
    assert (table.in_tokens[:, 0] >= 8).all()
    assert any(kept.text.strip() for kept in answers.read(run.answers_blob))


def test_a_model_that_a_real_server_does_not_have_is_said(
    served: tuple[str, str], alice: User, team: Team, settings: Any
) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    endpoint = create_endpoint(user=alice, team=team, name="Real", base_url=served[0])
    tried = try_endpoint(user=alice, endpoint=endpoint, model="no-such-model")
    assert not tried.answered
    assert tried.sentence.startswith("The endpoint")
