"""The job of a run: questions go out, answers are scored, priced and kept as they come."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from queue import Empty, Full, Queue

from django.core.exceptions import ValidationError

from apps.catalog import queries as catalog
from apps.inference import queries
from apps.inference.answers import Kept
from apps.inference.kinds import KINDS, Gives
from apps.inference.models import ModelSource, Run
from apps.inference.runners import Answer, Question, Runner, RunnerFailed
from apps.inference.scorers import Scorer
from apps.inference.scoring import made_scorer
from apps.inference.services.finish import finish
from apps.inference.services.journal import DELETED, Journal
from apps.jobs.context import JobContext, JobFailed

_READ = 200  # items read at a time
_WAITING = 2_000  # answers that may wait to be kept
_MOST = 500  # answers kept in one transaction

# Says how many answers a run holds, and what it does.
Tell = Callable[[int, str], None]


def execute(ctx: JobContext) -> None:
    """Answer what has no answer yet, then hand the whole to the catalog.

    Raises:
        JobFailed: the model cannot be run, or the run has spent its cap.
    """
    run = (
        Run.objects.select_related("team", "version__dataset", "version__team", "source__model")
        .filter(pk=ctx.params["run"])
        .first()
    )
    if run is None:
        raise JobFailed(DELETED)
    with ctx.fenced():
        Run.objects.filter(pk=run.pk).update(job=ctx.job)
    journal = Journal(ctx, run)
    try:
        answer(ctx, run, journal)
        finish(ctx, run, journal)
    except RunnerFailed as failure:
        raise JobFailed(str(failure)) from failure
    except ValidationError as error:
        raise JobFailed(" ".join(error.messages)) from error


def answer(ctx: JobContext, run: Run, journal: Journal, tell: Tell | None = None) -> None:
    """Put the questions that are left, and keep what comes. `tell`: in the place of the job's progress.

    Raises:
        RunnerFailed: the model cannot be run. CapReached, Unaffordable: what it may spend is spent.
    """
    work = _Work(ctx, run, journal, tell or partial(_progress, ctx, run))
    if work.groups:
        work.answer()


def _progress(ctx: JobContext, run: Run, held: int, message: str) -> None:
    ctx.progress(held, run.total, message)


class _Work:
    """One attempt. `groups`: places asked together and kept together."""

    def __init__(self, ctx: JobContext, run: Run, journal: Journal, tell: Tell) -> None:
        self.tell = tell
        if run.source.kind not in KINDS:
            raise JobFailed(f"There is no kind `{run.source.kind}` of models to run here.")
        self.ctx, self.run, self.journal = ctx, run, journal
        self.kind = KINDS[run.source.kind]
        self.ids = catalog.item_ids_of(run.version)
        self.place = {item: index for index, item in enumerate(self.ids)}
        self.quote = queries.quote_of(run.source)
        self.scorer: Scorer | None = None
        self.references: dict[int, str] = {}
        if self.kind.gives == Gives.TEXT:
            self.scorer = made_scorer(run.scorer, run.scorer_settings)
            self.references = queries.references_of(run.version, run.reference)
        order = [int(place) for place in queries.order_of(run.version, run.sample)]
        size = self.kind.chunk if self.kind.chunk > 1 else len(order) or 1
        chunks = (order[start : start + size] for start in range(0, len(order), size))
        left = ([place for place in chunk if place not in journal.held] for chunk in chunks)
        self.groups = [group for group in left if group]

    def answer(self) -> None:
        """Open the model and put every question that is left to it."""
        self._tell("Loading the model" if self.kind.local else "Asking")
        classes = catalog.class_names_of(self.run.version)
        runner = self.kind.open(self.run, classes)
        pump = _Pump(runner, self._batches(), stepwise=self.run.cap is not None)
        try:
            self._enter(runner)
            self._pin(runner)
            runner.tend(self.ctx.fenced)
            pump.start()
            self._keep(runner, pump)
        finally:
            pump.stopped.set()
            runner.__exit__(*sys.exc_info())

    def _enter(self, runner: Runner) -> None:
        """Let the model get ready, which may take minutes, and be stopped meanwhile."""
        problems: list[BaseException] = []

        def enter() -> None:
            try:
                runner.__enter__()
            except BaseException as error:
                problems.append(error)

        entering = threading.Thread(target=enter, name="runner-enters", daemon=True)
        entering.start()
        while entering.is_alive():
            entering.join(0.5)
            self.ctx.raise_if_stopped()
        if problems:
            raise problems[0]

    def _keep(self, runner: Runner, pump: _Pump) -> None:
        waiting: list[Kept] = []
        for arrived, whole in pump.arrivals():
            if self.kind.chunk > 1:
                self.ctx.raise_if_stopped()
            waiting += [self._kept(answer, runner) for answer in arrived]
            if waiting and (whole or self.kind.chunk == 1):
                notes = list(dict.fromkeys([*self.run.notes, *runner.notes]))
                self.journal.commit(waiting, notes)
                self.run.notes = notes
                waiting = []
            if whole:
                pump.kept.set()
            runner.tend(self.ctx.fenced)
            self._tell()  # ends here where the work is not wanted any more: what was paid for is kept
        left = sum(place not in self.journal.held for group in self.groups for place in group)
        if left:
            raise RuntimeError(f"The model gave no answer to {left:,} items.")

    def _batches(self) -> Iterator[tuple[list[Question], list[Answer]]]:
        """The questions of each group, and the answers to those that cannot be asked."""
        for group in self.groups:
            asked: list[Question] = []
            blank: list[Answer] = []
            for start in range(0, len(group), _READ):
                for item in catalog.items_of(self.run.version, group[start : start + _READ]):
                    if self.kind.reads_images and not item.image:
                        blank.append(Answer(item.id, failure="The item has no picture."))
                    elif not self.kind.reads_images and not (item.text or "").strip():
                        blank.append(Answer(item.id, failure="The item has no text."))
                    else:
                        asked.append(Question(item.id, item.text or "", item.image))
            yield asked, blank

    def _kept(self, answer: Answer, runner: Runner) -> Kept:
        place = self.place[answer.item_id]
        if answer.failure:
            return Kept(
                place,
                failure=_clean(answer.failure)[:500],
                input_tokens=answer.input_tokens,
                output_tokens=answer.output_tokens,
                cost=self._cost(answer),
            )
        label = confidence = score = None
        why = ""
        if answer.label is not None:
            label = runner.classes[answer.label]
            if answer.probabilities is not None:
                confidence = answer.probabilities[answer.label]
        if self.scorer is not None and place in self.references:
            found = self.scorer.score(answer.text, self.references[place])
            score, why = found.value, found.why
        return Kept(
            place,
            text=_clean(answer.text),
            label=label,
            confidence=confidence,
            loss=answer.loss,
            latency_ms=answer.latency_ms,
            score=score,
            why=_clean(why),
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            cost=self._cost(answer),
        )

    def _cost(self, answer: Answer) -> float | None:
        """US dollars by the price book; None where price or tokens are unknown, or nothing was used."""
        if self.quote is None or answer.input_tokens is None or answer.output_tokens is None:
            return None
        cost = self.quote.per_call(
            input_tokens=answer.input_tokens, output_tokens=answer.output_tokens
        )
        return float(cost + (answer.calls - 1) * (self.quote.price.per_call or 0))

    def _pin(self, runner: Runner) -> None:
        """Remember what exactly is run: the next run of this source runs the same, or says why not."""
        self.run.facts = runner.facts
        revision = str(runner.facts.get("revision", ""))
        with self.ctx.fenced():
            Run.objects.filter(pk=self.run.pk).update(facts=runner.facts)
            if revision and not self.run.source.revision:
                free = ModelSource.objects.filter(pk=self.run.source_id, revision="")
                free.update(revision=revision)
                self.run.source.revision = revision

    def _tell(self, message: str = "") -> None:
        self.tell(len(self.journal.held), message)
        self.ctx.raise_if_stopped()


class _Pump(threading.Thread):
    """Puts questions to a runner and hands on what it answers, while others are being kept.

    `stepwise`: not before the group before has been kept (`kept`), which may have spent the cap.
    """

    def __init__(
        self,
        runner: Runner,
        batches: Iterator[tuple[list[Question], list[Answer]]],
        *,
        stepwise: bool,
    ) -> None:
        super().__init__(name="runner", daemon=True)
        self.stopped, self.kept = threading.Event(), threading.Event()
        self._stepwise = stepwise
        self._runner, self._batches = runner, batches
        # An answer, the end of a group (None), or why there will be no more.
        self._queue: Queue[Answer | BaseException | None] = Queue(_WAITING)
        self._ended = False

    def run(self) -> None:
        try:
            for asked, blank in self._batches:
                for answer in blank:
                    self._put(answer)
                for answer in self._runner.answers(asked) if asked else ():
                    self._put(answer)
                self.kept.clear()
                self._put(None)
                while self._stepwise and not self.stopped.is_set() and not self.kept.wait(0.5):
                    continue
            self._put(StopIteration())
        except BaseException as error:
            self._put(error)

    def _put(self, value: Answer | BaseException | None) -> None:
        while not self.stopped.is_set():
            try:
                self._queue.put(value, timeout=0.5)
                return
            except Full:
                continue

    def arrivals(self) -> Iterator[tuple[Sequence[Answer], bool]]:
        """What has come since, at least twice a second, and whether it ends a group."""
        ended = False
        while not ended:
            arrived: list[Answer] = []
            whole = False
            deadline = time.monotonic() + 0.5
            while not whole and not ended and len(arrived) < _MOST:
                patience = 0.0 if arrived else max(0.0, deadline - time.monotonic())
                try:
                    value = (
                        self._queue.get(timeout=patience) if patience else self._queue.get(False)
                    )
                except Empty:
                    break
                if isinstance(value, Answer):
                    arrived.append(value)
                elif value is None:
                    whole = True
                elif isinstance(value, StopIteration):
                    ended = True
                else:
                    if arrived:
                        yield arrived, False
                    raise value
            yield arrived, whole


def _clean(text: str) -> str:
    """`text` as a database can store it."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
