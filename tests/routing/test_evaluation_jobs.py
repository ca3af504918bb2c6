"""An evaluation is computed in the background, follows its data, and survives its worker."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from apps.catalog.models import CandidateModel, DatasetVersion, OutcomeBatch
from apps.catalog.services import delete_outcomes, set_price
from apps.jobs.models import Job, State
from apps.routing.evaluation import harness, measuring
from apps.routing.models import Evaluation
from apps.routing.queries import result_at
from apps.routing.services import delete_evaluation, refresh_evaluation, start_evaluation
from apps.teams.models import Team, User
from tests.routing.furniture import evaluation_of, version_with_outcomes
from tests.routing.prompts import world

pytestmark = pytest.mark.django_db
RunJobs = Callable[[], list[Job]]


def started(version: DatasetVersion, user: User, **asked: Any) -> Evaluation:
    settings: dict[str, Any] = {"encoder": "hashing", "routers": ["knn"], "split": "random"}
    return start_evaluation(user=user, version=version, **{**settings, "splits": 1, **asked})


def lasting(result: dict[str, Any]) -> dict[str, Any]:
    """A result without what a clock measured."""
    clocks = ("train_seconds", "milliseconds_per_prompt")
    routers = {
        name: {key: value for key, value in router.items() if key not in clocks}
        for name, router in result["routers"].items()
    }
    return {**result, "routers": routers}


def test_a_worker_answers_it(version: DatasetVersion, eddie: User, run_jobs: RunJobs) -> None:
    evaluation = started(version, eddie)
    run_jobs()
    evaluation.refresh_from_db()
    assert evaluation.current is not None
    assert evaluation.current.verdict
    result = result_at(evaluation.current.blob)
    assert result["prompts"] == 60
    assert {"knn", "zero", "best-single", "oracle"} <= result["routers"].keys()
    assert result["texts"], "the prompts of the regrets are kept with them"


def test_a_killed_worker_changes_no_number(
    version: DatasetVersion, eddie: User, run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = started(version, eddie, splits=2)
    run_jobs()
    whole.refresh_from_db()
    killed = started(version, eddie, splits=2)
    measured: list[int] = []
    measure = measuring.measure_split

    def measure_until_killed(*args: Any, **how: Any) -> Any:
        if args[2] == 1 and 1 not in measured:
            measured.append(1)
            raise KeyboardInterrupt
        measured.append(args[2])
        return measure(*args, **how)

    monkeypatch.setattr(harness, "measure_split", measure_until_killed)
    with pytest.raises(KeyboardInterrupt):
        run_jobs()
    run_jobs()
    killed.refresh_from_db()
    assert measured == [0, 1, 1], "the first split was not measured again"
    assert whole.current is not None
    assert killed.current is not None
    assert lasting(result_at(killed.current.blob)) == lasting(result_at(whole.current.blob))


def test_it_is_computed_anew_when_a_price_changes(
    version: DatasetVersion, eddie: User, run_jobs: RunJobs
) -> None:
    evaluation = started(version, eddie)
    run_jobs()
    evaluation.refresh_from_db()
    before = evaluation.current
    model = CandidateModel.objects.get(name="model-2")
    set_price(user=eddie, model=model, valid_from=date(2026, 1, 1), per_call=Decimal("0.5"))
    evaluation.refresh_from_db()
    assert evaluation.stale
    run_jobs()
    evaluation.refresh_from_db()
    assert not evaluation.stale
    assert evaluation.current is not None
    assert evaluation.current != before
    assert result_at(evaluation.current.blob)["c_max"] == pytest.approx(0.5)


def test_it_says_why_it_cannot_be_answered_any_more(
    version: DatasetVersion, eddie: User, run_jobs: RunJobs
) -> None:
    evaluation = evaluation_of(version, eddie)
    delete_outcomes(user=eddie, batch=OutcomeBatch.objects.get(version=version))
    evaluation.refresh_from_db()
    assert evaluation.stale
    run_jobs()
    evaluation.refresh_from_db()
    assert evaluation.job is not None
    assert evaluation.job.state == State.FAILED
    assert "no outcomes" in evaluation.job.error
    assert evaluation.current is not None, "the earlier numbers stay, marked as out of date"


def test_asking_twice_shares_one_job(version: DatasetVersion, eddie: User) -> None:
    evaluation = started(version, eddie)
    assert refresh_evaluation(user=eddie, evaluation=evaluation) == evaluation.job


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"routers": ["oracle-of-delphi"]}, "no router `oracle-of-delphi`"),
        ({"split": "sideways"}, "no split"),
        ({"split": "unseen:colour"}, "There is no column `colour`; there are: task"),
        ({"split": "transfer:task=sums/chess"}, "No prompt has `chess`"),
        ({"encoder": "transformers:/etc"}, "no encoder"),
        ({"splits": 0}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    version: DatasetVersion, eddie: User, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        started(version, eddie, **asked)
    assert not Evaluation.objects.exists()


def test_outcomes_of_one_model_are_refused(team: Team, eddie: User) -> None:
    alone = version_with_outcomes(team, eddie, "Alone", world(30, 1)[0])
    with pytest.raises(ValidationError, match="one model only"):
        started(alone, eddie)


def test_too_few_prompts_are_refused_before_there_is_a_job(team: Team, eddie: User) -> None:
    few = version_with_outcomes(team, eddie, "Few", world(19, 2)[0])
    with pytest.raises(ValidationError, match=r"at least 20 prompts .* there are 19") as refused:
        started(few, eddie)
    assert set(refused.value.message_dict) == {"version"}
    assert not Evaluation.objects.exists()
    assert not Job.objects.exists()


def test_a_cost_that_is_unknown_for_some_is_refused_before_there_is_a_job(
    team: Team, eddie: User
) -> None:
    table = world(30, 2)[0]
    cost = table.cost.copy()
    cost[0, 1] = np.nan
    gaps = version_with_outcomes(team, eddie, "Gaps", replace(table, cost=cost))
    with pytest.raises(ValidationError, match="cost of model `model-1` is unknown on 1 of 30"):
        started(gaps, eddie)
    assert not Job.objects.exists()


def test_outcomes_that_became_too_few_fail_the_job_with_a_sentence(
    version: DatasetVersion, eddie: User, run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation = started(version, eddie)
    monkeypatch.setattr(harness, "FEWEST_PROMPTS", 61)
    run_jobs()
    evaluation.refresh_from_db()
    assert evaluation.job is not None
    assert "at least 61 prompts" in evaluation.job.error


def test_viewers_start_and_delete_nothing(
    version: DatasetVersion, evaluation: Evaluation, vic: User
) -> None:
    with pytest.raises(PermissionDenied):
        started(version, vic)
    with pytest.raises(PermissionDenied):
        delete_evaluation(user=vic, evaluation=evaluation)
