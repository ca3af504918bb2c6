"""Servers of our own to be killed: started on free ports, in a folder of their own, by whoever may."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from glob import glob
from importlib.util import find_spec
from pathlib import Path

import psutil

READY_SECONDS = 90.0


class Server:
    """A server process and all that it starts. `what`: broker, database or storage.

    Killing it is SIGKILL to every process of it; what it had written to its folder is there again when it
    is started anew.
    """

    def __init__(
        self,
        what: str,
        argv: Sequence[str],
        port: int,
        folder: Path,
        *,
        user: str | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        self.what, self.port = what, port
        self._argv, self._folder, self._user = list(argv), folder, user
        self._env = {**os.environ, **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return at once."""
        with (self._folder / f"{self.what}.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._argv,
                cwd=self._folder,
                env=self._env,
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def answers(self) -> bool:
        """Whether somebody listens at its port."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def wait(self) -> None:
        """Wait until it answers; RuntimeError where it does not come."""
        deadline = time.monotonic() + READY_SECONDS
        while not self.answers():
            ended = self._process is not None and self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise RuntimeError(f"the {self.what} did not start; see {self._folder}")
            time.sleep(0.1)

    def kill(self) -> None:
        """End every process of it at once."""
        if self._process is None:
            return
        family: list[psutil.Process] = []
        with suppress(psutil.Error):
            main = psutil.Process(self._process.pid)
            family = [main, *main.children(recursive=True)]
        for process in family:
            with suppress(psutil.Error):
                process.kill()
        self._process.wait()
        # PostgreSQL does not start while a process of its last life holds the shared memory.
        psutil.wait_procs(family, timeout=10)
        self._process = None


def free_port() -> int:
    """A port on loopback that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def redis_server(folder: Path) -> Server | None:
    """A Redis that keeps nothing; None where there is no program."""
    program = shutil.which("redis-server")
    if program is None:
        return None
    port = free_port()
    argv = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    return Server("broker", argv, port, folder)


def rabbitmq_server(folder: Path) -> Server | None:
    """A RabbitMQ with a name of its own; None where there is no program."""
    places = [
        "/usr/lib/rabbitmq/bin/rabbitmq-server",
        *glob("/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server"),
        *glob("/opt/rabbitmq/sbin/rabbitmq-server"),
    ]
    program = next((place for place in places if os.access(place, os.X_OK)), None)
    if program is None:
        return None
    port = free_port()
    (folder / "enabled_plugins").write_text("[].\n")
    env = {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"chaos-{secrets.token_hex(4)}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "rabbitmq"),
        "RABBITMQ_LOG_BASE": str(folder / "rabbitmq-log"),
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_PID_FILE": str(folder / "rabbitmq.pid"),
        # Two small schedulers: its processes must not crowd out the workers.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
    }
    return Server("broker", [program], port, folder, env=env)


def postgres_server(folder: Path) -> tuple[Server, str] | None:
    """A PostgreSQL and its address; None where there is no program or nobody who may run it."""
    homes = sorted(glob("/usr/lib/postgresql/*/bin"))
    found = shutil.which("initdb", path=os.pathsep.join([*homes, os.environ.get("PATH", "")]))
    if found is None:
        return None
    programs = Path(found).resolve().parent
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    data = folder / "postgres"
    data.mkdir()
    try:
        if user:
            shutil.chown(data, user)
            # The way there must be open to it.
            for place in (folder, *folder.parents[:-1]):
                place.chmod(place.stat().st_mode | 0o011)
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "postgres", "--auth", "trust", "--no-sync"],
            check=True,
            user=user,
            cwd=data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (LookupError, OSError, subprocess.CalledProcessError):
        return None
    port = free_port()
    options = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        # A killed server loses nothing that it has handed to the kernel.
        "fsync": "off",
        "shared_buffers": "32MB",
        "max_connections": 60,
    }
    argv = [str(programs / "postgres"), "-D", str(data)]
    argv += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    server = Server("database", argv, port, folder, user=user)
    return server, f"postgresql://postgres@127.0.0.1:{port}/postgres"


def storage_servers(folder: Path) -> tuple[Server, Server] | None:
    """An S3-compatible store, and the way to it, which is what is killed: the store keeps its objects in
    its memory. None where the store is not installed."""
    if not find_spec("moto"):
        return None
    behind, before = free_port(), free_port()
    store = Server(
        "store",
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(behind)],
        behind,
        folder,
    )
    root = Path(__file__).resolve().parents[3]
    way = Server(
        "storage",
        [sys.executable, "-m", "apps.jobs.chaos.relay", str(before), str(behind)],
        before,
        folder,
        env={"PYTHONPATH": str(root)},
    )
    return store, way
