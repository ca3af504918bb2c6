"""What a judge's verdicts come to, in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.catalog.services import set_price
from apps.inference import services
from apps.inference.models import Run
from apps.inference.verdicts import summary
from apps.jobs.models import Job
from apps.teams.models import Team, User
from tests.inference.test_judge import allowed, judge_of, judging, runs, shorter  # noqa: F401
from tests.partners.server import serving


@pytest.mark.parametrize(
    ("verdicts", "sentence"),
    [
        (
            ["A"] * 60 + ["B"] * 20 + ["tie"] * 20,
            "The judge finds A better, in 75% (95% interval 64% to 84%) of the decided pairs: A is better "
            "in 60 pairs, B in 20, and 20 are ties.",
        ),
        (
            ["A"] * 5 + ["B"] * 7 + ["tie"],
            "no difference that chance could not make: A is better in 5",
        ),
        (["tie"] * 3, "The judge finds no difference: A is better in 0 pairs"),
        (["right"] * 8 + ["wrong"] * 2, "8 of 10 answers right: 80% (95% interval 44% to 97%)."),
        (["cat"], ""),
        ([], ""),
    ],
)
def test_verdicts_are_told_no_surer_than_they_are(verdicts: list[str], sentence: str) -> None:
    assert sentence in summary(verdicts)
    assert bool(summary(verdicts)) == bool(sentence)


def test_from_a_run_to_a_judge_on_the_pages(
    alice: User,
    team: Team,
    runs: tuple[Run, Run],  # noqa: F811
    run_jobs: Callable[[], list[Job]],
    client_of: Callable[[User], Client],
    api_of: Callable[..., APIClient],
) -> None:
    client, (wordy, brief) = client_of(alice), runs
    page = client.get(f"/runs/{wordy.slug}/").content.decode()
    assert f"/runs/{wordy.slug}/judge/" in page
    form = client.get(f"/runs/{wordy.slug}/judge/").content.decode()
    assert "the answers of brief" in form
    response = client.post(f"/runs/{wordy.slug}/judge/", {"against": brief.slug}, follow=True)
    assert "6 cases are ready" in response.content.decode()
    again = client.post(f"/runs/{wordy.slug}/judge/", {"against": brief.slug})
    assert again.status_code == 400
    made = api_of(alice).post("/api/v1/cases/", {"run": brief.slug, "name": "Graded"}).json()
    assert (made["items"], made["left_out"]) == (6, 0)
    version = wordy.version.__class__.objects.exclude(pk=wordy.version_id).earliest("created_at")
    with serving(judging(shorter)) as server:
        source = judge_of(alice, team, server.url)
        price: dict[str, Any] = {"valid_from": date(2026, 1, 1), "per_call": Decimal("0.01")}
        set_price(user=alice, model=source.model, **price)
        run = services.start_run(user=alice, version=version, source=source)
        assert run.estimate["usd"][0] == pytest.approx(0.12)
        run_jobs()
    run.refresh_from_db()
    assert run.spend == Decimal("0.12")
    page = client.get(f"/runs/{run.slug}/").content.decode()
    assert "A is better in 0 pairs, B in 5, and 1 is a tie" in page


def test_a_second_run_is_estimated_by_the_first(runs: tuple[Run, Run], alice: User) -> None:  # noqa: F811
    first = runs[0]
    assert list(first.estimate["output_tokens"]) == [6, 6 * 512]
    first.version.outcome_batches.all().delete()
    run = services.start_run(
        user=alice, version=first.version, source=first.source, scorer="exact", sample=4
    )
    assert list(run.estimate["output_tokens"]) == [6, 24]
