"""Runs: started, answered, interrupted, capped, gone on with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from threading import Thread
from time import sleep
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, connections

from apps.catalog import queries as catalog
from apps.catalog.models import CandidateModel
from apps.catalog.services import create_model, set_price
from apps.inference import answers, queries, services
from apps.inference.kinds import KINDS, Estimate, Gives
from apps.inference.models import ModelSource, Run, RunAnswer
from apps.inference.runners import Answer, Question, RunnerFailed
from apps.inference.scoring import made_scorer
from apps.jobs.models import Job, State
from apps.teams.models import Team, User
from tests.inference.furniture import Parrot, echo, prompts

Jobs = Callable[[], list[Job]]
TEXTS = ["one", "two words", "three whole words", "four"]


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch) -> Parrot:
    kind = Parrot()
    monkeypatch.setitem(KINDS, kind.name, kind)
    return kind


@pytest.fixture
def model(team: Team, eddie: User) -> CandidateModel:
    return create_model(user=eddie, team=team, name="polly")


@pytest.fixture
def source(parrot: Parrot, model: CandidateModel, eddie: User) -> ModelSource:
    return services.add_source(user=eddie, model=model, kind="parrot", location="somewhere")


def started(user: User, source: ModelSource, **options: Any) -> Run:
    version = prompts(source.team, user, TEXTS, ["one", "two", "three whole words", "4"])
    return services.start_run(user=user, version=version, source=source, scorer="exact", **options)


def test_a_run_ends_as_outcomes_of_the_version(
    eddie: User, source: ModelSource, run_jobs: Jobs
) -> None:
    run = started(eddie, source)
    job = run_jobs()[0]
    assert job.state == State.SUCCEEDED, job.error
    run.refresh_from_db()
    table = catalog.outcomes_of(run.version)
    assert table.model_names == ("polly",)
    assert table.score[:, 0].tolist() == [1, 0, 1, 0]
    assert table.in_tokens is not None
    assert table.in_tokens[:, 0].tolist() == [1, 2, 3, 1]
    assert (run.answered, run.failed, run.input_tokens) == (4, 0, 7)
    assert run.outcomes is not None
    assert not RunAnswer.objects.exists()
    assert [kept.text for kept in answers.read(run.answers_blob)] == TEXTS


def test_a_run_of_a_classifier_ends_as_predictions(
    team: Team, eddie: User, source: ModelSource, parrot: Parrot, run_jobs: Jobs
) -> None:
    parrot.gives = Gives.LABEL
    parrot.say = lambda q: Answer(q.item_id, label=len(q.prompt) % 2, probabilities=(0.25, 0.75))
    version = prompts(team, eddie, TEXTS, class_names=["even", "odd"])
    run = services.start_run(user=eddie, version=version, source=source)
    job = run_jobs()[0]
    assert job.state == State.SUCCEEDED, job.error
    table = catalog.predictions_of(version)
    assert table.predictions.tolist() == [[1, 1, 1, 0]]
    assert table.probabilities is not None
    np.testing.assert_allclose(table.probabilities[0], [0.75, 0.75, 0.75, 0.25])
    run.refresh_from_db()
    assert run.predictions is not None


def test_a_worker_that_dies_pays_for_no_answer_twice(
    eddie: User, source: ModelSource, parrot: Parrot, run_jobs: Jobs, settings: Any
) -> None:
    settings.JOB_RETRY_SECONDS = 0

    def dies_once(question: Question) -> Answer:
        if question.item_id == "item-2" and parrot.asked.count("item-2") == 1:
            raise ConnectionError("the line broke")
        return echo(question)

    parrot.say = dies_once
    run = started(eddie, source)
    jobs = run_jobs()
    assert [job.state for job in jobs if job.kind == services.RUN] == [
        State.QUEUED,
        State.SUCCEEDED,
    ]
    assert parrot.asked == ["item-0", "item-1", "item-2", "item-2", "item-3"]
    run.refresh_from_db()
    assert (run.answered, run.input_tokens) == (4, 7)


def test_what_is_kept_in_chunks_is_asked_again_in_the_same_chunks(
    eddie: User, source: ModelSource, parrot: Parrot, run_jobs: Jobs, settings: Any
) -> None:
    settings.JOB_RETRY_SECONDS = 0
    parrot.chunk = 2

    def dies_once(question: Question) -> Answer:
        if question.item_id == "item-3" and parrot.asked.count("item-3") == 1:
            raise ConnectionError("the line broke")
        return echo(question)

    parrot.say = dies_once
    started(eddie, source)
    run_jobs()
    assert parrot.asked == ["item-0", "item-1", "item-2", "item-3", "item-2", "item-3"]


def test_a_run_stops_at_its_cap_and_goes_on_when_that_is_raised(
    eddie: User, source: ModelSource, parrot: Parrot, run_jobs: Jobs
) -> None:
    set_price(user=eddie, model=source.model, valid_from=date(2026, 1, 1), per_call=Decimal("0.25"))
    parrot.chunk = 2
    run = started(eddie, source, cap=Decimal("0.5"))
    job = run_jobs()[0]
    assert job.state == State.FAILED
    assert job.error == (
        "The run has spent its cap of $0.5; 2 items are left. Raise the cap to go on."
    )
    run.refresh_from_db()
    assert run.spend == Decimal("0.5")
    services.resume_run(user=eddie, run=run, cap=Decimal(2))
    job = run_jobs()[0]
    assert job.state == State.SUCCEEDED
    run.refresh_from_db()
    assert run.spend == Decimal(1)
    assert sorted(parrot.asked) == [f"item-{n}" for n in range(4)]


def test_failed_answers_are_no_scores_and_can_be_asked_again(
    eddie: User, source: ModelSource, parrot: Parrot, run_jobs: Jobs
) -> None:
    parrot.say = lambda q: Answer(q.item_id, failure="No.") if q.item_id == "item-0" else echo(q)
    run = started(eddie, source)
    run_jobs()
    run.refresh_from_db()
    assert (run.state, run.answered, run.failed) == (State.SUCCEEDED, 3, 1)
    assert np.isnan(catalog.outcomes_of(run.version).score[0, 0])
    parrot.say = echo
    services.resume_run(user=eddie, run=run)
    run_jobs()
    run.refresh_from_db()
    assert (run.answered, run.failed) == (4, 0)
    assert catalog.outcomes_of(run.version).score[:, 0].tolist() == [1, 0, 1, 0]
    assert run.version.outcome_batches.count() == 1
    assert parrot.asked.count("item-1") == 1
    with pytest.raises(ValidationError, match="Every item of this run has its answer"):
        services.resume_run(user=eddie, run=run)


def test_a_run_of_which_nothing_came_fails_and_says_why(
    eddie: User, source: ModelSource, parrot: Parrot, run_jobs: Jobs
) -> None:
    parrot.say = lambda q: Answer(q.item_id, failure="The server says 500.")
    started(eddie, source)
    job = run_jobs()[0]
    assert (job.state, job.error) == (
        State.FAILED,
        "No item has an answer. The first one: The server says 500.",
    )


def test_a_model_that_cannot_be_run_fails_at_once(
    eddie: User, source: ModelSource, parrot: Parrot, run_jobs: Jobs
) -> None:
    def refuse(question: Question) -> Answer:
        raise RunnerFailed("The folder is gone.")

    parrot.say = refuse
    started(eddie, source)
    job = run_jobs()[0]
    assert (job.state, job.error) == (State.FAILED, "The folder is gone.")


def test_a_cancelled_run_can_go_on(eddie: User, source: ModelSource, run_jobs: Jobs) -> None:
    run = started(eddie, source)
    services.cancel(user=eddie, work=run)
    assert run_jobs() == []
    assert run.state == State.CANCELLED
    services.resume_run(user=eddie, run=run)
    run_jobs()
    run = Run.objects.get(pk=run.pk)
    assert run.state == State.SUCCEEDED


def test_a_larger_sample_holds_the_smaller_one(
    team: Team, eddie: User, source: ModelSource, parrot: Parrot, run_jobs: Jobs
) -> None:
    version = prompts(team, eddie, [f"text {n}" for n in range(40)], ["text 1"] * 40)
    run = services.start_run(user=eddie, version=version, source=source, scorer="exact", sample=5)
    run_jobs()
    first = set(parrot.asked)
    assert len(first) == 5
    assert (catalog.outcomes_of(version).ran.sum(), run.total) == (5, 5)
    run.refresh_from_db()
    Run.objects.filter(pk=run.pk).update(sample=9, total=9)
    services.resume_run(user=eddie, run=run)
    run_jobs()
    assert len(set(parrot.asked)) == len(parrot.asked) == 9
    assert first < set(parrot.asked)


def test_what_cannot_be_run_is_refused_in_a_sentence(
    team: Team, eddie: User, vic: User, source: ModelSource, parrot: Parrot, run_jobs: Jobs
) -> None:
    version = prompts(team, eddie, TEXTS)
    for options, sentence in (
        ({"scorer": "exact"}, "No item has a label to compare answers with"),
        ({"scorer": "guess"}, "Choose how answers are compared"),
        ({"scorer": "contains", "scorer_settings": {"x": 1}}, "contains has no setting `x`"),
        ({"scorer": "numeric", "scorer_settings": {"absolute": "a"}}, "`absolute` is a number"),
        ({"scorer": "json-field"}, "json-field needs `path`"),
    ):
        with pytest.raises(ValidationError, match=sentence):
            services.start_run(user=eddie, version=version, source=source, **options)
    parrot.reads_images = True
    with pytest.raises(ValidationError, match="have no pictures"):
        services.start_run(user=eddie, version=version, source=source, scorer="exact")
    with pytest.raises(PermissionDenied):
        services.start_run(user=vic, version=version, source=source, scorer="exact")
    with pytest.raises(ValidationError, match="There is no kind `parakeet`"):
        services.add_source(user=eddie, model=source.model, kind="parakeet")


def test_a_model_with_outcomes_on_the_version_is_not_run_again(
    eddie: User, source: ModelSource, run_jobs: Jobs
) -> None:
    run = started(eddie, source)
    with pytest.raises(ValidationError, match="is being run on Prompts v1 already"):
        services.start_run(user=eddie, version=run.version, source=source, scorer="exact")
    run_jobs()
    with pytest.raises(ValidationError, match="has outcomes on Prompts v1 already"):
        services.start_run(user=eddie, version=run.version, source=source, scorer="exact")


def test_a_deleted_run_leaves_its_outcomes(
    eddie: User, source: ModelSource, run_jobs: Jobs
) -> None:
    run = started(eddie, source)
    run_jobs()
    services.delete_run(user=eddie, run=Run.objects.get(pk=run.pk))
    assert catalog.outcomes_of(run.version).n_models == 1


@pytest.mark.parametrize("value", [10**400, float("inf"), float("nan"), True, "1"])
def test_a_setting_that_no_number_can_be_is_said_in_a_sentence(value: Any) -> None:
    with pytest.raises(ValidationError, match="Seed: a whole number from 0"):
        KINDS["causal-lm"].clean({"seed": value})
    with pytest.raises(ValidationError, match="`absolute` is a number"):
        made_scorer("numeric", {"absolute": value})


@pytest.mark.parametrize("text", ["a\0", "a\ud800"])
def test_a_text_that_no_database_holds_is_said_in_a_sentence(text: str) -> None:
    with pytest.raises(ValidationError, match="Instructions: a text"):
        KINDS["causal-lm"].clean({"instructions": text})
    with pytest.raises(ValidationError, match="Instructions have"):
        KINDS["endpoint"].clean({"instructions": text})
    with pytest.raises(ValidationError, match="Name one of the team's endpoints"):
        KINDS["endpoint"].clean({"endpoint": text})
    with pytest.raises(ValidationError, match="is mapped to no name"):
        KINDS["text-classification"].clean({"labels": {"LABEL_0": text}})
    with pytest.raises(ValidationError, match="`path` is a text"):
        made_scorer("json-field", {"path": text})


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_started_twice_at_once_is_paid_once(
    eddie: User, source: ModelSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets nobody look while somebody writes")
    version = prompts(source.team, eddie, TEXTS, ["one", "two", "three whole words", "4"])
    estimate = queries.estimate_of

    def slowly(run: Run) -> Estimate:
        sleep(0.3)
        return estimate(run)

    monkeypatch.setattr(queries, "estimate_of", slowly)
    refused: list[ValidationError] = []

    def start() -> None:
        try:
            services.start_run(user=eddie, version=version, source=source, scorer="exact")
        except ValidationError as error:
            refused.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Run.objects.count() == 1
    assert "is being run" in str(refused[0])
