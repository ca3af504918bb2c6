"""What a handler gets: its job's parameters, and the only ways to write on the job's behalf."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from apps.jobs import leases, stopping
from apps.jobs.models import Job

PROGRESS_SECONDS = 0.5


class JobFailed(Exception):
    """The job cannot succeed, however often it is tried; the text is a sentence for its owner."""


class TryLater(Exception):
    """This attempt came to nothing, which is nobody's mistake; the text is a sentence for its owner."""


class Interrupted(Exception):
    """The handler must end now; raised by the context, and not to be caught."""


class LeaseLost(Interrupted):
    """Another worker may have the job by now; nothing can be written any more."""


class Cancelled(Interrupted):
    """Somebody cancelled the job."""


class Stopping(Interrupted):
    """This worker stops; the job goes back to the queue with its last checkpoint."""


class JobContext:
    """One lease of one job, seen from its handler.

    `state` is the last checkpoint (None at the first attempt): a handler that resumes from it must
    come to the same numbers as one that was never disturbed.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.params: dict[str, Any] = job.params
        self.state: dict[str, Any] | None = job.checkpoint
        self.succeeded = False
        self.told_to_stop = False
        # Set by the heartbeat, which runs beside the handler.
        self.lost = False
        self.cancelled = False
        self._written_at = 0.0

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Say how far the work is; cheap, because it is written about twice a second at most."""
        now = time.monotonic()
        if now - self._written_at < PROGRESS_SECONDS and done != total:
            return
        self._written_at = now
        text = leases.clean_text(message, 300)
        if not leases.write(self.job, done=done, total=total, message=text):
            self.lost = True

    def checkpoint(self, state: dict[str, Any]) -> None:
        """Keep `state` (JSON) for whoever resumes the job. Raises LeaseLost.

        Inside `fenced()` it is kept together with what is written there, or not at all.
        """
        if not leases.write(self.job, checkpoint=state):
            self.lost = True
            raise LeaseLost
        self.state = state

    def should_stop(self) -> bool:
        """True when the work is not wanted here any more: return soon; the rest is taken care of."""
        self.told_to_stop = (
            self.lost or self.cancelled or stopping.requested() or bool(stopping.held_back())
        )
        return self.told_to_stop

    def raise_if_stopped(self) -> None:
        """Raise LeaseLost, Cancelled or Stopping when `should_stop()`."""
        if not self.should_stop():
            return
        if self.lost:
            raise LeaseLost
        raise Cancelled if self.cancelled else Stopping

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """One transaction in which this lease certainly holds; keep it short.

        Raises LeaseLost or Cancelled, and nothing written inside remains, when it does not.
        """
        with transaction.atomic(durable=True):
            self._check()
            yield
            leases.renew(self.job)  # a long block has held up the heartbeat

    @contextmanager
    def finishing(self, result: dict[str, Any]) -> Iterator[None]:
        """Like `fenced()`; the job's success commits together with what is written inside.

        `result` (JSON) may be filled in until the block ends.
        """
        with transaction.atomic(durable=True):
            self._check()
            yield
            if not leases.succeed(self.job, result):
                raise LeaseLost
        self.succeeded = True

    def _check(self) -> None:
        """Lock the job's row and see that the lease holds."""
        row = leases.held(self.job).select_for_update().first()
        if row is None:
            self.lost = True
            raise LeaseLost
        if row.cancel_requested:
            self.cancelled = True
            raise Cancelled
