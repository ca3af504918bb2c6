"""Routers are trained in versions, rolled back, and serve while a training fails."""

from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from apps.catalog.garbage import collect_garbage
from apps.catalog.models import DatasetVersion, OutcomeBatch
from apps.catalog.services import delete_outcomes
from apps.jobs.models import Job, State
from apps.routing import serving
from apps.routing.bundle import Bundle
from apps.routing.models import Router
from apps.routing.services import create_router, roll_back, train_router
from apps.teams.models import AuditEntry, User
from tests.routing.furniture import outcomes

pytestmark = pytest.mark.django_db
RunJobs = Callable[[], list[Job]]


def test_a_worker_trains_it_and_it_decides(
    version: DatasetVersion, eddie: User, run_jobs: RunJobs
) -> None:
    router = create_router(user=eddie, version=version, method="knn", encoder="hashing")
    with pytest.raises(ValueError, match="not been trained"):
        serving.route(router, "hello")
    run_jobs()
    router.refresh_from_db()
    routed = serving.route(router, outcomes().prompts[0])
    assert routed.decision.name in outcomes().model_names
    assert [one.model for one in routed.forecast] == list(outcomes().model_names)
    assert sum(one.chosen for one in routed.forecast) == 1
    assert routed.decision.reason
    assert routed.milliseconds > 0


def test_a_failed_training_keeps_what_served(
    router: Router, eddie: User, run_jobs: RunJobs
) -> None:
    served = router.current
    before = serving.route(router, "sums question").decision
    delete_outcomes(user=eddie, batch=OutcomeBatch.objects.get(version=router.version))
    train_router(user=eddie, router=router)
    run_jobs()
    router.refresh_from_db()
    assert router.job is not None
    assert router.job.state == State.FAILED
    assert "no outcomes" in router.job.error
    assert router.current == served
    assert serving.route(router, "sums question").decision == before


def test_it_is_rolled_back_and_forward(router: Router, eddie: User, run_jobs: RunJobs) -> None:
    train_router(user=eddie, router=router)
    run_jobs()
    router.refresh_from_db()
    assert router.current is not None
    assert router.current.number == 2
    roll_back(user=eddie, router=router, number=1)
    assert serving.route(router, "dates question").version.number == 1
    roll_back(user=eddie, router=router, number=2)
    assert serving.route(router, "dates question").version.number == 2
    assert AuditEntry.objects.filter(action="router.rolled_back").count() == 2


def test_there_is_no_version_7(router: Router, eddie: User) -> None:
    with pytest.raises(ValidationError, match="no version 7"):
        roll_back(user=eddie, router=router, number=7)


def test_viewers_neither_train_nor_roll_back(router: Router, vic: User) -> None:
    with pytest.raises(PermissionDenied):
        train_router(user=vic, router=router)
    with pytest.raises(PermissionDenied):
        roll_back(user=vic, router=router, number=1)


def test_the_same_data_give_the_same_files(router: Router, eddie: User, run_jobs: RunJobs) -> None:
    first = router.current
    train_router(user=eddie, router=router)
    run_jobs()
    router.refresh_from_db()
    assert first is not None
    assert router.current is not None
    assert router.current.artifacts == first.artifacts


def test_what_a_version_needs_is_never_collected(router: Router) -> None:
    from datetime import timedelta

    from django.utils import timezone

    collect_garbage(now=timezone.now() + timedelta(days=30))
    serving._bundles.clear()
    assert serving.route(router, "code question").decision.name


def test_a_loaded_router_is_not_loaded_again(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving.route(router, "sums")
    monkeypatch.setattr(Bundle, "open", None)
    assert serving.route(router, "dates").decision.name


@pytest.mark.parametrize(
    ("prompt", "asked", "said"),
    [
        ("  \n ", {}, "prompt is empty"),
        ("x" * (1 << 20), {}, "1,048,576 characters"),
        ("sums", {"budget": 1e-9}, "below the cheapest model"),
        ("sums", {"budget": -1.0}, "not an amount"),
        ("sums", {"budget": 1.0, "lambda_": 1.0}, "not both"),
        ("sums", {"lambda_": -1.0}, "not negative"),
        ("sums", {"lambda_": float("nan")}, "not negative"),
        ("sums [Flag: purple]", {}, "purple"),
        ("sums", {"flags": ["at most 1M parameters"]}, "No model meets"),
    ],
)
def test_bad_questions_get_a_sentence(
    router: Router, prompt: str, asked: dict[str, float], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        serving.route(router, prompt, **asked)  # type: ignore[arg-type]


def test_money_moves_the_dial(router: Router) -> None:
    """With all the money the best model is chosen, with hardly any the cheapest."""
    prompts = outcomes().prompts[:20]
    dear = {serving.route(router, one, lambda_=0.0).decision.name for one in prompts}
    cheap = {serving.route(router, one, lambda_=1e9).decision.name for one in prompts}
    assert len(dear) > 1
    assert cheap == {"model-0"}
