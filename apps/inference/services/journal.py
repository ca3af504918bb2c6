"""The journal of a run: answers are committed as they come, and what stands there is not asked again."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from apps.inference import answers
from apps.inference.answers import Kept
from apps.inference.models import Run, RunAnswer
from apps.jobs.context import JobContext, JobFailed

DELETED = "The run has been deleted."


class CapReached(JobFailed):
    """The run has spent what it may."""


class Journal:
    """What a run has been answered: earlier, in the file of a run that ended; and now, in rows."""

    def __init__(self, ctx: JobContext, run: Run) -> None:
        self.ctx, self.run = ctx, run
        self.earlier = [kept for kept in self._file() if not kept.failure]
        rows = run.journal.values_list("position", flat=True)
        self.held = {kept.position for kept in self.earlier} | set(rows)

    def commit(self, arrived: Sequence[Kept], notes: Sequence[str] = ()) -> None:
        """Keep answers, and what they cost, if this worker still holds the run.

        Raises:
            LeaseLost, Cancelled: nothing was kept. JobFailed: the run is gone. CapReached: the answers
            are kept, and no further ones may be paid for.
        """
        spent = sum((Decimal(repr(kept.cost)) for kept in arrived if kept.cost), Decimal(0))
        failed = sum(1 for kept in arrived if kept.failure)
        with self.ctx.fenced():
            changed = Run.objects.filter(pk=self.run.pk).update(
                answered=F("answered") + len(arrived) - failed,
                failed=F("failed") + failed,
                input_tokens=F("input_tokens") + sum(kept.input_tokens or 0 for kept in arrived),
                output_tokens=F("output_tokens") + sum(kept.output_tokens or 0 for kept in arrived),
                spend=F("spend") + spent,
                notes=list(notes),
            )
            if not changed:
                raise JobFailed(DELETED)
            RunAnswer.objects.bulk_create(
                [_row(self.run, kept) for kept in arrived], batch_size=500
            )
        self.held.update(kept.position for kept in arrived)
        self.run.spend += spent
        self._check_cap()

    def _check_cap(self) -> None:
        cap, left = self.run.cap, self.run.total - len(self.held)
        if cap is not None and self.run.spend >= cap and left > 0:
            raise CapReached(
                f"The run has spent its cap of ${cap.normalize():f}; {left:,} "
                f"{'item is' if left == 1 else 'items are'} left. Raise the cap to go on."
            )

    def all(self) -> list[Kept]:
        """Every answer and failure that stands, of the file and of the rows."""
        rows = [row.kept for row in self.run.journal.all().iterator(chunk_size=2_000)]
        asked = {kept.position for kept in rows}
        return [kept for kept in self.earlier if kept.position not in asked] + rows

    def clear(self) -> None:
        """Forget the rows, inside the transaction that names the file made of them."""
        assert transaction.get_connection().in_atomic_block  # noqa: S101
        rows = RunAnswer.objects.filter(run=self.run)
        rows._raw_delete(rows.db)

    def _file(self) -> list[Kept]:
        return answers.read(self.run.answers_blob) if self.run.answers_blob else []


def _row(run: Run, kept: Kept) -> RunAnswer:
    return RunAnswer(
        run=run,
        position=kept.position,
        failed=bool(kept.failure),
        payload=answers.payload(kept),
        input_tokens=kept.input_tokens,
        output_tokens=kept.output_tokens,
        cost=None if kept.cost is None else Decimal(repr(kept.cost)),
    )
