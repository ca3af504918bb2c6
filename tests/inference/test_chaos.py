"""What judges disturbed runs must itself notice answers that were lost, doubled, wrong or paid twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from apps.inference import answers
from apps.inference.chaos import faulty, runs
from apps.inference.chaos.faulty import Faulty
from apps.inference.chaos.runs import EndpointRuns, Floods, Lies
from apps.inference.endpoints.asking import Access
from apps.inference.endpoints.runner import Chat, EndpointRunner
from apps.inference.models import Run
from apps.inference.runners import Answer, Question
from apps.jobs.models import Job
from apps.teams.models import Team

RunJobs = Callable[[], list[Job]]
COUNT = 60


@pytest.fixture(autouse=True)
def _allowed(settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]


def asked_of(server: Faulty) -> list[Answer]:
    access = Access(server.start(), "", concurrency=8, timeout_seconds=0.5)
    runner = EndpointRunner(
        access, model="tiny", script=Chat("tiny", {}), purpose="run-1", backoff_seconds=0.01
    )
    with runner as ready:
        found = ready.answers([Question(f"item-{n}", f"prompt {n}") for n in range(COUNT)])
        return sorted(found, key=lambda one: int(one.item_id[5:]))


@pytest.mark.parametrize("family", [faulty.HANGS, faulty.LIES, faulty.FLOODS])
def test_an_answer_of_a_faulty_endpoint_is_right_or_there_is_none(family: Any) -> None:
    server = Faulty(family, seed=3)
    found = asked_of(server)
    right = [faulty.answer_to(f"prompt {n}") for n in range(COUNT)]
    assert all(one.failure or one.text == text for one, text in zip(found, right, strict=True))
    assert sum(bool(one.failure) for one in found) < COUNT / 2
    assert len(server.met) == len(family)


def test_the_same_seed_brings_the_same_faults() -> None:
    first, second, other = (Faulty(faulty.LIES, seed) for seed in (4, 4, 5))
    for server in (first, second, other):
        asked_of(server)
    assert first.met == second.met
    assert first.met != other.met


@pytest.fixture
def ended(
    team: Team, tmp_path: Path, run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> Callable[[type[EndpointRuns]], EndpointRuns]:
    """A watch whose two runs have come to their end."""

    def end(watching: type[EndpointRuns]) -> EndpointRuns:
        monkeypatch.setattr(runs, "PROMPTS", 24)
        watch = watching(team, tmp_path, Random(1))
        watch.enqueue()
        deadline = time.monotonic() + 120
        while watch.live():
            assert time.monotonic() < deadline, "the runs do not end"
            run_jobs()
        return watch

    return end


def faults(watch: EndpointRuns) -> dict[str, int]:
    found = watch.faults()
    assert found.pop("jobs") == 2
    return {name: count for name, count in found.items() if count}


# Attempts are tried again after a pause, which does not pass within one transaction on PostgreSQL.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("watching", [Lies, Floods])
def test_runs_over_a_faulty_endpoint_come_to_every_right_answer(
    ended: Callable[[type[EndpointRuns]], EndpointRuns], watching: type[EndpointRuns]
) -> None:
    watch = ended(watching)
    assert faults(watch) == {}
    assert watch.met


def rewritten(run: Run, change: Callable[[list[answers.Kept]], list[answers.Kept]]) -> None:
    run.answers_blob = answers.write(change(answers.read(run.answers_blob)))


def test_an_answer_that_is_lost_doubled_or_wrong_is_noticed(
    ended: Callable[[type[EndpointRuns]], EndpointRuns],
) -> None:
    watch = ended(EndpointRuns)
    run = watch.runs[0]
    whole = run.answers_blob
    rewritten(run, lambda kept: kept[:-1])
    assert faults(watch) == {"lost": 1, "differing": 1}  # what the run has spent is too much now
    run.answers_blob = whole
    rewritten(run, lambda kept: [*kept, kept[-1]])
    assert faults(watch) == {"doubled": 1, "differing": 1}
    run.answers_blob = whole
    rewritten(run, lambda kept: [answers.Kept(**vars(kept[0]) | {"text": "no"}), *kept[1:]])
    assert faults(watch) == {"differing": 1}


def test_a_prompt_that_is_asked_after_its_answer_was_kept_is_paid_twice(
    ended: Callable[[type[EndpointRuns]], EndpointRuns],
) -> None:
    watch = ended(EndpointRuns)
    question = next(iter(watch._server.keys))  # chats have none
    watch._asked_for_it[question] = watch._server.asked[question]
    watch._server.asked[question] += 1
    assert faults(watch) == {"paid_twice": 1}
    watch._server.keys[question].add(b"another")
    assert faults(watch) == {"paid_twice": 2}
