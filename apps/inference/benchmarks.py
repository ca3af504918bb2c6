"""What an endpoint run takes beside a bare client: `manage.py bench endpoint`."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from apps.inference.throughput import inference

Say = Callable[[str], None]

PROMPTS, IN_FLIGHT, SECONDS, ROUNDS = 10_000, 64, 0.1, 3
ALLOWED = 1.10
_ROOT = Path(__file__).resolve().parents[2]


def endpoint(say: Say) -> bool:
    """10,000 prompts, 64 in flight, to a local server that takes 0.1 s: a bare client and runs in turn.

    A run is the whole job: asking, scoring, keeping each answer, and handing the outcomes over; `asking`
    ends when the last answer is kept.
    """
    bare: list[float] = []
    runs: list[float] = []
    asking: list[float] = []
    with _installation() as environment, _partner(SECONDS) as url:
        _child("prepare", environment, url, PROMPTS)
        for number in range(ROUNDS):
            bare.append(_child("bare", environment, url, PROMPTS)["seconds"])
            found = _child("run", environment, url, number)
            runs.append(found["seconds"])
            asking.append(found["asking"])
            say(
                f"round {number + 1}: bare {bare[-1]:.2f} s, run {runs[-1]:.2f} s ({asking[-1]:.2f} s asking)"
            )
    best = PROMPTS / IN_FLIGHT * SECONDS
    whole = statistics.median(run / alone for run, alone in zip(runs, bare, strict=True))
    asked = statistics.median(run / alone for run, alone in zip(asking, bare, strict=True))
    say(
        f"{PROMPTS:,} prompts, {IN_FLIGHT} in flight, a server that takes {SECONDS:g} s (at best "
        f"{best:.1f} s): asking and keeping take {asked:.3f} times as long as a bare asyncio client, the "
        f"whole run {whole:.3f} times (medians of {ROUNDS} rounds; promised: {ALLOWED:.2f} for asking)."
    )
    return asked <= ALLOWED


BENCHMARKS = {"endpoint": endpoint, "inference": inference}


@contextmanager
def _installation() -> Iterator[dict[str, str]]:
    """The environment of an installation of its own, in a folder that goes."""
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        decided = ("DATABASE_URL", "BROKER_URL", "SECRET_KEY")
        yield {key: value for key, value in os.environ.items() if key not in decided} | {
            "ASSAY_DATA_DIR": folder,
            "OUTBOUND_ALLOWED_HOSTS": "127.0.0.1",
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "LOG_LEVEL": "ERROR",
            "PYTHONPATH": str(_ROOT),
        }


@contextmanager
def _partner(seconds: float) -> Iterator[str]:
    server = subprocess.Popen(
        [sys.executable, "-m", "apps.inference.endpoints.partner", str(seconds)],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None and server.stdout is not None  # noqa: S101, PT018
    try:
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
    finally:
        server.stdin.close()
        server.wait(10)


def _child(what: str, environment: dict[str, str], url: str, number: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "apps.inference.benchmarks", what, url, str(number)],
        cwd=_ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


async def _bare(url: str, count: int) -> None:
    """Nothing but asyncio's streams: requests written by hand, replies read by their length."""
    host, port = url.removeprefix("http://").split(":")
    numbers = iter(range(count))

    async def one() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for number in numbers:
            message = {"role": "user", "content": _prompt(number)}
            body = json.dumps(
                {"model": "partner", "messages": [message], "max_tokens": 64}
            ).encode()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            reply = await reader.readuntil(b"\r\n\r\n")
            start = reply.index(b"Content-Length: ") + 16
            answer = json.loads(
                await reader.readexactly(int(reply[start : reply.index(b"\r", start)]))
            )
            assert answer["choices"][0]["message"]["content"]  # noqa: S101 - an answer is an answer
        writer.close()

    await asyncio.gather(*(one() for _ in range(IN_FLIGHT)))


def _prompt(number: int) -> str:
    return (
        f"Question {number}: what is {number} times {number % 97}, and why? Answer in a sentence."
    )


class _Bench:
    """What the child processes do, inside the installation."""

    def __init__(self, url: str, number: int) -> None:
        self.url, self.number = url, number

    def prepare(self) -> dict[str, Any]:
        """A team, a dataset of prompts with labels, and an endpoint."""
        from django.core.management import call_command

        from apps.catalog.services import add_labels, create_dataset
        from apps.catalog.store import Items
        from apps.inference.endpoints.services import create_endpoint
        from apps.teams.models import Membership, Role, Team, User

        call_command("migrate", verbosity=0)
        team = Team.objects.create(name="Bench", slug="bench")
        user = User.objects.create_user("bench@example.org")
        Membership.objects.create(team=team, user=user, role=Role.ADMIN)
        ids = [f"item-{number}" for number in range(self.number)]
        items = Items(ids, texts=[_prompt(number) for number in range(self.number)])
        version = create_dataset(user=user, team=team, name="Prompts", items=items)
        add_labels(user=user, version=version, labels=dict.fromkeys(ids, "42"), chosen=False)
        create_endpoint(
            user=user,
            team=team,
            name="Partner",
            base_url=f"{self.url}/v1",
            key="sk-bench-0123456789",
            concurrency=IN_FLIGHT,
        )
        return {}

    def start(self) -> dict[str, Any]:
        """A run, waiting for a worker."""
        from apps.catalog.models import DatasetVersion
        from apps.catalog.services import create_model
        from apps.inference import services
        from apps.inference.endpoints.models import Endpoint
        from apps.teams.models import User

        user, version = User.objects.get(), DatasetVersion.objects.get()
        model = create_model(user=user, team=version.team, name=f"partner {self.number}")
        settings = {"endpoint": Endpoint.objects.get().slug, "max_new_tokens": 64}
        source = services.add_source(
            user=user, model=model, kind="endpoint", location="partner", settings=settings
        )
        services.start_run(user=user, version=version, source=source, scorer="contains")
        return {}

    def run(self) -> dict[str, Any]:
        """A run from its start to its end; seconds of all of it, and until the last answer was kept."""
        from apps.inference.models import Run
        from apps.jobs.runner import run_next

        self.start()
        moments = []
        execute: Any = import_module("apps.inference.services.execute")
        finish = execute.finish

        def finishing(*given: Any) -> None:
            moments.append(time.perf_counter())
            finish(*given)

        execute.finish = finishing
        began = time.perf_counter()
        job = run_next()
        ended = time.perf_counter()
        run = Run.objects.first()
        assert job and run and run.answered == run.total, job and job.error  # noqa: S101, PT018
        while run_next() is not None:
            pass  # what the outcomes set going is not this benchmark's
        return {"seconds": ended - began, "asking": moments[0] - began}

    def bare(self) -> dict[str, Any]:
        """The same prompts through a bare client."""
        began = time.perf_counter()
        asyncio.run(_bare(self.url, self.number))
        return {"seconds": time.perf_counter() - began}


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(getattr(_Bench(sys.argv[2], int(sys.argv[3])), sys.argv[1])()))
