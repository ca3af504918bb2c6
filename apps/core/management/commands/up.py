"""`manage.py up`: the whole of Assay on this machine with one command."""

import os
import signal
import socket
import sys
import time
import urllib.request
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from apps.core import health
from apps.core.supervisor import Program, Supervisor

READY_SECONDS = 60.0


class Command(BaseCommand):
    help = "Bring the database up to date and run web server and worker until Ctrl-C."
    requires_system_checks: list[str] = []  # a second start answers within five seconds

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--no-demo", action="store_true", help="Leave an empty database empty.")

    def handle(self, *, host: str, port: int, no_demo: bool, **options: Any) -> None:
        refuse_port_in_use(host, port)
        address = f"http://{'localhost' if host in ('0.0.0.0', '::') else host}:{port}"  # noqa: S104
        os.environ.setdefault("SITE_URL", address)
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(fresh_folder_for_counts()))
        migrate()
        if not no_demo:
            self._demo_into_an_empty_database()
        supervisor = Supervisor(programs(host, port), self.say)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: supervisor.stop_requested.set())
        try:
            supervisor.start()
            self._announce(supervisor, address)
            status = supervisor.watch()
        finally:
            supervisor.stop()
        self.say("Assay has stopped.")
        sys.exit(status)

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _demo_into_an_empty_database(self) -> None:
        from apps.core.demo.people import demo_wanted

        if not demo_wanted():
            return
        try:
            call_command("demo", stdout=self.stdout)
        except CommandError as error:
            self.say(f"{error} Assay runs without it.")
        except KeyboardInterrupt:
            raise CommandError("Stopped while the demo was made.") from None

    def _announce(self, supervisor: Supervisor, address: str) -> None:
        """Wait until the server answers and all is ready, then say where it is."""
        path = sign_in_path() if settings.EMBEDDED else ""
        deadline = time.monotonic() + READY_SECONDS
        while missing := what_is_missing(address):
            if supervisor.stop_requested.wait(0.1) or supervisor.something_ended():
                return  # watch() tells what happened
            if time.monotonic() > deadline:
                self.say(f"Not everything is ready after {READY_SECONDS:.0f} s: {missing}")
                break
        self.say(f"Assay runs at {address}/  (Ctrl-C ends it)")
        if path:
            self.say(f"Sign in, once, at  {address}{path}")


def refuse_port_in_use(host: str, port: int) -> None:
    """Raise CommandError, before anything is touched, where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CommandError(
                f"Assay cannot listen on {host} port {port} ({reason}): "
                "stop what runs there or choose another port, for instance make run PORT=8001."
            ) from None


def fresh_folder_for_counts() -> Path:
    """Where the processes that are about to start put their counts together, emptied."""
    folder = Path(settings.DATA_DIR) / "metrics"
    folder.mkdir(exist_ok=True)
    for left in folder.glob("*.db"):
        left.unlink(missing_ok=True)
    return folder


def migrate() -> None:
    """Apply what is missing; with nothing missing this is one quick look."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        with _all_or_nothing():
            call_command("migrate", verbosity=0, interactive=False)
    connection.close()


@contextmanager
def _all_or_nothing() -> Iterator[None]:
    """Where the database is SQLite, what happens inside is one transaction.

    Django notes some migrations as applied after they have been committed. Killed in between, the next
    start would find its own tables in its way, and no start after that would succeed.
    """
    if connection.vendor != "sqlite":
        yield
        return
    # SQLite turns the checks of foreign keys off outside transactions alone, and migrations need that.
    with connection.constraint_checks_disabled(), transaction.atomic():
        yield


def programs(host: str, port: int) -> list[Program]:
    """The web server and the worker. The worker's BLAS keeps to one thread: jobs share few cores."""
    from apps.jobs.worker import worker_argv

    server = [
        str(Path(sys.executable).with_name("granian")),
        *("--interface", "wsgi", "--host", host, "--port", str(port)),
        *("--workers", "2", "--blocking-threads", "4", "--backpressure", "64"),
        *("--respawn-failed-workers", "--workers-kill-timeout", "5", "--log-level", "warning"),
        "project.wsgi:application",
    ]
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    worker = worker_argv(("default",), 1)
    return [Program("web server", server), Program("worker", worker, env=one_thread)]


def what_is_missing(address: str) -> str:
    """What is not ready yet, in words; empty when all is."""
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=5):  # noqa: S310
            found = health.ask_all()
    except OSError as error:
        return f"the web server does not answer ({error})"
    return ", ".join(finding.detail or name for name, finding in found.items() if not finding.ok)


def sign_in_path() -> str:
    """A sign-in address that works once, for the local admin; empty where there is none."""
    from apps.core.demo.people import local_admin
    from apps.teams.services import make_sign_in_link

    admin = local_admin()
    return make_sign_in_link(admin) if admin else ""
