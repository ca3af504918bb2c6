"""Start tournaments, let them go on, stop them, delete them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.catalog.models import DatasetVersion
from apps.core.models import new_slug
from apps.inference import halving, queries
from apps.inference.kinds import KINDS, Gives
from apps.inference.models import ModelSource, Run, Tournament, TournamentPlace
from apps.inference.services.runs import cancel, made_run, queue_of
from apps.jobs import services as jobs
from apps.teams.models import Role, User
from apps.teams.services import audit, require

TOURNAMENT = "inference.tournament"
FEWEST = 3
MOST = 64


@transaction.atomic
def start_tournament(
    *,
    user: User,
    version: DatasetVersion,
    sources: Sequence[ModelSource],
    scorer: str,
    scorer_settings: dict[str, Any] | None = None,
    reference: str = "",
    settings: dict[str, Any] | None = None,
    budget: int | None = None,
    cap: Decimal | None = None,
) -> Tournament:
    """Look for the best of several candidates on a version, in the background.

    Args:
        settings: for every candidate, over those of its source. budget: answers in all. cap: US dollars
            in all. One of the two at least; both are kept.

    Raises:
        PermissionDenied: below editor. ValidationError: what cannot be run, by its field.
    """
    require(user=user, team=version.team, role=Role.EDITOR)
    _check_candidates(sources)
    if budget is None and cap is None:
        raise ValidationError({"budget": "Give answers or US dollars that may be spent in all."})
    runs = []
    # In one order: each model is held, and two tournaments that start at once must not wait for each other.
    for source in sorted(sources, key=lambda one: one.model_id):
        run = made_run(
            user=user,
            version=version,
            source=source,
            settings=settings or {},
            scorer=scorer,
            scorer_settings=scorer_settings or {},
            reference=reference,
            sample=None,
            cap=cap,
        )
        runs.append(run)
    _check_references(version, reference)
    tournament = Tournament(
        team=version.team,
        created_by=user,
        slug=new_slug(version.dataset.name),
        version=version,
        budget=budget,
        cap=cap,
    )
    asked = halving.allotment(
        shares_of(tournament, runs, runs),
        rounds_left=halving.rounds_of(len(runs)),
        room=version.item_count,
    )
    if not asked:
        raise ValidationError(
            {
                "budget"
                if cap is None
                else "cap": "This does not reach for one prompt a candidate in each round."
            }
        )
    names = [run.source.model.name for run in runs]
    tournament.rounds = [{"asked": asked, "candidates": names}]
    tournament.full_clean()
    tournament.save()
    for run in runs:
        run.sample, run.total = asked if asked < version.item_count else None, asked
        run.save()
        TournamentPlace.objects.create(tournament=tournament, run=run, name=run.source.model.name)
    audit(user=user, team=version.team, action="tournament.started", target=tournament)
    _send(tournament, user)
    return tournament


@transaction.atomic
def resume_tournament(*, user: User, tournament: Tournament) -> Tournament:
    """Go on where it was stopped: nothing that has been answered is asked again.

    Raises:
        PermissionDenied: below editor. ValidationError: it is over.
    """
    require(user=user, team=tournament.team, role=Role.EDITOR)
    held: Tournament = Tournament.objects.select_for_update(of=("self",)).get(pk=tournament.pk)
    if held.results:
        raise ValidationError("This tournament is over.")
    if held.finished:
        audit(user=user, team=held.team, action="tournament.resumed", target=held)
        _send(held, user)
    return held


@transaction.atomic
def delete_tournament(*, user: User, tournament: Tournament) -> None:
    """Delete a tournament; the runs of its candidates and what they brought stay."""
    require(user=user, team=tournament.team, role=Role.EDITOR)
    cancel(user=user, work=tournament)
    audit(user=user, team=tournament.team, action="tournament.deleted", target=tournament)
    tournament.delete()


def shares_of(
    tournament: Tournament, runs: Sequence[Run], remaining: Sequence[Run]
) -> list[halving.Share]:
    """What is left of answers and of dollars, and what a prompt to all that remain takes of it."""
    shares = []
    if tournament.budget is not None:
        held = sum(run.answered + run.failed for run in runs)
        left = Decimal(tournament.budget - held)
        shares.append(halving.Share(left, Decimal(len(remaining))))
    if tournament.cap is not None:
        left = tournament.cap - sum((run.spend for run in runs), Decimal(0))
        shares.append(halving.Share(left, sum(map(price_of, remaining), Decimal(0))))
    return shares


def price_of(run: Run) -> Decimal:
    """US dollars of an answer: as measured, or before the first one the estimate's upper end."""
    held = run.answered + run.failed
    if held and run.spend:
        return run.spend / held
    usd = run.estimate.get("usd")
    return Decimal(repr(float(usd[1]))) / run.estimate["prompts"] if usd else Decimal(0)


def _send(tournament: Tournament, user: User) -> None:
    runs = Run.objects.filter(places__tournament=tournament).select_related("source")
    tournament.job = jobs.enqueue(
        user=user,
        team=tournament.team,
        kind=TOURNAMENT,
        title=str(tournament)[:200],
        params={"tournament": str(tournament.pk)},
        key=str(tournament.pk),
        queue=queue_of([KINDS[run.source.kind] for run in runs if run.source.kind in KINDS]),
    )
    Tournament.objects.filter(pk=tournament.pk).update(job=tournament.job)
    Run.objects.filter(pk__in=[run.pk for run in runs]).update(job=tournament.job)


def _check_candidates(sources: Sequence[ModelSource]) -> None:
    if not FEWEST <= len(sources) <= MOST:
        raise ValidationError({"sources": f"Choose {FEWEST} to {MOST} models."})
    names = [source.model.name for source in sources]
    for source in sources:
        kind = KINDS.get(source.kind)
        if kind is not None and kind.gives != Gives.TEXT:
            raise ValidationError(
                {
                    "sources": f"{source.model.name} does not answer in words, which are compared here."
                }
            )
        if names.count(source.model.name) > 1:
            raise ValidationError(
                {"sources": f"{source.model.name} is chosen twice: each model takes part once."}
            )


def _check_references(version: DatasetVersion, reference: str) -> None:
    """An answer that cannot be scored would be paid for nothing."""
    lacking = version.item_count - len(queries.references_of(version, reference))
    if lacking:
        raise ValidationError(
            {
                "reference": f"{lacking:,} of {version.item_count:,} items have nothing to compare an "
                "answer with: they would be paid for and not scored."
            }
        )
