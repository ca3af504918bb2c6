"""Wakes workers through the broker. A lost wake-up costs a few seconds, never a job.

Publishing happens in a thread of its own, because a broker that accepts a connection and then says
nothing must not hold up the request that asked for the work.
"""

import os
import threading

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 1.0


class _Publisher(threading.Thread):
    """Sends one message for every queue that was asked for, one after another."""

    def __init__(self) -> None:
        super().__init__(name="wake", daemon=True)
        self.pid = os.getpid()
        self._condition = threading.Condition()
        self._wanted: set[str] = set()
        self._asked = 0
        self._answered = 0
        self._stuck = False

    def ask(self, queue: str) -> None:
        """Have `queue` woken; waits about a second at most, and not at all behind a stuck broker."""
        with self._condition:
            self._asked += 1
            ticket = self._asked
            self._wanted.add(queue)
            self._condition.notify_all()
            if self._stuck:
                return
            if not self._condition.wait_for(lambda: self._answered >= ticket, PATIENCE_SECONDS):
                self._stuck = True
                log.warning("wake.slow", queue=queue)

    def run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: bool(self._wanted))
                wanted, self._wanted = self._wanted, set()
                ticket = self._asked
            for queue in wanted:
                _publish(queue)
            with self._condition:
                self._answered = ticket
                self._stuck = False
                self._condition.notify_all()


_lock = threading.Lock()
_publisher: _Publisher | None = None


def wake(queue: str) -> None:
    """Tell the workers of `queue` that there is a job; never raises, never takes much over a second."""
    global _publisher
    with _lock:
        if _publisher is None or _publisher.pid != os.getpid() or not _publisher.is_alive():
            _publisher = _Publisher()
            _publisher.start()
    _publisher.ask(queue)


def broker_queue(queue: str) -> str:
    """What `queue` is called at the broker."""
    return f"{settings.JOB_QUEUE_PREFIX}{queue}"


def _publish(queue: str) -> None:
    from apps.jobs.tasks import work

    try:
        work.apply_async(args=(queue,), queue=broker_queue(queue), retry=False, ignore_result=True)
    except Exception as error:  # whatever a transport raises: housekeeping wakes later
        log.warning("wake.failed", queue=queue, error=str(error))
