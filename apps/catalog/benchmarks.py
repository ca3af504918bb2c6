"""How fast and how lean the largest import is: `manage.py bench import`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROWS, MODELS = 10_000_000, 1_000
SECONDS, MEGABYTES = 60, 512
_CLASSES = ("cat", "dog", "bird", "horse", "ship", "truck", "plane", "frog", "deer", "car")


def import_predictions(say: Callable[[str], None], rows: int = ROWS) -> bool:
    """Upload a long CSV of `rows` predictions and take it over, each in a fresh process as the web
    server and the worker would, in a data folder of its own; say the times and the peak memory.

    Returns whether both are within what the product promises.
    """
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        path = Path(folder) / "predictions.csv"
        write_long_csv(path, rows)
        environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"} | {
            "ASSAY_DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        }
        size = path.stat().st_size / 1e6
        received = _run("upload", path, environment)
        path.unlink()
        taken = _run("commit", path, environment)
    say(
        f"Long CSV of {rows:,} predictions ({size:,.0f} MB): received in "
        f"{received['seconds']:.1f} s at a peak of {received['megabytes']:.0f} MB, checked and taken "
        f"over in {taken['seconds']:.1f} s at a peak of {taken['megabytes']:.0f} MB "
        f"(promised: {SECONDS} s and {MEGABYTES} MB in all)."
    )
    seconds = received["seconds"] + taken["seconds"]
    return seconds <= SECONDS and max(received["megabytes"], taken["megabytes"]) <= MEGABYTES


BENCHMARKS = {"import": import_predictions}


def write_long_csv(path: Path, rows: int) -> None:
    """`item_id,model,prediction` of up to 1,000 models on `rows` / 1,000 items, the same each time."""
    random = np.random.default_rng(0)
    classes = np.array(_CLASSES)
    models = min(MODELS, rows)
    with path.open("w", newline="") as file:
        file.write("item_id,model,prediction\n")
        for item in range(-(-rows // models)):
            count = min(models, rows - item * models)
            drawn = classes[random.integers(0, len(classes), count)]
            file.writelines(
                f"item-{item:06d},model-{model:04d},{name}\n"
                for model, name in enumerate(drawn.tolist())
            )


def _run(step: str, path: Path, environment: dict[str, str]) -> dict[str, float]:
    made = subprocess.run(
        [sys.executable, "-c", _STEPS, step, str(path)],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
    )
    measured: dict[str, float] = json.loads(made.stdout.splitlines()[-1])
    return measured


_STEPS = """
import json, resource, sys, time
import django
django.setup()
from apps.catalog import benchmarks
if sys.argv[1] == "upload":
    benchmarks.prepare()
started = time.monotonic()
getattr(benchmarks, sys.argv[1])(sys.argv[2])
seconds = time.monotonic() - started
assert "torch" not in sys.modules, "torch was imported"
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "megabytes": peak}))
"""


def prepare() -> None:
    """Make the tables and the one who uploads."""
    from django.core.management import call_command

    from apps.teams.models import User
    from apps.teams.services import create_team

    call_command("migrate", verbosity=0)
    create_team(user=User.objects.create_user("bench@localhost"), name="Bench")


def upload(path: str) -> None:
    """What the web process does."""
    from apps.catalog.services import confirm_mapping, receive_upload
    from apps.teams.models import Team, User

    user, team = User.objects.get(), Team.objects.get()
    with Path(path).open("rb") as file:
        received = receive_upload(
            user=user, team=team, file=file, filename="predictions.csv", purpose="predictions"
        )
    confirm_mapping(user=user, upload=received)


def commit(path: str) -> None:
    """What the worker does."""
    from apps.jobs.models import State
    from apps.jobs.runner import run_next

    job = run_next()
    if job is None or job.state != State.SUCCEEDED:
        raise RuntimeError(job.error if job else "There was no job.")
