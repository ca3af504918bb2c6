"""An endpoint's limits over all who ask it: runs, judges, tournaments and chats, on any machine.

Each who asks holds a row with the slots that are its own for some seconds, and renews it. Slots come out of
what nobody else holds, up to an even part of the limit; who holds more gives them back as its calls end.
Who dies does not renew, and its slots are free again. The pace is a clock in the endpoint's row, which
whoever takes turns moves on. All times are the database's (docs/decisions/0020-limits-are-leased.md).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models.functions import Now

from apps.inference.endpoints.models import Endpoint, EndpointUse

AHEAD_SECONDS = 1.5  # so far ahead turns are taken at most, or else one
ODD_SECONDS = 5  # so long a slot that cannot be divided stays with one
LONGEST_SECONDS = 300.0  # no lease and no turn lies further ahead, unless the clock was set back
PATIENCE_SECONDS = 10.0
_AGAIN_SECONDS = 0.1


class NoPlace(Exception):
    """A question cannot go out; the text says why, in a sentence."""


class Crowded(NoPlace):
    """The endpoint is asked as much as it may be just now."""


class Deleted(NoPlace):
    """The endpoint is no more."""


@dataclass(frozen=True)
class Grant:
    """What may go out. `slots`: questions at once, for `seconds`. `turns`: in how many seconds further
    requests may go out, each in one of them; None: whenever. All seconds count from before it was asked for.
    """

    slots: int
    seconds: float
    turns: tuple[float, ...] | None = None


def lease_seconds() -> float:
    """Shorter than a job's lease: who lost that asks nothing more, even where it slept meanwhile."""
    return float(settings.JOB_LEASE_SECONDS) / 2


class Share:
    """One's part of an endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint_id, self._holder = endpoint.pk, uuid4()

    def claim(
        self,
        *,
        wanted: int,
        held: int = 0,
        waiting: int = 0,
        in_stock: int = 0,
        seconds: float | None = None,
        within: float = LONGEST_SECONDS,
    ) -> Grant:
        """Take or renew it.

        Args:
            wanted: slots that could be used. held: those that may be in use until this is answered; where
                less is granted they are given back by the next claim.
            waiting: requests that wait for a turn. in_stock: turns that were granted and not yet taken.
            seconds: how long the slots are needed; else as long as `lease_seconds`.
            within: a turn that is further away is not taken.

        Raises:
            Deleted: there is no such endpoint any more.
        """
        lasting = lease_seconds() if seconds is None else seconds
        with transaction.atomic():
            rows = Endpoint.objects.select_for_update(of=("self",)).annotate(now=Now())
            endpoint = rows.filter(pk=self._endpoint_id).first()
            if endpoint is None:
                raise Deleted("The endpoint of this model has been deleted.")
            now: datetime = endpoint.now
            slots = self._slots(endpoint, now, wanted)
            EndpointUse.objects.bulk_create(
                [
                    EndpointUse(
                        holder=self._holder,
                        endpoint=endpoint,
                        slots=max(slots, held),
                        wanted=wanted,
                        until=now + timedelta(seconds=lasting),
                    )
                ],
                update_conflicts=True,
                unique_fields=["holder"],
                update_fields=["slots", "wanted", "until"],
            )
            turns = _turns(endpoint, now, waiting if slots else 0, in_stock, within)
        return Grant(slots, lasting, turns)

    def release(self) -> None:
        """Give it back. Where the database is away, it ends by itself."""
        with suppress(DatabaseError):
            EndpointUse.objects.filter(holder=self._holder).delete()

    def _slots(self, endpoint: Endpoint, now: datetime, wanted: int) -> int:
        """An even part, as far as nobody else holds it."""
        uses = EndpointUse.objects.filter(endpoint=endpoint).exclude(holder=self._holder)
        far = now + timedelta(seconds=LONGEST_SECONDS)
        others: list[EndpointUse] = []
        dead: list[EndpointUse] = []
        for use in uses:
            (others if now < use.until <= far else dead).append(use)
        if dead:
            EndpointUse.objects.filter(holder__in=[use.holder for use in dead]).delete()
        wants = sorted([(use.holder, use.wanted) for use in others] + [(self._holder, wanted)])
        shares = even(
            endpoint.concurrency,
            [want for _, want in wants],
            first=int(now.timestamp() // ODD_SECONDS),
        )
        own = shares[wants.index((self._holder, wanted))]
        return max(0, min(own, endpoint.concurrency - sum(use.slots for use in others)))


def even(limit: int, wants: Sequence[int], *, first: int = 0) -> list[int]:
    """An even part of `limit` for each, none above what it wants; what cannot be divided goes in turn,
    beginning with the place `first`."""
    parts = [0] * len(wants)
    left = limit
    while open_ones := [place for place, want in enumerate(wants) if want > parts[place]]:
        each, odd = divmod(left, len(open_ones))
        if not each:
            for step in range(odd):
                parts[open_ones[(first + step) % len(open_ones)]] += 1
            break
        for place in open_ones:
            given = min(each, wants[place] - parts[place])
            parts[place] += given
            left -= given
    return parts


def _turns(
    endpoint: Endpoint, now: datetime, waiting: int, in_stock: int, within: float
) -> tuple[float, ...] | None:
    """Seconds until each of the next turns, which nobody else gets then."""
    if not endpoint.requests_per_minute:
        return None
    apart = 60 / endpoint.requests_per_minute
    count = min(waiting, max(1, int(AHEAD_SECONDS / apart)) - in_stock)
    start = ((endpoint.next_at or now) - now).total_seconds()
    if start > LONGEST_SECONDS + apart:  # the clock was set back
        start = 0.0
    start = max(0.0, start)
    if count < 1 or start > within:
        return ()
    later = now + timedelta(seconds=start + count * apart)
    Endpoint.objects.filter(pk=endpoint.pk).update(next_at=later)
    return tuple(start + number * apart for number in range(count))


@contextmanager
def one_question(endpoint: Endpoint, *, seconds: float) -> Iterator[None]:
    """A slot and a turn for one question that takes so many seconds at most; waits up to 10 s for them.

    Raises:
        Crowded: none came free. Deleted: there is no such endpoint any more.
    """
    share = Share(endpoint)
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while True:
            left = deadline - time.monotonic()
            grant = share.claim(
                wanted=1, waiting=1, seconds=seconds + PATIENCE_SECONDS, within=max(0.0, left)
            )
            if grant.slots and grant.turns != ():
                break
            if left <= 0:
                raise Crowded(
                    f"{endpoint.name} is asked as much as it may be just now; ask again in a moment."
                )
            time.sleep(_AGAIN_SECONDS)
        if grant.turns:
            time.sleep(grant.turns[0])
        yield
    finally:
        share.release()
