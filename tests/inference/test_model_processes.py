"""The process in which a model runs, and the worker above it: what they are told, and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from apps.inference import services
from apps.inference.runners import Question
from apps.inference.runners.process import ProcessRunner, clean_environment
from apps.jobs.context import JobContext
from apps.jobs.models import Job, State
from apps.teams.models import Team, User
from tests.inference import tiny
from tests.inference.furniture import CPU, prompts, source_of

Jobs = Callable[[], list[Job]]


def test_the_models_process_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL", "HF_TOKEN", "S3_SECRET_KEY", "AWS_ACCESS_KEY_ID",
                 "BROKER_URL", "PYTHONPATH", "OPENAI_API_KEY"):  # fmt: skip
        monkeypatch.setenv(name, "hidden")
    assert "hidden" not in clean_environment().values()


def process_of(model: ProcessRunner) -> int:
    assert model._process is not None
    return model._process.pid


def runner(folder: Path) -> ProcessRunner:
    from apps.inference.kinds import KINDS

    spec = {"kind": "text-classification", "classes": [],
            "settings": KINDS["text-classification"].clean(CPU)}  # fmt: skip
    return ProcessRunner(spec, lambda _: (folder, ""))


def test_the_models_process_ends_with_its_runner(tmp_path: Path) -> None:
    with runner(tiny.classifier(tmp_path / "c")) as model:
        process = psutil.Process(process_of(model))
        environment = process.environ()
        assert "SECRET_KEY" not in environment
        assert environment["HF_HUB_OFFLINE"] == "1"
        assert [one.item_id for one in model.answers([Question("a", "the cat")])] == ["a"]
    assert not process.is_running()


def test_a_models_process_that_is_killed_is_an_error_that_says_so(tmp_path: Path) -> None:
    with runner(tiny.classifier(tmp_path / "c")) as model:
        os.kill(process_of(model), signal.SIGKILL)
        with pytest.raises(RuntimeError, match="was killed, probably because the machine ran out"):
            list(model.answers([Question("a", "the cat")]))


def test_a_cancel_ends_a_model_that_is_still_getting_ready(
    team: Team, eddie: User, models: Path, run_jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.classifier(models / "c")
    source = source_of(eddie, team, "text-classification", "folder:c")
    run = services.start_run(user=eddie, version=prompts(team, eddie, ["the cat"]), source=source)
    started: list[subprocess.Popen[bytes]] = []

    def slow(self: ProcessRunner, module: str, *rest: str, environment: Any) -> Any:
        # As slow to say anything as a large model is.
        process = subprocess.Popen(["sleep", "60"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   start_new_session=True)  # fmt: skip
        self._process = process
        started.append(process)
        return process

    monkeypatch.setattr(ProcessRunner, "_start", slow)
    monkeypatch.setattr(JobContext, "should_stop", stops_when(lambda: bool(started)))
    began = time.monotonic()
    run_jobs()
    assert time.monotonic() - began < 30
    assert started[0].poll() == -signal.SIGKILL
    run.refresh_from_db()
    assert run.state == State.CANCELLED


def stops_when(ready: Callable[[], bool]) -> Callable[[JobContext], bool]:
    """A context whose job is cancelled as soon as `ready`."""

    def should_stop(ctx: JobContext) -> bool:
        ctx.cancelled = ctx.told_to_stop = ready()
        return ctx.told_to_stop

    return should_stop


ROOT = Path(__file__).resolve().parents[2]
BEGIN = """
import sys
import django
django.setup()
from django.core.management import call_command
from apps.catalog.services import create_model
from apps.inference import services
from apps.teams.models import Membership, Role, Team, User
from tests.inference import tiny
from tests.inference.furniture import prompts
call_command("migrate", verbosity=0)
team = Team.objects.create(name="T", slug="t")
user = User.objects.create_user("e@example.org")
Membership.objects.create(team=team, user=user, role=Role.EDITOR)
texts = [tiny.text(n, 3 + n % 9) for n in range(200)]
version = prompts(team, user, texts, ["cat"] * 200)
model = create_model(user=user, team=team, name="m")
source = services.add_source(user=user, model=model, kind="causal-lm", location="folder:l")
services.start_run(user=user, version=version, source=source, scorer="word-f1", settings={
    "device": "cpu", "max_new_tokens": 40, "temperature": 1.0, "batch_size": 8})
"""
WORK = """
import time
import django
django.setup()
from apps.inference.models import Run
from apps.jobs import leases
from apps.jobs.runner import run_next
deadline = time.monotonic() + 60
while not Run.objects.get().finished and time.monotonic() < deadline:
    leases.reap()
    run_next() or time.sleep(0.2)
"""
LOOK = """
import json
import django
django.setup()
from apps.inference import answers
from apps.inference.models import Run, RunAnswer
run = Run.objects.select_related("job").get()
kept = answers.read(run.answers_blob) if run.answers_blob else []
print(json.dumps({
    "journal": RunAnswer.objects.count(),
    "state": run.state,
    "attempts": run.job.attempts,
    "tokens": [run.input_tokens, run.output_tokens],
    "answers": [[one.position, one.text, one.score, one.output_tokens] for one in kept],
}))
"""


class House:
    """A data folder with one run in it, and the workers that come to do it."""

    def __init__(self, folder: Path, models: Path) -> None:
        decided = ("DATABASE_URL", "BROKER_URL", "JOB_QUEUE_PREFIX")
        self.env = {key: value for key, value in os.environ.items() if key not in decided} | {
            "ASSAY_DATA_DIR": str(folder),
            "INFERENCE_MODELS_DIR": str(models),
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "JOB_LEASE_SECONDS": "2",
            "JOB_HEARTBEAT_SECONDS": "0.4",
            "OMP_NUM_THREADS": "1",
        }
        self.do(BEGIN).wait()

    def do(self, script: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=self.env, **options)

    def look(self) -> dict[str, Any]:
        said, _ = self.do(LOOK, stdout=subprocess.PIPE).communicate()
        found: dict[str, Any] = json.loads(said)
        return found

    def rows(self) -> int:
        import sqlite3
        from contextlib import closing

        path = Path(self.env["ASSAY_DATA_DIR"]) / "assay.sqlite3"
        with closing(sqlite3.connect(path, timeout=20)) as connection:
            return int(connection.execute("SELECT count(*) FROM inference_runanswer").fetchone()[0])


def test_a_killed_worker_repeats_one_chunk_and_changes_no_number(tmp_path: Path) -> None:
    models = tmp_path / "models"
    tiny.causal(models / "l")
    calm, rough = House(tmp_path / "calm", models), House(tmp_path / "rough", models)
    calm.do(WORK).wait()
    worker = rough.do(WORK)
    deadline = time.monotonic() + 60
    while rough.rows() == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    children = psutil.Process(worker.pid).children()
    worker.kill()
    worker.wait()
    held = rough.rows()
    assert 0 < held < 200
    assert held % 64 == 0
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    rough.do(WORK).wait()
    want, found = calm.look(), rough.look()
    assert (want["state"], want["attempts"]) == ("succeeded", 1)
    assert (found["state"], found["attempts"], found["journal"]) == ("succeeded", 2, 0)
    assert found["answers"] == want["answers"]
    assert found["tokens"] == want["tokens"]
