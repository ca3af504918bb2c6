"""Runs over an endpoint, from the dataset to the outcomes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError

from apps.catalog import queries as catalog
from apps.catalog.models import CandidateModel, DatasetVersion
from apps.catalog.services import create_model, set_price
from apps.inference import pages, services
from apps.inference.endpoints.models import Endpoint
from apps.inference.endpoints.services import create_endpoint, delete_endpoint
from apps.inference.kinds import KINDS
from apps.inference.models import ModelSource, Run, RunAnswer
from apps.jobs.models import Job, State
from apps.teams.models import Team, User
from tests.inference.furniture import prompts
from tests.partners.server import Asked, Server, chat, reply, serving

Jobs = Callable[[], list[Job]]
COUNT = 40


async def echo(asked: Asked, out: asyncio.StreamWriter) -> None:
    out.write(reply(chat(asked.prompt.upper())))


@pytest.fixture
def server(settings: Any) -> Iterator[Server]:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    settings.JOB_RETRY_SECONDS = 0
    with serving(echo) as ready:
        yield ready


@pytest.fixture
def endpoint(alice: User, team: Team, server: Server) -> Endpoint:
    return create_endpoint(
        user=alice, team=team, name="House", base_url=server.url, key="sk-1", concurrency=4
    )


@pytest.fixture
def model(eddie: User, team: Team) -> CandidateModel:
    return create_model(user=eddie, team=team, name="tiny")


@pytest.fixture
def version(eddie: User, team: Team) -> DatasetVersion:
    texts = [f"text {n}" for n in range(COUNT)]
    return prompts(team, eddie, texts, [f"TEXT {n}" for n in range(COUNT - 10)] + ["x"] * 10)


@pytest.fixture
def source(eddie: User, model: CandidateModel, endpoint: Endpoint) -> ModelSource:
    return services.add_source(
        user=eddie,
        model=model,
        kind="endpoint",
        location="tiny-1",
        settings={"endpoint": endpoint.slug, "instructions": "Shout.", "max_new_tokens": 5},
    )


def started(user: User, version: DatasetVersion, source: ModelSource, **more: Any) -> Run:
    return services.start_run(user=user, version=version, source=source, scorer="exact", **more)


def run_job(jobs: list[Job]) -> Job:
    return next(job for job in jobs if job.kind == services.RUN)


def test_a_run_over_an_endpoint_ends_as_outcomes(
    eddie: User, version: DatasetVersion, source: ModelSource, server: Server, run_jobs: Jobs
) -> None:
    run = started(eddie, version, source)
    job = run_job(run_jobs())
    assert job.state == State.SUCCEEDED, job.error
    table = catalog.outcomes_of(version)
    assert table.score[:, 0].tolist() == [1] * (COUNT - 10) + [0] * 10
    assert table.in_tokens is not None
    assert set(table.in_tokens[:, 0].tolist()) == {7}
    assert table.latency_ms is not None
    assert np.isfinite(table.latency_ms).all()
    run.refresh_from_db()
    assert (run.answered, run.input_tokens, run.output_tokens) == (COUNT, 7 * COUNT, 3 * COUNT)
    assert run.facts["endpoint"] == server.url
    assert "sk-1" not in f"{run.facts}{run.notes}{run.settings}{job.params}{job.result}"
    shown = dict(pages.settings_of(run))
    assert (shown["Limit name"], shown["Endpoint"]) == ("max_tokens", source.settings["endpoint"])
    body = server.asked[0].json
    assert body["model"] == "tiny-1"
    assert body["messages"][0] == {"role": "system", "content": "Shout."}


def test_a_run_goes_on_where_an_endpoint_fails_now_and_then(
    eddie: User, version: DatasetVersion, source: ModelSource, run_jobs: Jobs, settings: Any
) -> None:
    async def moody(asked: Asked, out: asyncio.StreamWriter) -> None:
        number = int(asked.prompt.split()[1])
        out.write(reply("<html>") if number % 10 == 3 else reply(chat(asked.prompt.upper())))

    with serving(moody) as other:
        Endpoint.objects.update(base_url=other.url, sealed_key="")
        run = started(eddie, version, source)
        job = run_job(run_jobs())
    assert job.state == State.SUCCEEDED, job.error
    run.refresh_from_db()
    assert (run.answered, run.failed) == (COUNT - 4, 4)
    assert np.isnan(catalog.outcomes_of(version).score[3, 0])


def test_an_endpoint_that_stays_away_ends_the_run_with_the_reason_and_it_can_go_on(
    eddie: User, version: DatasetVersion, source: ModelSource, run_jobs: Jobs
) -> None:
    asked: Counter[str] = Counter()

    async def away_after_ten(one: Asked, out: asyncio.StreamWriter) -> None:
        asked[one.prompt] += 1
        out.write(reply(chat("yes")) if len(asked) <= 10 else reply("no", "418 Teapot"))

    with serving(away_after_ten) as other:
        Endpoint.objects.update(base_url=other.url, sealed_key="")
        run = started(eddie, version, source)
        job = run_job(run_jobs())
    assert job.state == State.FAILED
    assert "questions in a row without an answer" in job.error
    assert "answered 418" in job.error
    with serving(echo) as back:
        Endpoint.objects.update(base_url=back.url)
        services.resume_run(user=eddie, run=run)
        assert run_job(run_jobs()).state == State.SUCCEEDED
    assert len(back.asked) == COUNT - 10
    run.refresh_from_db()
    assert (run.answered, run.failed) == (COUNT, 0)


def test_a_run_stops_before_it_costs_more_than_its_cap_and_goes_on_with_a_higher_one(
    eddie: User, version: DatasetVersion, source: ModelSource, server: Server, run_jobs: Jobs
) -> None:
    set_price(
        user=eddie,
        model=source.model,
        valid_from=date(2026, 1, 1),
        input_per_million=Decimal(1000),
        output_per_million=Decimal(2000),
    )
    cap = Decimal("0.30")  # an answer costs 0.013, and may cost about 0.04
    run = started(eddie, version, source, cap=cap)
    job = run_job(run_jobs())
    assert job.state == State.FAILED
    run.refresh_from_db()
    assert job.error.startswith(f"Stopped at the cap of $0.3: {run.answered} of {COUNT} answered.")
    assert Decimal("0.24") < run.spend <= cap
    assert run.spend == run.answered * Decimal("0.013")
    assert run.answered == RunAnswer.objects.count() == len(server.asked)
    services.resume_run(user=eddie, run=run, cap=Decimal(5))
    assert run_job(run_jobs()).state == State.SUCCEEDED
    assert Counter(server.prompts) == Counter({f"text {n}": 1 for n in range(COUNT)})


def test_a_cap_needs_a_price(eddie: User, version: DatasetVersion, source: ModelSource) -> None:
    with pytest.raises(ValidationError, match="has no price: a cap needs one"):
        started(eddie, version, source, cap=Decimal(1))


def test_a_run_whose_endpoint_is_gone_says_so(
    alice: User,
    version: DatasetVersion,
    source: ModelSource,
    endpoint: Endpoint,
    run_jobs: Jobs,
) -> None:
    started(alice, version, source)
    delete_endpoint(user=alice, endpoint=endpoint)
    job = run_job(run_jobs())
    assert (job.state, job.error) == (
        State.FAILED,
        "The endpoint of this model has been deleted.",
    )


def test_an_endpoint_of_another_team_is_not_found(
    charlie: User, other_team: Team, endpoint: Endpoint
) -> None:
    theirs = create_model(user=charlie, team=other_team, name="tiny")
    with pytest.raises(ValidationError, match="Choose one of the team's endpoints"):
        services.add_source(
            user=charlie,
            model=theirs,
            kind="endpoint",
            location="tiny-1",
            settings={"endpoint": endpoint.slug},
        )


@pytest.mark.parametrize(
    "given",
    [
        {"temperature": 3},
        {"temperature": True},
        {"max_new_tokens": 0},
        {"max_new_tokens": 1.5},
        {"seed": -1},
        {"limit_name": "max"},
        {"instructions": 7},
        {"key": "sk-1"},
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        KINDS["endpoint"].clean(given)
    assert list(caught.value.message_dict) == list(given)
