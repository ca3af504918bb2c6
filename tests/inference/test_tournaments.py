"""Tournaments: played, interrupted, capped, failing, told on their pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from rest_framework.test import APIClient

from apps.catalog import queries as catalog
from apps.catalog.models import DatasetVersion
from apps.catalog.services import create_model, set_price
from apps.inference import queries, services, tournament_pages
from apps.inference.kinds import KINDS
from apps.inference.models import ModelSource, Run, Tournament
from apps.inference.runners import Answer, Question, RunnerFailed, Unaffordable
from apps.inference.services import contest
from apps.inference.services.execute import answer
from apps.jobs.context import JobContext
from apps.jobs.models import Job, State
from apps.teams.models import Team, User
from tests.inference.furniture import Parrot, ParrotRunner, prompts

Jobs = Callable[[], list[Job]]
ITEMS = 40
RIGHT = {
    "good": 36,
    "fair": 24,
    "poor": 12,
    "bad": 4,
}  # of the 40 items, in the order of the version


class Flock(Parrot):
    """A parrot that answers as well as the model's name says; remembers who was asked what."""

    def __init__(self) -> None:
        super().__init__()
        self.put: list[tuple[str, str]] = []
        self.breaks: Callable[[str, Question], Answer | None] = lambda name, question: None

    def open(self, run: Run, classes: Any) -> ParrotRunner:
        name = run.source.model.name

        def say(question: Question) -> Answer:
            self.put.append((name, question.item_id))
            broken = self.breaks(name, question)
            if broken is not None:
                return broken
            right = int(question.item_id.removeprefix("item-")) < RIGHT[name]
            return Answer(
                question.item_id,
                question.prompt if right else "wrong",
                input_tokens=10,
                output_tokens=10,
            )

        return ParrotRunner(Parrot(say=say), ())


@pytest.fixture
def flock(monkeypatch: pytest.MonkeyPatch) -> Flock:
    kind = Flock()
    monkeypatch.setitem(KINDS, "parrot", kind)
    return kind


@pytest.fixture
def version(team: Team, eddie: User) -> DatasetVersion:
    texts = [f"text {n}" for n in range(ITEMS)]
    return prompts(team, eddie, texts, texts)


@pytest.fixture
def sources(flock: Flock, team: Team, eddie: User) -> list[ModelSource]:
    return [
        services.add_source(
            user=eddie,
            model=create_model(user=eddie, team=team, name=name),
            kind="parrot",
            location="here",
        )
        for name in RIGHT
    ]


def started(
    user: User, version: DatasetVersion, sources: list[ModelSource], **options: Any
) -> Tournament:
    options.setdefault("budget", 80)
    return services.start_tournament(
        user=user, version=version, sources=sources, scorer="exact", **options
    )


def priced(user: User, sources: list[ModelSource]) -> None:
    for source in sources:
        set_price(
            user=user,
            model=source.model,
            valid_from=date(2020, 1, 1),
            input_per_million=Decimal(50),
            output_per_million=Decimal(50),
            source="test",
        )


def test_the_best_wins_within_the_budget_on_the_same_prompts(
    eddie: User, version: DatasetVersion, sources: list[ModelSource], flock: Flock, run_jobs: Jobs
) -> None:
    tournament = started(eddie, version, sources)
    job = run_jobs()[0]
    assert job.state == State.SUCCEEDED, job.error
    tournament.refresh_from_db()
    assert [(one["asked"], len(one["candidates"])) for one in tournament.rounds] == [
        (10, 4),
        (30, 2),
    ]
    assert len(flock.put) == len(set(flock.put)) == 80
    asked = {name: {item for who, item in flock.put if who == name} for name in RIGHT}
    assert asked["good"] == asked["fair"]
    assert asked["poor"] == asked["bad"] < asked["good"]
    assert tournament.results["order"][0] == "good"
    left = {place.name: place.left_in for place in tournament.places.all()}
    assert left == {"good": None, "fair": None, "poor": 1, "bad": 1}
    said = tournament_pages.sentence(tournament)
    assert "`good`" in said
    assert "on the 30 prompts that both answered" in said
    assert "80 answers were paid for; all candidates on all prompts would have been 160." in said


def test_its_runs_end_as_ordinary_ones(
    eddie: User, version: DatasetVersion, sources: list[ModelSource], run_jobs: Jobs
) -> None:
    started(eddie, version, sources)
    run_jobs()
    table = catalog.outcomes_of(version)
    assert set(table.model_names) == set(RIGHT)
    runs = {run.source.model.name: run for run in Run.objects.all()}
    assert (runs["good"].answered, runs["good"].total, runs["good"].sample) == (30, 30, 30)
    assert runs["bad"].answers_blob
    assert not runs["good"].journal.exists()


def test_a_worker_that_dies_pays_for_no_answer_twice(
    eddie: User,
    version: DatasetVersion,
    sources: list[ModelSource],
    flock: Flock,
    run_jobs: Jobs,
    settings: Any,
) -> None:
    settings.JOB_RETRY_SECONDS = 0

    def dies(name: str, question: Question) -> None:
        if len(flock.put) in (5, 25, 61):
            raise ConnectionError("the line broke")

    flock.breaks = dies
    tournament = started(eddie, version, sources)
    run_jobs()
    tournament.refresh_from_db()
    if not tournament.results:  # the attempts were used up: a person goes on
        services.resume_tournament(user=eddie, tournament=tournament)
        run_jobs()
        tournament.refresh_from_db()
    assert tournament.results["order"][0] == "good"
    assert tournament.results["answers"] == 80
    assert sum(count - 1 for count in Counter(flock.put).values()) == 3  # those that never came


def test_what_was_cancelled_goes_on_where_it_stopped(
    eddie: User,
    version: DatasetVersion,
    sources: list[ModelSource],
    flock: Flock,
    run_jobs: Jobs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tournament = started(eddie, version, sources)
    asks = answer

    def cancels_after(ctx: JobContext, run: Run, *given: Any) -> None:
        asks(ctx, run, *given)
        if len(flock.put) == 20:
            services.cancel(user=eddie, work=queries.tournaments(eddie).get())

    monkeypatch.setattr(contest, "answer", cancels_after)
    assert run_jobs()[0].state == State.CANCELLED
    assert len(flock.put) == 20
    monkeypatch.setattr(contest, "answer", asks)
    tournament = queries.tournaments(eddie).get()
    assert "was stopped in round 1, with 4 of 4 candidates left" in tournament_pages.sentence(
        tournament
    )
    run = Run.objects.get(source__model__name="good")
    with pytest.raises(ValidationError, match="belongs to a tournament"):
        services.resume_run(user=eddie, run=run)
    services.resume_tournament(user=eddie, tournament=tournament)
    run_jobs()
    tournament.refresh_from_db()
    assert tournament.results["answers"] == 80
    with pytest.raises(ValidationError, match="is over"):
        services.resume_tournament(user=eddie, tournament=tournament)


def test_a_candidate_that_cannot_be_run_is_out_with_its_reason(
    eddie: User, version: DatasetVersion, sources: list[ModelSource], flock: Flock, run_jobs: Jobs
) -> None:
    def breaks(name: str, question: Question) -> Answer | None:
        if name == "good":
            raise RunnerFailed("The endpoint knows no such model.")
        if name == "poor" and question.item_id != "item-1":
            return Answer(question.item_id, failure="Too many requests.")
        return None

    flock.breaks = breaks
    tournament = started(eddie, version, sources)
    run_jobs()
    tournament.refresh_from_db()
    reasons = {place.name: place.reason for place in tournament.places.all()}
    assert reasons["good"] == "The endpoint knows no such model."
    assert "prompts have no answer to score. Too many requests." in reasons["poor"]
    assert tournament.results["order"][:2] == ["fair", "bad"]
    assert tournament.results["answers"] <= 80


def test_where_no_candidate_can_be_run_it_fails_with_their_reasons(
    eddie: User, version: DatasetVersion, sources: list[ModelSource], flock: Flock, run_jobs: Jobs
) -> None:
    def breaks(name: str, question: Question) -> Answer | None:
        raise RunnerFailed(f"No {name} here.")

    flock.breaks = breaks
    started(eddie, version, sources)
    job = run_jobs()[0]
    assert job.state == State.FAILED
    assert job.error.startswith("No candidate could be run.")
    assert all(f"{name}: No {name} here." in job.error for name in RIGHT)


def test_dollars_are_a_budget_too(
    eddie: User, version: DatasetVersion, sources: list[ModelSource], run_jobs: Jobs
) -> None:
    priced(eddie, sources)  # an answer costs $0.001
    tournament = started(eddie, version, sources, budget=None, cap=Decimal("0.08"))
    run_jobs()
    tournament.refresh_from_db()
    spend = Decimal(tournament.results["spend"])
    assert Decimal("0.07") <= spend <= Decimal("0.08")
    assert tournament.results["order"][0] == "good"
    assert tournament.results["full"]["usd"] == pytest.approx(0.16)


def test_an_answer_dearer_than_estimated_ends_it_at_the_cap(
    eddie: User, version: DatasetVersion, sources: list[ModelSource], flock: Flock, run_jobs: Jobs
) -> None:
    priced(eddie, sources)

    def talks(name: str, question: Question) -> Answer:
        return Answer(question.item_id, question.prompt, input_tokens=10, output_tokens=190)

    flock.breaks = talks  # $0.01 each, ten times what was reckoned with
    tournament = started(eddie, version, sources, budget=None, cap=Decimal("0.08"))
    assert run_jobs()[0].state == State.SUCCEEDED
    tournament.refresh_from_db()
    assert len({name for name, _ in flock.put}) == 1  # what it asks at once; then nobody is asked
    assert tournament_pages.sentence(tournament).startswith("Nothing is known: the budget ended")


def test_money_that_ends_amid_a_round_leaves_a_verdict_on_what_both_answered(
    eddie: User, version: DatasetVersion, sources: list[ModelSource], flock: Flock, run_jobs: Jobs
) -> None:
    def ends(name: str, question: Question) -> None:
        if len(flock.put) > 60:
            raise Unaffordable("The money is gone.")

    flock.breaks = ends
    tournament = started(eddie, version, sources)
    assert run_jobs()[0].state == State.SUCCEEDED
    tournament.refresh_from_db()
    assert tournament.results["order"][0] == "good"
    assert tournament.results["answers"] == 60
    said = tournament_pages.sentence(tournament)
    assert "on the 10 prompts that both answered" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sources": 2}, "Choose 3 to 64 models"),
        ({"budget": None}, "Give answers or US dollars"),
        ({"budget": 7}, "does not reach for one prompt"),
        ({"cap": Decimal(1)}, "has no price"),
        ({"reference": "site"}, "No item has a label"),
        ({"scorer_settings": {"x": 1}}, "no setting"),
    ],
)
def test_what_cannot_be_played_is_refused_before_anything_is_paid(
    eddie: User,
    version: DatasetVersion,
    sources: list[ModelSource],
    change: dict[str, Any],
    said: str,
) -> None:
    chosen = sources[: change.pop("sources", 4)]
    with pytest.raises(ValidationError, match=said):
        started(eddie, version, chosen, **change)
    assert not Run.objects.exists()


def test_items_without_a_reference_would_be_paid_for_nothing(
    team: Team, eddie: User, sources: list[ModelSource]
) -> None:
    version = prompts(team, eddie, ["one", "two", "three"], ["one", "two"])
    with pytest.raises(ValidationError, match="1 of 3 items have nothing to compare"):
        started(eddie, version, sources)


def test_a_viewer_starts_none(
    vic: User, version: DatasetVersion, sources: list[ModelSource]
) -> None:
    with pytest.raises(PermissionDenied):
        started(vic, version, sources)


def test_it_is_started_and_read_on_its_pages(
    eddie: User,
    version: DatasetVersion,
    sources: list[ModelSource],
    client_of: Callable[[User], Client],
    run_jobs: Jobs,
) -> None:
    client = client_of(eddie)
    asked = {
        "version": version.pk,
        "sources": [source.pk for source in sources],
        "scorer": "exact",
        "budget": 80,
    }
    refused = client.post("/tournaments/new/", {**asked, "budget": ""})
    assert refused.status_code == 400
    assert "Give answers or US dollars" in refused.content.decode()
    page = client.post("/tournaments/new/", asked, follow=True).content.decode()
    assert "Round 1: 4 of 4 candidates are left." in page
    run_jobs()
    tournament = Tournament.objects.get()
    page = client.get(f"/tournaments/{tournament.slug}/").content.decode()
    assert "Left in round 1." in page
    assert "80 of 80 answers paid for" in " ".join(page.split())
    assert "<code>good</code>" in client.get("/tournaments/").content.decode()
    client.post(f"/tournaments/{tournament.slug}/delete/")
    assert not Tournament.objects.exists()
    assert Run.objects.count() == 4


def test_settings_of_its_scorer_are_set_where_it_has_them(
    eddie: User,
    version: DatasetVersion,
    sources: list[ModelSource],
    client_of: Callable[[User], Client],
) -> None:
    client = client_of(eddie)
    asked = {
        "version": version.pk,
        "sources": [source.pk for source in sources],
        "scorer": "contains",
        "budget": 80,
        "score_ignore_case": "no",
    }
    form = client.get("/tournaments/new/").content.decode()
    assert "Only for: the reference stands in the answer; the reference, a pattern" in form
    refused = client.post("/tournaments/new/", {**asked, "score_path": "a.0"})
    assert "contains has no setting `path`." in refused.content.decode()
    assert not Run.objects.exists()
    client.post("/tournaments/new/", asked)
    assert {str(run.scorer_settings) for run in Run.objects.all()} == {"{'ignore_case': False}"}


def test_a_program_starts_and_stops_one(
    eddie: User,
    version: DatasetVersion,
    sources: list[ModelSource],
    api_of: Callable[..., APIClient],
    run_jobs: Jobs,
) -> None:
    api = api_of(eddie)
    body = {
        "dataset": version.dataset.slug,
        "sources": [str(source.pk) for source in sources],
        "scorer": "exact",
        "budget": 80,
    }
    made = api.post("/api/v1/tournaments/", body, format="json")
    assert made.status_code == 201, made.json()
    address = f"/api/v1/tournaments/{made.json()['slug']}/"
    assert api.post(f"{address}cancel/").json()["state"] == State.CANCELLED
    assert api.post(f"{address}resume/").json()["state"] == State.QUEUED
    run_jobs()
    found = api.get(address).json()
    assert found["state"] == State.SUCCEEDED
    assert found["results"]["order"][0] == "good"
    left = {one["name"]: one["left_in"] for one in found["candidates"]}
    assert left == {"good": None, "fair": None, "poor": 1, "bad": 1}
    wrong = api.post("/api/v1/tournaments/", {**body, "sources": [made.json()["id"]] * 3})
    assert wrong.status_code == 400
    assert api.delete(address).status_code == 204
