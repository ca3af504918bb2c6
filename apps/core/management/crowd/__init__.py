"""Many people at once on one machine: Assay as `manage.py up` starts it, with the demo and a data folder of
its own, and locust's users who sign in, look, compare, label, evaluate and ask the API. People and servers
share the cores.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[4]
_FOREIGN = ("DATABASE_URL", "BROKER_URL", "SITE_URL", "ALLOWED_HOSTS", "S3_BUCKET", "STATIC_ROOT")
P95_MS = 500
ARRIVE = 5  # people a second
_READY_SECONDS = 120.0
_SHARES = (0.5, 0.95, 0.99)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument("--users", type=int, default=100, help="how many people (100)")
    parser.add_argument("--seconds", type=int, default=300, help="for how long (300)")


def run(say: Callable[[str], None], options: argparse.Namespace) -> None:
    """Let them in, and tell requests, errors and times of each route, in milliseconds.

    Raises:
        ValueError: locust is missing, a number is below 1, or what the product promises was broken.
    """
    if find_spec("locust") is None:
        raise ValueError("The crowd needs locust: make .venv/.installed-dev")
    if options.users < 1 or options.seconds < 1:
        raise ValueError("A crowd has at least one person, for at least a second.")
    with tempfile.TemporaryDirectory(prefix="assay-crowd-") as folder:
        environment = {key: value for key, value in os.environ.items() if key not in _FOREIGN} | {
            "ASSAY_DATA_DIR": folder,
            "PYTHONUNBUFFERED": "1",
        }
        say("Making the demo and the people")
        plan = Path(folder) / "plan.json"
        with plan.open("w") as file:
            subprocess.run(
                [sys.executable, "-m", f"{__name__}.furnish", str(options.users)],
                cwd=_ROOT,
                env=environment,
                check=True,
                stdout=file,
            )
        with _served(environment) as address:
            say(
                f"{options.users} people for {options.seconds} s, {ARRIVE} of them arriving a second"
            )
            found = _crowd(address, environment | {"ASSAY_CROWD_PLAN": str(plan)}, options, say)
    broken = _tell(found, say)
    if broken:
        raise ValueError(f"A promise is broken: {broken}.")


@contextmanager
def _served(environment: dict[str, str]) -> Iterator[str]:
    """`manage.py up` on a free port, ended as with Ctrl-C; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--no-demo", "--port", str(port)],
        cwd=_ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    serving = threading.Event()

    def listen() -> None:
        for line in process.stdout or ():
            if line.startswith("Sign in, once"):
                serving.set()
        serving.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        serving.wait(_READY_SECONDS)
        if process.poll() is not None:
            raise ValueError("Assay did not start; the lines above say why.")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        listener.join(10)


def _crowd(
    address: str,
    environment: dict[str, str],
    options: argparse.Namespace,
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Run locust without a window; what it counted of each route."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("people.py"))),
            *("--headless", "--only-summary", "--json", "--loglevel", "WARNING"),
            *("--host", address, "--users", str(options.users), "--spawn-rate", str(ARRIVE)),
            *("--run-time", f"{options.seconds}s", "--stop-timeout", "10"),
        ],
        cwd=_ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        printed, told = process.communicate()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    _, report, faults = told.partition("Error report")
    if report:
        say(f"{report}{faults.rstrip()}")
    try:
        rows: list[dict[str, Any]] = json.loads(printed[printed.index("[") :])
    except ValueError:
        raise ValueError(f"locust ended with status {process.returncode}: {told[-500:]}") from None
    return rows


def _tell(rows: list[dict[str, Any]], say: Callable[[str], None]) -> str:
    """Print a line a route and one for all; what of the promise is broken, in words."""
    width = max([40, *(len(row["name"]) for row in rows)])
    say(f"{'':{width}}  requests  errors   p50   p95   p99")
    whole: dict[float, int] = {}
    for row in sorted(rows, key=lambda row: row["name"]):
        times = {float(time): count for time, count in row["response_times"].items()}
        for time, count in times.items():
            whole[time] = whole.get(time, 0) + count
        say(_line(row["name"], times, row["num_requests"], row["num_failures"], width))
    requests = sum(row["num_requests"] for row in rows)
    errors = sum(row["num_failures"] for row in rows)
    say(_line("all", whole, requests, errors, width))
    faults = [f"{errors:,} error{'s' if errors > 1 else ''}"] if errors else []
    if not requests:
        faults.append("nobody was answered")
    elif (p95 := _share(whole, 0.95)) >= P95_MS:
        faults.append(f"p95 is {p95:.0f} ms and should be under {P95_MS}")
    return " and ".join(faults)


def _line(name: str, times: dict[float, int], requests: int, errors: int, width: int) -> str:
    shares = "".join(f"{_share(times, share):6.0f}" for share in _SHARES)
    return f"{name:{width}}  {requests:8,}{errors:8,}{shares}"


def _share(times: dict[float, int], share: float) -> float:
    """The time in milliseconds that this share of requests did not exceed. Locust keeps two digits."""
    left = share * sum(times.values())
    for time in sorted(times):
        left -= times[time]
        if left <= 0:
            return time
    return 0.0
