"""Celery worker processes: how one is started, and how it starts, ends and keeps house."""

import os
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import structlog
from celery import signals
from celery.exceptions import SecurityWarning
from django.conf import settings
from django.core.files.storage import storages
from django.db import connection

from apps.jobs import presence, registry, schema, stopping
from apps.jobs.housekeeping import Housekeeping
from apps.jobs.models import Queue, Worker
from apps.jobs.wake import broker_queue

log = structlog.get_logger(__name__)

# It is about pickle, which is never accepted here.
warnings.filterwarnings("ignore", category=SecurityWarning)

# The queues that this worker serves, and the process that it is known by; set before it forks.
_queues: list[str] = []
_parent = 0


def worker_argv(queues: Sequence[str] = ("default",), concurrency: int = 1) -> list[str]:
    """The command that starts a worker for `queues`, to be run in the project's folder."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "--quiet",
        "-A",
        "project",
        "worker",
        "--pool",
        "prefork",
    ]
    return [
        *command,
        *("--concurrency", str(concurrency)),
        *("--queues", ",".join(broker_queue(queue) for queue in queues)),
        *("--loglevel", "WARNING"),
        # Workers find each other in the database: nothing to ask the others at the start.
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]


def parent(queue: str) -> Worker:
    """The registered worker that this process belongs to."""
    return presence.this_worker(_queues or [queue], _parent or None)


@signals.worker_init.connect(weak=False)
def _remember_queues(sender: Any, **_: Any) -> None:
    global _parent
    _parent = os.getpid()
    prefix = settings.JOB_QUEUE_PREFIX
    _queues[:] = [name.removeprefix(prefix) for name in sender.app.amqp.queues.consume_from]
    schema.known()  # what this process came with, before anybody exchanges the files
    # Loaded once, before it forks: a child that takes the place of another begins at once.
    registry.kinds()
    storages["default"]
    if Queue.GPU in _queues and sender.concurrency != 1:
        log.warning("worker.one_job_a_gpu", asked_for=sender.concurrency)
        sender.concurrency = 1


@signals.worker_process_init.connect(weak=False)
def _start_child(**_: Any) -> None:
    # Celery's parent waits for ever for the answer of a child that ends without one. A signal to the
    # whole group is therefore the parent's to answer; children learn from it (`stopping`).
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Housekeeping(_queues, parent=_parent).start()


@signals.worker_ready.connect(weak=False)
def _start_alone(sender: Any, **_: Any) -> None:
    if not sender.pool.is_green and type(sender.pool).__module__.endswith("prefork"):
        return
    Housekeeping(_queues, parent=None).start()


@signals.worker_shutting_down.connect(weak=False)
def _stop(how: str, **_: Any) -> None:
    stopping.request_everywhere(at_once=how == "Cold")


@signals.worker_shutdown.connect(weak=False)
def _say_goodbye(**_: Any) -> None:
    presence.stopped(_parent or os.getpid())
    connection.close()
