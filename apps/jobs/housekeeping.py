"""What every worker does beside its jobs: say that it lives, take jobs from silent workers, and wake
itself for jobs whose wake-up was lost.

It runs in the processes that run the jobs, not in Celery's parent: the parent forks, and a fork in
the middle of another thread's database call leaves a child that hangs.
"""

import os
import signal
import threading
import time
from collections.abc import Sequence

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from apps.jobs import leases, presence, registry, runner, schema, stopping
from apps.jobs.wake import wake

WATCH_SECONDS = 0.5
STARVED_ROUNDS = 6  # a wake-up takes tenths of a second

log = structlog.get_logger(__name__)


class Housekeeping(threading.Thread):
    """Does its rounds every heartbeat, for as long as the process and its parent live."""

    def __init__(self, queues: Sequence[str], parent: int | None) -> None:
        super().__init__(name="housekeeping", daemon=True)
        self._queues = list(queues)
        self._parent = parent
        self._leave_alone_until = 0.0
        self._turns = 0
        self._starved = 0

    def run(self) -> None:
        while True:
            try:
                self.round()
            except (DatabaseError, InterfaceError) as error:
                log.warning("housekeeping.failed", error=str(error))
                connection.close()
                # After a silence of the database the living workers must get to prolong first.
                pause = 2 * settings.JOB_HEARTBEAT_SECONDS
                self._leave_alone_until = time.monotonic() + pause
            next_round = time.monotonic() + settings.JOB_HEARTBEAT_SECONDS
            while time.monotonic() < next_round:
                time.sleep(min(WATCH_SECONDS, settings.JOB_HEARTBEAT_SECONDS))
                self._watch_parent()

    def _watch_parent(self) -> None:
        if self._parent is None:
            return
        if stopping.requested_at_once():
            os._exit(0)
        if os.getppid() != self._parent:
            # An orphan is never given work again: it returns its job and goes. (On Linux the kernel
            # has killed it with its parent already.)
            stopping.request_here()
            if runner.current is None:
                os._exit(0)

    def round(self) -> None:
        """One round: sign of life, silent workers, lost wake-ups."""
        if stopping.requested():
            return
        stopping.hold_back(schema.difference())
        presence.this_worker(self._queues, self._parent)
        if time.monotonic() >= self._leave_alone_until:
            leases.reap()
            presence.forget_old()
        waiting = []
        if runner.current is None and not stopping.held_back():
            waiting = [q for q in self._queues if leases.ready([q], registry.kinds()).exists()]
            for queue in waiting:
                wake(queue)
        self._notice_starving(bool(waiting))

    def _notice_starving(self, jobs_wait: bool) -> None:
        """End the whole worker when it is idle, jobs wait, and no wake-up comes through.

        Where the broker has no event loop (the filesystem), Celery's children read from one pipe
        under one lock, and whoever waits for work holds it. A child that is killed while it is idle
        keeps the lock for ever: its successor lives, but is never given anything. Only a new worker
        helps; the supervisor starts it.
        """
        heard, self._turns = runner.turns != self._turns, runner.turns
        self._starved = self._starved + 1 if jobs_wait and not heard else 0
        shared_pipe = settings.CELERY_BROKER_URL.startswith("filesystem:")
        if self._starved >= STARVED_ROUNDS and shared_pipe and self._parent is not None:
            log.error("worker.starved", parent=self._parent)
            os.kill(self._parent, signal.SIGKILL)
