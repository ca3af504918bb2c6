"""Questions and data that nobody hopes for get an answer, a sentence, or their true price."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from apps.catalog.models import CandidateModel, DatasetVersion
from apps.catalog.services import set_price
from apps.jobs.models import Job
from apps.routing import serving
from apps.routing.flags import read_flags
from apps.routing.models import Router
from apps.routing.services import evaluations, start_evaluation
from apps.teams.models import User

RunJobs = Callable[[], list[Job]]


def test_the_white_space_before_a_flag_goes_with_it_however_long() -> None:
    assert read_flags("Sort." + " \t" * 500 + "[Flag: small model] Now.")[0] == "Sort. Now."


def test_a_long_run_of_spaces_is_read_at_once() -> None:
    """Looked at from each of its places anew, it would hold a worker for a minute."""
    text = "a" + " " * (serving.LONGEST - 2) + "b"
    assert read_flags(text)[0] == text


@pytest.mark.django_db
def test_flags_alone_are_no_prompt(router: Router) -> None:
    with pytest.raises(ValueError, match="prompt is empty"):
        serving.route(router, "[Flag: small model]")


@pytest.mark.django_db
def test_half_a_character_is_no_prompt(router: Router) -> None:
    with pytest.raises(ValueError, match="no character of Unicode"):
        serving.route(router, "sums \ud800")


@pytest.mark.django_db
def test_a_budget_below_every_model_that_flags_leave_is_refused(router: Router) -> None:
    """The dial keeps a budget among all models; a flag may leave the dear one alone."""
    CandidateModel.objects.filter(team=router.team, name="model-2").update(licence="mit")
    assert router.current is not None
    guard = serving.bundle_of(router.current).guard
    dear = float(guard.cost[2])
    assert dear == guard.cost.max()
    flags = ["licence mit"]
    with pytest.raises(ValueError, match="below the cheapest model that the flags leave: model-2"):
        serving.route(router, "sums", budget=dear / 2, flags=flags)
    assert serving.route(router, "sums", budget=2 * dear, flags=flags).decision.name == "model-2"


@pytest.mark.django_db
def test_a_price_that_is_taken_back_during_the_job_leaves_the_numbers_it_had(
    version: DatasetVersion, eddie: User, run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = CandidateModel.objects.get(name="model-2")

    def priced(usd: str) -> None:
        set_price(user=eddie, model=model, valid_from=date(2026, 1, 1), per_call=Decimal(usd))

    priced("0.5")
    evaluation = start_evaluation(
        user=eddie, version=version, encoder="hashing", routers=["knn"], split="random", splits=1
    )
    run_jobs()
    evaluation.refresh_from_db()
    before = evaluation.current
    priced("0.7")
    found = evaluations._texts

    def texts(*args: Any) -> dict[str, str]:
        priced("0.5")
        return found(*args)

    monkeypatch.setattr(evaluations, "_texts", texts)
    run_jobs()
    evaluation.refresh_from_db()
    assert evaluation.current == before
    assert not evaluation.stale
