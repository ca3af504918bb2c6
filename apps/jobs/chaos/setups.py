"""The set-ups under which workers are put to the test, each in a folder, database and queues of its own.

Brokers, databases and stores are started here, to be killed, where their programs are installed. Where they
are not, but a server answers at its usual address, that one is used with a database and queues of our own,
and left alive.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from kombu import Connection

from apps.jobs.chaos import servers
from apps.jobs.chaos.servers import Server

BROKERS = {
    "rabbitmq": "amqp://guest:guest@127.0.0.1:5672//",
    "redis": "redis://127.0.0.1:6379/0",
}
DATABASE = "postgresql://postgres@127.0.0.1:5432/postgres"
NAMES = ("embedded", *BROKERS)
BUCKET = "assay-chaos"

# What the set-up decides must not be inherited from whoever starts the test.
_DECIDED = (
    "DATABASE_URL",
    "BROKER_URL",
    "CACHE_URL",
    "S3_BUCKET",
    "JOB_QUEUE_PREFIX",
    "SECRET_KEY",
)
_SHORT_LEASES = {
    "JOB_LEASE_SECONDS": "2",
    "JOB_HEARTBEAT_SECONDS": "0.4",
    # Attempts are many here, and the pause doubles with each.
    "JOB_RETRY_SECONDS": "0",
}
_KEYS = {"access": "chaos", "secret": "chaos-secret"}


class Unavailable(Exception):
    """The set-up cannot be tested here; the text says why."""


@dataclass
class Setup:
    """`env`: what makes a process belong to this set-up. `servers`: those that may be killed, by what
    they are."""

    name: str
    folder: Path
    env: dict[str, str]
    parts: list[str] = field(default_factory=list)
    servers: dict[str, Server] = field(default_factory=dict)
    leftovers: list[Callable[[], None]] = field(default_factory=list)

    @property
    def description(self) -> str:
        return ", ".join(self.parts)

    def own(self, server: Server) -> None:
        """Start a server that ends with the set-up."""
        self.leftovers.append(server.kill)
        server.start()


@contextmanager
def prepared(
    name: str, folder: Path, *, own_servers: bool = False, database: str = DATABASE
) -> Iterator[Setup]:
    """The set-up called `name`, removed again when the block ends. Raises Unavailable.

    `own_servers`: start servers that may be killed, a store among them, where that can be done.
    """
    env = {key: value for key, value in os.environ.items() if key not in _DECIDED}
    env |= _SHORT_LEASES | {
        "ASSAY_DATA_DIR": str(folder),
        "LOG_LEVEL": "ERROR",
        "OMP_NUM_THREADS": "1",
        "OUTBOUND_ALLOWED_HOSTS": "127.0.0.1",
        "INFERENCE_MODELS_DIR": str(folder / "models"),
        "DJANGO_SETTINGS_MODULE": "project.settings",
    }
    setup = Setup(name, folder, env)
    try:
        if name == "embedded":
            setup.parts = ["SQLite", "the filesystem broker", "a folder"]
        else:
            _add_database(setup, database, own_servers)
            _add_broker(setup, own_servers)
            if own_servers:
                _add_storage(setup)
        yield setup
    finally:
        for remove in reversed(setup.leftovers):
            remove()


def _add_broker(setup: Setup, own: bool) -> None:
    make = {"rabbitmq": servers.rabbitmq_server, "redis": servers.redis_server}[setup.name]
    server = make(setup.folder) if own else None
    url = BROKERS[setup.name]
    if server is not None:
        setup.own(server)
        server.wait()
        setup.servers["broker"] = server
        url = urlunsplit(urlsplit(url)._replace(netloc=_at(url, server.port)))
    prefix = f"chaos-{secrets.token_hex(4)}-"
    _until_it_answers(url, server)
    setup.env |= {"BROKER_URL": url, "JOB_QUEUE_PREFIX": prefix}
    setup.parts.append(f"{setup.name}{' of our own' if server else ''}")
    if server is None:
        setup.leftovers.append(lambda: _delete_queue(url, prefix))


def _at(url: str, port: int) -> str:
    user, _, _ = urlsplit(url).netloc.rpartition("@")
    return f"{user}@127.0.0.1:{port}" if user else f"127.0.0.1:{port}"


def _until_it_answers(url: str, own: Server | None) -> None:
    """An own server listens a moment before it serves; another one is there or not."""
    deadline = time.monotonic() + (servers.READY_SECONDS if own else 0)
    while True:
        try:
            with Connection(url, connect_timeout=3) as connection:
                connection.ensure_connection(max_retries=1, timeout=3)
                return
        except Exception as error:  # whatever a transport raises
            if time.monotonic() < deadline:
                time.sleep(0.5)
                continue
            where = f"{urlsplit(url).scheme}://{urlsplit(url).hostname}:{urlsplit(url).port}"
            raise Unavailable(f"nothing answers at {where} ({error})") from error


def _delete_queue(url: str, prefix: str) -> None:
    if url.startswith("redis"):
        with redis.Redis.from_url(url) as client:
            for key in client.scan_iter(f"{prefix}*"):
                client.delete(key)
        return
    with Connection(url, connect_timeout=3) as connection:
        channel: Any = connection.default_channel
        channel.queue_delete(f"{prefix}default")
        channel.exchange_delete(f"{prefix}default")


def _add_database(setup: Setup, url: str, own: bool) -> None:
    """A PostgreSQL of our own, else a database of our own at one that answers, else SQLite."""
    made = servers.postgres_server(setup.folder) if own else None
    if made is not None:
        server, url = made
        setup.own(server)
        server.wait()
        setup.servers["database"] = server
    name = f"assay_chaos_{secrets.token_hex(4)}"
    try:
        _create(url, name, patience=30.0 if made else 0.0)
    except psycopg.Error:
        setup.parts.append("SQLite")
        return
    if made is None:
        setup.leftovers.append(lambda: _execute(url, f'DROP DATABASE "{name}" WITH (FORCE)'))
    setup.parts.append(f"PostgreSQL{' of our own' if made else ''}")
    setup.env |= {
        "DATABASE_URL": urlunsplit(urlsplit(url)._replace(path=f"/{name}")),
        "SECRET_KEY": secrets.token_urlsafe(40),
        "SITE_URL": "http://127.0.0.1",
        "ALLOWED_HOSTS": "127.0.0.1",
    }


def _create(url: str, name: str, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            _execute(url, f'CREATE DATABASE "{name}"')
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=3) as connection:
        connection.execute(statement.encode())


def _add_storage(setup: Setup) -> None:
    """An S3-compatible store of our own, else the folder."""
    made = servers.storage_servers(setup.folder)
    if made is None:
        setup.parts.append("a folder")
        return
    import boto3

    for server in made:
        setup.own(server)
        server.wait()
    store, way = made
    boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{store.port}",
        region_name="us-east-1",
        aws_access_key_id=_KEYS["access"],
        aws_secret_access_key=_KEYS["secret"],
    ).create_bucket(Bucket=BUCKET)
    setup.servers["storage"] = way
    setup.parts.append("an S3-compatible store")
    setup.env |= {
        "S3_BUCKET": BUCKET,
        "S3_ENDPOINT_URL": f"http://127.0.0.1:{way.port}",
        "S3_REGION": "us-east-1",
        "S3_ACCESS_KEY": _KEYS["access"],
        "S3_SECRET_KEY": _KEYS["secret"],
        "S3_ADDRESSING_STYLE": "path",
    }
