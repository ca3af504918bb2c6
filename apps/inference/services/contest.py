"""The job of a tournament: round by round, each candidate's run is made longer and answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from decimal import ROUND_DOWN, Decimal
from functools import partial
from itertools import chain
from typing import Any

from django.core.exceptions import ValidationError

from apps.inference import halving
from apps.inference.models import Run, Tournament, TournamentPlace
from apps.inference.runners import RunnerFailed, Unaffordable
from apps.inference.services.execute import answer
from apps.inference.services.finish import conclude
from apps.inference.services.journal import CapReached, Journal
from apps.inference.services.tournaments import price_of, shares_of
from apps.jobs.context import JobContext, JobFailed

_UNANSWERED = 0.1  # the share of a candidate's prompts that may have no answer
_GONE = "The tournament has been deleted."
_CENTS = Decimal("0.000001")


def hold(ctx: JobContext) -> None:
    """Play the rounds that are left, write the runs down, and keep who won by how much.

    Raises:
        JobFailed: no candidate could be run.
    """
    found = Tournament.objects.select_related("version__dataset", "version__team", "team")
    tournament = found.filter(pk=ctx.params["tournament"]).first()
    if tournament is None:
        raise JobFailed(_GONE)
    _Contest(ctx, tournament).play()


class _Contest:
    """One attempt; all that it decides is written down before it is acted upon."""

    def __init__(self, ctx: JobContext, tournament: Tournament) -> None:
        self.ctx, self.tournament = ctx, tournament
        rows = tournament.places.select_related("run__source__model", "run__team")
        self.places: list[TournamentPlace] = list(rows)
        self.journals: dict[str, Journal] = {}
        for place in self.places:
            if place.run is not None:
                place.run.version = tournament.version
                self.journals[place.name] = Journal(ctx, place.run)
        self.scores = {name: _scores(journal) for name, journal in self.journals.items()}
        self.rounds: list[dict[str, Any]] = tournament.rounds
        self.all_rounds = halving.rounds_of(len(self.places))

    @property
    def playing(self) -> list[TournamentPlace]:
        return [place for place in self.places if place.left_in is None]

    @property
    def runs(self) -> list[Run]:
        return [place.run for place in self.places if place.run is not None]

    def play(self) -> None:
        """See `hold`."""
        while "standings" not in self.rounds[-1]:
            self._end_round(whole=self._ask())
        for place in self.places:
            self._write_down(place)
        results = results_of(self.tournament, self.places, self.scores)
        with self.ctx.finishing({"tournament": self.tournament.slug}):
            Tournament.objects.filter(pk=self.tournament.pk).update(results=results)

    def _ask(self) -> bool:
        """Put this round's prompts to all that remain; False where the money ends before that."""
        asked = self.rounds[-1]["asked"]
        for place in self.playing:
            if place.run is None:
                self._out(place, "Its run has been deleted.")
                continue
            self._extend(place.run, asked)
            journal = self.journals[place.name]
            if place.run.cap is not None and place.run.spend >= place.run.cap:
                return False
            try:
                answer(self.ctx, place.run, journal, partial(self._tell, place))
            except (CapReached, Unaffordable):
                return False
            except RunnerFailed as failure:
                self._out(place, str(failure))
            except ValidationError as error:
                self._out(place, " ".join(error.messages))
            finally:
                self._reread(place)
        self._drop_who_does_not_answer(asked)
        return True

    def _extend(self, run: Run, asked: int) -> None:
        """The run's own numbers for this round: no more prompts, and no more money than is left."""
        run.sample = asked if asked < self.tournament.version.item_count else None
        run.total = asked
        if self.tournament.cap is not None:
            spent = sum((other.spend for other in self.runs if other.pk != run.pk), Decimal(0))
            left = max(self.tournament.cap - spent, Decimal(0))
            run.cap = left.quantize(_CENTS, ROUND_DOWN)
        with self.ctx.fenced():
            Run.objects.filter(pk=run.pk).update(
                sample=run.sample, total=run.total, cap=run.cap, job=self.ctx.job
            )

    def _reread(self, place: TournamentPlace) -> None:
        if place.run is not None:
            place.run.refresh_from_db(fields=["answered", "failed", "spend"])
            self.scores[place.name] = _scores(self.journals[place.name])

    def _tell(self, place: TournamentPlace, held: int, message: str) -> None:
        """Progress over all candidates, to the end of this round."""
        others = sum(
            len(journal.held) for name, journal in self.journals.items() if name != place.name
        )
        gone = sum(
            len(self.journals[one.name].held)
            for one in self.places
            if one.left_in is not None and one.name in self.journals
        )
        wanted = gone + self.rounds[-1]["asked"] * len(self.playing)
        said = f"Round {len(self.rounds)} of {self.all_rounds}: {place.name}"
        self.ctx.progress(others + held, wanted, said)

    def _drop_who_does_not_answer(self, asked: int) -> None:
        """Who leaves out what others answer would be compared on what suits it, or spoil it for all."""
        playing = self.playing
        reachable = set(chain.from_iterable(self.scores[place.name] for place in playing))
        for place in playing:
            missing = len(reachable - self.scores[place.name].keys())
            if missing > _UNANSWERED * asked:
                why = next(
                    (one.failure for one in self.journals[place.name].all() if one.failure), ""
                )
                self._out(
                    place,
                    f"{missing:,} of {asked:,} prompts have no answer to score. {why}".strip(),
                )

    def _out(self, place: TournamentPlace, reason: str) -> None:
        place.left_in, place.reason = len(self.rounds), reason[:600]
        with self.ctx.fenced():
            place.save(update_fields=["left_in", "reason"])

    def _end_round(self, *, whole: bool) -> None:
        """Rank who remains; where another round can be paid, the worse half goes and that one is opened."""
        playing = self.playing
        if not playing:
            reasons = " ".join(f"{place.name}: {place.reason}" for place in self.places)
            raise JobFailed(f"No candidate could be run. {reasons}"[:1_000])
        ranked = halving.standings(
            {place.name: self.scores[place.name] for place in playing},
            {place.name: float(price_of(place.run)) for place in playing if place.run is not None},
        )
        self.rounds[-1]["standings"] = [[one.name, one.mean] for one in ranked]
        went: list[TournamentPlace] = []
        number = len(self.rounds)
        if whole and len(ranked) > 1:
            staying = halving.better_half(ranked, self._more)
            if more := self._more(staying):
                names = [one.name for one in staying]
                went = [place for place in playing if place.name not in names]
                asked = self.rounds[-1]["asked"] + more
                self.rounds.append({"asked": asked, "candidates": names})
        with self.ctx.fenced():
            gone = TournamentPlace.objects.filter(pk__in=[place.pk for place in went])
            gone.update(left_in=number)
            held = Tournament.objects.filter(pk=self.tournament.pk)
            if not held.update(rounds=self.rounds):
                raise JobFailed(_GONE)
        for place in went:
            place.left_in = number

    def _more(self, staying: Sequence[halving.Standing]) -> int:
        """How many further prompts these would answer in a next round; 0 where there is none."""
        left = min(self.all_rounds - len(self.rounds), halving.rounds_of(len(staying)))
        if left < 1:
            return 0
        names = {one.name for one in staying}
        remaining = [
            place.run for place in self.places if place.run is not None and place.name in names
        ]
        return halving.allotment(
            shares_of(self.tournament, self.runs, remaining),
            rounds_left=left,
            room=self.tournament.version.item_count - self.rounds[-1]["asked"],
        )

    def _write_down(self, place: TournamentPlace) -> None:
        """The end of an ordinary run, with what has been answered; a fault is told on the run's page."""
        run = place.run
        if run is None or not run.answered or not run.journal.exists():
            return
        try:
            conclude(self.ctx, run, Journal(self.ctx, run), self.ctx.fenced())
        except (JobFailed, ValidationError) as error:
            why = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
            with self.ctx.fenced():
                Run.objects.filter(pk=run.pk).update(notes=[*run.notes, why])


def results_of(
    tournament: Tournament,
    places: list[TournamentPlace],
    scores: dict[str, dict[int, float]],
) -> dict[str, Any]:
    """What the page says of a tournament that is over.

    {"order": names, the winner first; "tied": names that share the first place; "rows": {name: {"prompts",
    "mean", "spend", "gap": the winner's lead as `halving.Difference`, or null}}; "answers", "spend": in
    all; "full": {"answers", "usd" or null} of all candidates on all prompts, at the price measured}
    """
    last = next((one for one in reversed(tournament.rounds) if one.get("standings")), None)
    ranked = last["standings"] if last else []
    first = [name for name, _ in ranked]
    later = sorted(
        (place for place in places if place.name not in first),
        key=lambda place: (-(place.left_in or 0), -_mean(scores.get(place.name, {})), place.name),
    )
    order = [*first, *(place.name for place in later)]
    winner = scores.get(order[0], {})
    pairs = len(places) * (len(places) - 1) // 2
    rows: dict[str, Any] = {}
    for place in places:
        own = scores.get(place.name, {})
        gap = None
        if first and place.name != order[0]:
            gap = halving.difference(winner, own, comparisons=pairs)
        rows[place.name] = {
            "prompts": len(own),
            "mean": _mean(own) if own else None,
            "spend": str(place.run.spend) if place.run else "0",
            "gap": asdict(gap) if gap else None,
        }
    runs = [place.run for place in places if place.run is not None]
    items = tournament.version.item_count
    priced = len(runs) == len(places) and all(run.estimate.get("usd") for run in runs)
    return {
        "order": order,
        "tied": [name for name, mean in ranked if mean == ranked[0][1]],
        "rows": rows,
        "answers": sum(run.answered + run.failed for run in runs),
        "spend": str(sum((run.spend for run in runs), Decimal(0))),
        "full": {
            "answers": items * len(places),
            "usd": float(sum(map(price_of, runs), Decimal(0)) * items) if priced else None,
        },
    }


def _scores(journal: Journal) -> dict[int, float]:
    return {
        one.position: one.score
        for one in journal.all()
        if not one.failure and one.score is not None
    }


def _mean(scores: dict[int, float]) -> float:
    return sum(scores.values()) / len(scores) if scores else 0.0
