"""The set-ups under which workers are put to the test, each in a folder, database and queues of its own."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from kombu import Connection

BROKERS = {
    "rabbitmq": "amqp://guest:guest@127.0.0.1:5672//",
    "redis": "redis://127.0.0.1:6379/0",
}
DATABASE = "postgresql://postgres@127.0.0.1:5432/postgres"
NAMES = ("embedded", *BROKERS)

# What the set-up decides must not be inherited from whoever starts the test.
_DECIDED = (
    "DATABASE_URL",
    "BROKER_URL",
    "CACHE_URL",
    "S3_BUCKET",
    "JOB_QUEUE_PREFIX",
    "SECRET_KEY",
)
_SHORT_LEASES = {"JOB_LEASE_SECONDS": "2", "JOB_HEARTBEAT_SECONDS": "0.4", "JOB_RETRY_SECONDS": "0"}


class Unavailable(Exception):
    """The set-up cannot be tested here; the text says why."""


@dataclass
class Setup:
    """`env`: what makes a process belong to this set-up. `description`: what it consists of."""

    name: str
    description: str
    env: dict[str, str]
    leftovers: list[Callable[[], None]] = field(default_factory=list)


@contextmanager
def prepared(name: str, folder: Path, broker: str | None, database: str) -> Iterator[Setup]:
    """The set-up called `name`, removed again when the block ends. Raises Unavailable."""
    env = {key: value for key, value in os.environ.items() if key not in _DECIDED}
    env |= _SHORT_LEASES | {
        "ASSAY_DATA_DIR": str(folder),
        "LOG_LEVEL": "ERROR",
        "OMP_NUM_THREADS": "1",
        "DJANGO_SETTINGS_MODULE": "project.settings",
    }
    setup = Setup(name, "SQLite and the filesystem broker", env)
    try:
        if name != "embedded":
            _add_broker(setup, broker or BROKERS[name])
            _add_database(setup, database)
        yield setup
    finally:
        for remove in reversed(setup.leftovers):
            remove()


def _add_broker(setup: Setup, url: str) -> None:
    prefix = f"chaos-{secrets.token_hex(4)}-"
    try:
        with Connection(url, connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:  # whatever a transport raises
        raise Unavailable(f"nothing answers at {_without_password(url)} ({error})") from error
    setup.env |= {"BROKER_URL": url, "JOB_QUEUE_PREFIX": prefix}
    setup.leftovers.append(lambda: _delete_queue(url, prefix))


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


def _add_database(setup: Setup, url: str) -> None:
    """A PostgreSQL database of its own where a server answers, else SQLite."""
    name = f"assay_chaos_{secrets.token_hex(4)}"
    try:
        _execute(url, f'CREATE DATABASE "{name}"')
    except psycopg.Error:
        setup.description = f"SQLite and {setup.name}"
        return
    setup.leftovers.append(lambda: _execute(url, f'DROP DATABASE "{name}" WITH (FORCE)'))
    setup.description = f"PostgreSQL and {setup.name}"
    setup.env |= {
        "DATABASE_URL": urlunsplit(urlsplit(url)._replace(path=f"/{name}")),
        "SECRET_KEY": secrets.token_urlsafe(40),
        "SITE_URL": "http://127.0.0.1",
        "ALLOWED_HOSTS": "127.0.0.1",
    }


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=3) as connection:
        connection.execute(statement.encode())


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port}"
