"""An endpoint's limits hold over all who ask it, and who dies holds nothing back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db.models.functions import Now

from apps.inference import services
from apps.inference.endpoints import sharing
from apps.inference.endpoints.models import Endpoint, EndpointUse
from apps.inference.endpoints.sharing import Crowded, Deleted, Share, even, one_question
from apps.jobs.models import Job, State
from apps.teams.models import Team, User

LIMIT = 8


@pytest.fixture
def endpoint(alice: User, team: Team) -> Endpoint:
    made: Endpoint = Endpoint.objects.create(
        team=team,
        created_by=alice,
        name="House",
        slug="house",
        base_url="http://127.0.0.1:9",
        concurrency=LIMIT,
    )
    return made


@pytest.mark.parametrize(
    ("limit", "wants", "parts"),
    [
        (8, [8], [8]),
        (8, [3], [3]),
        (8, [8, 8], [4, 4]),
        (8, [8, 1], [7, 1]),
        (8, [8, 0, 2, 2], [4, 0, 2, 2]),
        (7, [8, 8], [4, 3]),
        (1, [8, 8, 8], [1, 0, 0]),
        (0, [8], [0]),
    ],
)
def test_each_gets_an_even_part_and_none_more_than_it_wants(
    limit: int, wants: list[int], parts: list[int]
) -> None:
    assert even(limit, wants) == parts


def test_what_cannot_be_divided_goes_in_turn() -> None:
    assert [even(1, [5, 5], first=first) for first in range(3)] == [[1, 0], [0, 1], [1, 0]]


def test_who_comes_later_gets_its_part_when_it_has_been_given_back(endpoint: Endpoint) -> None:
    first, second = Share(endpoint), Share(endpoint)
    assert first.claim(wanted=LIMIT).slots == LIMIT
    assert second.claim(wanted=LIMIT).slots == 0
    assert first.claim(wanted=LIMIT, held=LIMIT).slots == 4  # and no new call beyond that
    assert second.claim(wanted=LIMIT).slots == 0  # its calls may still be out
    assert first.claim(wanted=LIMIT, held=6).slots == 4
    assert second.claim(wanted=LIMIT).slots == 2
    first.release()
    assert second.claim(wanted=LIMIT, held=2).slots == LIMIT


def test_a_limit_that_is_lowered_holds_from_the_next_renewal_on(endpoint: Endpoint) -> None:
    share = Share(endpoint)
    share.claim(wanted=LIMIT)
    Endpoint.objects.update(concurrency=2)
    assert share.claim(wanted=LIMIT, held=LIMIT).slots == 2
    assert Share(endpoint).claim(wanted=1).slots == 0


def test_the_part_of_who_died_is_free_when_its_lease_ends(endpoint: Endpoint) -> None:
    Share(endpoint).claim(wanted=LIMIT)
    other = Share(endpoint)
    assert other.claim(wanted=LIMIT).slots == 0
    EndpointUse.objects.filter(slots=LIMIT).update(until=Now())
    assert other.claim(wanted=LIMIT).slots == LIMIT
    assert EndpointUse.objects.count() == 1


def test_a_clock_that_was_set_back_leaves_nobody_with_a_part_for_hours(endpoint: Endpoint) -> None:
    Share(endpoint).claim(wanted=LIMIT)
    EndpointUse.objects.update(until=Now() + timedelta(hours=3))
    Endpoint.objects.update(requests_per_minute=60, next_at=Now() + timedelta(hours=3))
    grant = Share(endpoint).claim(wanted=LIMIT, waiting=1)
    assert (grant.slots, grant.turns) == (LIMIT, (0.0,))


def test_turns_of_all_are_a_pace_apart(endpoint: Endpoint) -> None:
    Endpoint.objects.update(requests_per_minute=600)
    first, second = Share(endpoint), Share(endpoint)
    first.claim(wanted=1)
    one = first.claim(wanted=1, held=1, waiting=40).turns
    two = second.claim(wanted=1, waiting=2).turns
    assert one is not None
    assert two is not None
    assert [round(turn, 3) for turn in one] == [round(n * 0.1, 3) for n in range(15)]  # 1.5 s ahead
    assert two[0] == pytest.approx(1.5, abs=0.2)
    assert two[1] - two[0] == pytest.approx(0.1)


def test_no_turn_is_taken_without_a_slot_or_while_some_are_in_stock(endpoint: Endpoint) -> None:
    Endpoint.objects.update(requests_per_minute=6)
    first, second = Share(endpoint), Share(endpoint)
    assert first.claim(wanted=LIMIT, waiting=5).turns == (0.0,)
    assert first.claim(wanted=LIMIT, held=LIMIT, waiting=5, in_stock=1).turns == ()
    assert second.claim(wanted=LIMIT, waiting=5).turns == ()
    later = first.claim(wanted=LIMIT, held=LIMIT, waiting=5).turns or ()
    assert [round(turn) for turn in later] == [10]


def test_an_endpoint_that_is_deleted_is_asked_no_more(endpoint: Endpoint) -> None:
    share = Share(endpoint)
    share.claim(wanted=1)
    endpoint.delete()
    with pytest.raises(Deleted, match="has been deleted"):
        share.claim(wanted=1)


def test_one_question_waits_for_its_place_and_gives_it_back(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "PATIENCE_SECONDS", 0.2)
    Endpoint.objects.update(concurrency=2)
    with ExitStack() as out:
        for _ in range(2):
            out.enter_context(one_question(endpoint, seconds=5))
        with pytest.raises(Crowded, match="House is asked as much as it may be"):
            out.enter_context(one_question(endpoint, seconds=5))
    assert not EndpointUse.objects.exists()


def test_a_run_waits_while_others_have_the_endpoint_and_goes_on_after(
    endpoint: Endpoint,
    eddie: User,
    run_jobs: Callable[[], list[Job]],
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    from apps.catalog.services import create_model
    from tests.inference.furniture import prompts
    from tests.partners.server import always, chat, reply, serving

    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    other = Share(endpoint)
    other.claim(wanted=LIMIT)
    asked_before: list[int] = []
    with serving(always(reply(chat("yes")))) as server:
        Endpoint.objects.update(base_url=server.url)
        source = services.add_source(
            user=eddie,
            model=create_model(user=eddie, team=endpoint.team, name="tiny"),
            kind="endpoint",
            location="tiny",
            settings={"endpoint": endpoint.slug},
        )
        version = prompts(endpoint.team, eddie, ["a", "b", "c"], ["yes"] * 3)
        claim = Share.claim

        def third_time(share: Share, **given: Any) -> Any:
            asked_before.append(len(server.asked))
            if len(asked_before) == 3:
                other.release()
            return claim(share, **given)

        monkeypatch.setattr(Share, "claim", third_time)
        services.start_run(user=eddie, version=version, source=source, scorer="exact")
        job = next(job for job in run_jobs() if job.kind == services.RUN)
    assert job.state == State.SUCCEEDED, job.error
    assert asked_before[:3] == [0, 0, 0]
    assert len(server.asked) == 3
    assert not EndpointUse.objects.exists()


@pytest.mark.parametrize("setup", ["embedded", "rabbitmq"])
def test_runs_of_several_workers_and_chats_keep_the_limits_although_workers_are_killed(
    setup: str, tmp_path: Path
) -> None:
    folder = tmp_path / "trial"
    folder.mkdir()
    watch = "apps.inference.chaos.runs.EndpointRuns"
    done = subprocess.run(
        [sys.executable, "-m", "apps.jobs.chaos.trial", watch, setup, "2", "0", str(folder)],
        cwd=django_settings.BASE_DIR,
        env={key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"},
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    if reason := found.get("unavailable"):
        pytest.skip(reason)
    kept = ("lost", "doubled", "stuck", "differing", "paid_twice", "over_limit")
    assert {name: found[name] for name in kept} == dict.fromkeys(kept, 0)
    assert found["jobs"] >= 2
