"""How fast the largest board is served: `manage.py bench board`."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

MODELS, ITEMS, LABELLED, COLUMNS, REQUESTS = 500, 2_000, 400, 20, 200
P95_MS, QUERIES = 150, 12
_READY_SECONDS = 60


def board(say: Callable[[str], None]) -> bool:
    """Build a board of 500 models in a folder of its own, serve it with the production server, ask
    200 times for the whole page with 20 columns, and say the times and the number of queries.

    Returns whether both are within what the product promises.
    """
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"} | {
            "ASSAY_DATA_DIR": folder,
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        }
        made = subprocess.run(
            [sys.executable, "-c", _BUILD], env=environment, check=True, stdout=subprocess.PIPE
        )
        built = json.loads(made.stdout.splitlines()[-1])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = subprocess.Popen(_server(port), env=environment, start_new_session=True)
        try:
            times, size = _ask(port, built)
        finally:
            server.terminate()
            server.wait(30)
    p50, p95 = np.percentile(times, [50, 95])
    say(
        f"Board of {MODELS} models x {built['columns']} columns, whole page ({size / 1024:,.0f} kB "
        f"before compression): p50 {p50:.0f} ms, p95 {p95:.0f} ms over {len(times)} requests, "
        f"{built['queries']} queries (promised: p95 under {P95_MS} ms, at most {QUERIES} queries)."
    )
    return bool(p95 < P95_MS and built["queries"] <= QUERIES)


BENCHMARKS = {"board": board}

_BUILD = """
import django
django.setup()
from apps.leaderboards.benchmarks import build
print(build())
"""
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")


def build() -> str:
    """Fill an empty data folder with the board; JSON of its address, a session and its queries."""
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext, override_settings

    from apps.leaderboards.pages.table import prepared
    from apps.teams.models import User

    call_command("migrate", verbosity=0)
    user = User.objects.create_user("bench@localhost")
    made = _board(user)
    columns = list(prepared(made.current).columns.all)[:COLUMNS]
    address = f"/boards/{made.slug}/?" + "&".join(f"col={key}" for key in columns)
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            response = client.get(address)
    if response.status_code != 200:
        raise RuntimeError(f"The board's page answered {response.status_code}.")
    return json.dumps(
        {
            "address": address,
            "columns": len(columns),
            "queries": len(captured),
            "session": client.cookies["sessionid"].value,
        }
    )


def _board(user: Any) -> Any:
    """500 models of known price, provider and tags on 2,000 items with five slices."""
    from apps.catalog.models import CandidateModel
    from apps.catalog.services import create_dataset, set_price
    from apps.catalog.store import Items
    from apps.jobs.runner import run_next
    from apps.leaderboards.models import Board
    from apps.teams.services import create_team

    team = create_team(user=user, name="Bench")
    user._roles = None
    random = np.random.default_rng(0)
    names = [f"model-{index:03d}" for index in range(MODELS)]
    ids = [f"item-{index}" for index in range(ITEMS)]
    truth = random.integers(0, 10, ITEMS)
    right = random.random((MODELS, ITEMS)) < np.linspace(0.4, 0.9, MODELS)[:, None]
    said = np.where(right, truth, random.integers(0, 10, (MODELS, ITEMS)))
    groups = [f"group {index}" for index in random.integers(0, 5, ITEMS)]
    items = Items(ids=ids, texts=[f"Item {one}" for one in ids], slices={"group": groups})
    version = create_dataset(user=user, team=team, name="Bench", items=items)
    wide = ["item_id," + ",".join(names)]
    wide += [f"{one}," + ",".join(map(str, said[:, n])) for n, one in enumerate(ids)]
    _bring(user, version, "predictions", wide)
    for index, model in enumerate(CandidateModel.objects.filter(team=team).order_by("name")):
        CandidateModel.objects.filter(pk=model.pk).update(
            provider=f"Provider {index % 12}",
            parameters=(index + 1) * 10**8,
            licence="Apache-2.0",
            released_on=date(2025, 1, 1 + index % 28),
            tags=["bench", f"family-{index % 7}"],
        )
        if index % 10:
            set_price(
                user=user,
                model=model,
                valid_from=date(2026, 1, 1),
                per_call=Decimal(index + 1) / 10_000,
            )
    drawn = random.choice(ITEMS, LABELLED, replace=False)
    _bring(user, version, "labels", ["item_id,label", *(f"{ids[n]},{truth[n]}" for n in drawn)])
    while run_next() is not None:
        pass
    return Board.objects.select_related("current").get(version=version)


def _bring(user: Any, version: Any, purpose: str, lines: list[str]) -> None:
    from django.core.files.base import ContentFile

    from apps.catalog.services import confirm_mapping, receive_upload
    from apps.jobs.runner import run_next

    upload = receive_upload(
        user=user,
        team=version.team,
        file=ContentFile("\n".join(lines).encode()),
        filename=f"{purpose}.csv",
        purpose=purpose,
        version=version,
    )
    confirm_mapping(user=user, upload=upload)
    while run_next() is not None:
        pass


def _server(port: int) -> list[str]:
    """The web server as `manage.py up` starts it."""
    from apps.core.management.commands.up import programs

    return list(programs("127.0.0.1", port)[0].argv)


def _ask(port: int, built: dict[str, Any]) -> tuple[list[float], int]:
    """Milliseconds of each request, and the size of the page."""
    headers = {"Cookie": f"sessionid={built['session']}", "Accept-Encoding": "gzip"}
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            _fetch(port, "/healthz", {})
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    for _ in range(8):  # every worker and thread has answered once
        _fetch(port, built["address"], headers)
    times = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        _fetch(port, built["address"], headers)
        times.append((time.perf_counter() - began) * 1000)
    plain = {"Cookie": headers["Cookie"]}
    return times, len(_fetch(port, built["address"], plain))


def _fetch(port: int, path: str, headers: dict[str, str]) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise RuntimeError(f"{path} answered {response.status}.")
    return content
