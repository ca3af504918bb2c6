"""The workers that there are: each says every few seconds that it lives."""

import os
import socket
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from apps.jobs import registry, stopping
from apps.jobs.models import Queue, Worker

# A worker that said nothing for this long is taken for gone.
SEEN_SECONDS = 40


# Inherited by the children of a worker's parent process.
_STARTED = int(time.time())


def process_name(pid: int) -> str:
    """`host:pid:start`: the start tells apart two processes that were given the same number."""
    return f"{socket.gethostname()}:{pid}:{_STARTED}"


def this_worker(queues: Sequence[str], pid: int | None = None) -> Worker:
    """Say that the worker with the process `pid` (this one) lives and serves `queues`."""
    worker, _ = Worker.objects.update_or_create(
        name=process_name(pid or os.getpid()),
        defaults={
            "queues": sorted(queues),
            "kinds": registry.kinds(),
            "version": _version(),
            "holds_back": stopping.held_back(),
            "seen_at": Now(),
            "stopped_at": None,
        },
    )
    return worker


def stopped(pid: int) -> None:
    """Say that the worker with the process `pid` ended in good order."""
    Worker.objects.filter(name=process_name(pid)).update(stopped_at=Now())


def alive() -> QuerySet[Worker]:
    """The workers that were seen lately and have not ended."""
    recent = Now() - timedelta(seconds=SEEN_SECONDS)
    return Worker.objects.filter(seen_at__gte=recent, stopped_at__isnull=True)


def gpu_workers_of_late() -> list[Worker]:
    """GPU workers that live or may well come back: seen within JOB_GPU_WAIT_SECONDS, the last one first.

    One that was stopped counts too: a worker that is being upgraded is gone for a minute.
    """
    recent = Now() - timedelta(seconds=settings.JOB_GPU_WAIT_SECONDS)
    seen = Worker.objects.filter(seen_at__gte=recent).order_by("-seen_at")
    return [worker for worker in seen if Queue.GPU in worker.queues]


def kinds_for_gpu() -> set[str]:
    """The kinds of jobs for which a GPU worker lives, or was there a moment ago."""
    return {kind for worker in gpu_workers_of_late() for kind in worker.kinds}


def is_alive(worker: Worker) -> bool:
    """Whether `worker`, as it was read, was seen lately and has not ended."""
    silent = (timezone.now() - worker.seen_at).total_seconds()
    return worker.stopped_at is None and silent < SEEN_SECONDS


def forget_old() -> None:
    """Drop workers that were not seen for a week."""
    Worker.objects.filter(seen_at__lt=Now() - timedelta(days=7), jobs__isnull=True).delete()


@lru_cache(maxsize=1)
def _version() -> str:
    try:
        return version("assay")
    except PackageNotFoundError:
        return ""
