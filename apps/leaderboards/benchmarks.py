"""How fast the largest boards and comparisons are served: `manage.py bench board`, `bench compare`."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

MODELS, ITEMS, LABELLED, COLUMNS, REQUESTS = 500, 2_000, 400, 20, 200
P95_MS, QUERIES = 150, 12
COMPARED, COMPARE_P95_MS = (1_000_000, 10_000_000), 300
_READY_SECONDS = 60


def board(say: Callable[[str], None]) -> bool:
    """Build a board of 500 models in a folder of its own, serve it with the production server, ask
    200 times for the whole page with 20 columns, and say the times and the number of queries.

    Returns whether both are within what the product promises.
    """
    with _served("build()") as (port, built):
        times, size = _ask(port, built)
    p50, p95 = np.percentile(times, [50, 95])
    say(
        f"Board of {MODELS} models x {built['columns']} columns, whole page ({size / 1024:,.0f} kB "
        f"before compression): p50 {p50:.0f} ms, p95 {p95:.0f} ms over {len(times)} requests, "
        f"{built['queries']} queries (promised: p95 under {P95_MS} ms, at most {QUERIES} queries)."
    )
    return bool(p95 < P95_MS and built["queries"] <= QUERIES)


def compare(say: Callable[[str], None]) -> bool:
    """Compare six models on a million items, and look through those of ten million: pages, filters,
    slices, a search, each asked for at random places of the production server.

    Returns whether all are within what the product promises.
    """
    held = True
    for items in COMPARED:
        with _served(f"build_comparison({items})") as (port, built):
            _wait(port)
            began = time.perf_counter()
            _fetch(port, built["address"], {"Cookie": f"sessionid={built['session']}"})
            cold = time.perf_counter() - began
            for what, addresses in built["views"].items():
                times, _ = _ask(port, built, addresses)
                p50, p95 = np.percentile(times, [50, 95])
                held = held and bool(p95 < COMPARE_P95_MS)
                say(
                    f"6 models x {items:,} items, {what}: p50 {p50:.0f} ms, p95 {p95:.0f} ms over "
                    f"{len(times)} requests."
                )
        say(
            f"The very first request, which counts everything, took {cold:.1f} s; "
            f"{built['queries']} queries a page (promised: p95 under {COMPARE_P95_MS} ms)."
        )
    return held


BENCHMARKS = {"board": board, "compare": compare}


@contextmanager
def _served(made_by: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """A data folder of its own that a function here has filled, and the production server on it."""
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"} | {
            "ASSAY_DATA_DIR": folder,
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        }
        code = (
            "import django; django.setup()\n"
            f"from apps.leaderboards import benchmarks\nprint(benchmarks.{made_by})"
        )
        made = subprocess.run(
            [sys.executable, "-c", code], env=environment, check=True, stdout=subprocess.PIPE
        )
        built = json.loads(made.stdout.splitlines()[-1])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = subprocess.Popen(_server(port), env=environment, start_new_session=True)
        try:
            yield port, built
        finally:
            server.terminate()
            server.wait(30)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")


def build() -> str:
    """Fill an empty data folder with the board; JSON of its address, a session and its queries."""
    from django.core.management import call_command

    from apps.leaderboards.pages.table import prepared
    from apps.teams.models import User

    call_command("migrate", verbosity=0)
    user = User.objects.create_user("bench@localhost")
    made = _board(user)
    columns = list(prepared(made.current).columns.all)[:COLUMNS]
    address = f"/boards/{made.slug}/?" + "&".join(f"col={key}" for key in columns)
    return json.dumps({"address": address, "columns": len(columns), **_looked_at(user, address)})


def _looked_at(user: Any, address: str) -> dict[str, Any]:
    """A session of the user, and how many queries a page makes the second time."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext, override_settings

    with override_settings(ALLOWED_HOSTS=["testserver"]):
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            response = client.get(address)
    if response.status_code != 200:
        raise RuntimeError(f"The page answered {response.status_code}.")
    return {"queries": len(captured), "session": client.cookies["sessionid"].value}


def build_comparison(items: int) -> str:
    """Fill an empty data folder with six models on many items; JSON of the addresses to ask for.

    Half of the items are labelled; they have texts and a slice. The files are written as an import
    writes them, and named by rows as it names them.
    """
    from django.core.management import call_command

    from apps.teams.models import User

    call_command("migrate", verbosity=0)
    user = User.objects.create_user("bench@localhost")
    made = _large_board(user, items)
    address = f"/boards/{made.slug}/compare/?models=" + ",".join(_COMPARED_MODELS)
    random = np.random.default_rng(1)
    pages = random.integers(1, items // 25 // 3, REQUESTS).tolist()
    one, two = _COMPARED_MODELS[:2]
    views = {
        "any page of where they differ": [f"{address}&page={page}" for page in pages],
        "only the first right, the second wrong": [
            f"{address}&is=right%3A{one}&is=wrong%3A{two}&page={page // 9}" for page in pages
        ],
        "a slice and a class": [
            f"{address}&slice=group%3A{page % 5}&label=class-{page % 10}&page={page // 80}"
            for page in pages
        ],
        "a search, from anywhere": [
            f"{address}&q=number+{page}7&from={page * 20}" for page in pages
        ],
    }
    from django.conf import settings

    told = {"address": address, "views": views, **_looked_at(user, address)}
    # The pages are asked for as on a machine that has just been started.
    shutil.rmtree(Path(settings.DATA_DIR) / "derived")
    return json.dumps(told)


_COMPARED_MODELS = [f"model-{letter}" for letter in "abcdef"]


def _large_board(user: Any, items: int) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    from apps.catalog import store
    from apps.catalog.models import (
        CandidateModel,
        Dataset,
        DatasetVersion,
        LabelBatch,
        ModelOutput,
        PredictionBatch,
    )
    from apps.leaderboards.models import Board
    from apps.teams.services import create_team

    team = create_team(user=user, name="Bench")
    random = np.random.default_rng(0)
    numbers = pa.array(np.arange(items)).cast(pa.string())
    # Arrow's own arrays: ten million texts of Python would take gigabytes.
    ids = pc.binary_join_element_wise("item", numbers, "-")
    texts = pc.binary_join_element_wise("The text of the item of number", numbers, " ")
    groups = pa.array(random.integers(0, 5, items)).cast(pa.string())
    version = DatasetVersion.objects.create(
        team=team,
        dataset=Dataset.objects.create(team=team, name="Bench", slug="bench"),
        number=1,
        item_count=items,
        items_blob=store.write_items(store.Items(ids=ids, texts=texts, slices={"group": groups})),
        has_text=True,
        slice_names=["group"],
    )
    truth = random.integers(0, 10, items, dtype=np.int16)
    said = np.empty((len(_COMPARED_MODELS), items), np.int16)
    for row, share in zip(said, np.linspace(0.75, 0.8, len(said)), strict=True):
        row[:] = np.where(
            random.random(items) < share, truth, random.integers(0, 10, items, dtype=np.int16)
        )
    classes = [f"class-{n}" for n in range(10)]
    batch = PredictionBatch.objects.create(
        team=team,
        version=version,
        blob=store.write_predictions(_COMPARED_MODELS, said),
        class_names=classes,
    )
    for name in _COMPARED_MODELS:
        model = CandidateModel.objects.create(team=team, name=name, slug=name)
        ModelOutput.objects.create(
            version=version, model=model, batch=batch, column=name, answered=items
        )
    labelled = np.flatnonzero(random.random(items) < 0.5)
    LabelBatch.objects.create(
        team=team,
        version=version,
        blob=store.write_labels(
            ids.take(pa.array(labelled)), pa.array(classes).take(pa.array(truth[labelled])), None
        ),
        count=len(labelled),
    )
    return Board.objects.create(team=team, version=version, name="Bench", slug="bench")


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


def _ask(
    port: int, built: dict[str, Any], addresses: Sequence[str] = ()
) -> tuple[list[float], int]:
    """Milliseconds of each request to the addresses in turn, and the size of the first page."""
    headers = {"Cookie": f"sessionid={built['session']}", "Accept-Encoding": "gzip"}
    asked = list(addresses) or [built["address"]]
    _wait(port)
    for _ in range(8):  # every worker and thread has answered once
        _fetch(port, asked[0], headers)
    times = []
    for place in range(REQUESTS):
        began = time.perf_counter()
        _fetch(port, asked[place % len(asked)], headers)
        times.append((time.perf_counter() - began) * 1000)
    plain = {"Cookie": headers["Cookie"]}
    return times, len(_fetch(port, asked[0], plain))


def _wait(port: int) -> None:
    """Until the server answers."""
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            _fetch(port, "/healthz", {})
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


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
