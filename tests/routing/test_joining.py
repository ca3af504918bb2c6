"""A new model joins a router from a few prompts, without training, and says what it brought."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.test import Client

from apps.jobs.models import Job, State
from apps.routing import serving
from apps.routing.models import Router
from apps.routing.services import add_model, read_outcomes, train_router
from apps.teams.models import Team, User
from tests.routing.furniture import outcomes, router_of, version_with_outcomes

pytestmark = pytest.mark.django_db
RunJobs = Callable[[], list[Job]]


def test_it_joins_from_a_filled_in_list(
    router: Router, eddie: User, client_of: Callable[[User], Client], run_jobs: RunJobs
) -> None:
    train_router(user=eddie, router=router)
    run_jobs()
    client = client_of(eddie)
    address = f"/routers/{router.slug}/"
    asked = client.get(f"{address}prompts.csv").content.decode().splitlines()
    assert asked[0] == "prompt_id,prompt,score,cost_usd"
    assert len(asked) == 51
    filled = [f"{line.rsplit(',', 2)[0]},1,0.00002" for line in asked[1:31]]
    file = ContentFile("\n".join([asked[0], *filled]).encode(), "filled.csv")
    client.post(f"{address}new-model/", {"name": "model-new", "file": file})
    run_jobs()
    router.refresh_from_db()
    assert router.current is not None
    assert router.current.added_model == "model-new"
    routed = serving.route(router, outcomes().prompts[0], lambda_=0.0)
    assert routed.decision.name == "model-new", "it was always right"
    page = client.get(address).content.decode()
    assert "Before and after model-new joined" in page
    assert "Quality at equal cost rose" in page


def test_a_useless_model_changes_no_decision_for_the_better(
    router: Router, eddie: User, run_jobs: RunJobs
) -> None:
    ids = outcomes().prompt_ids[:20]
    add_model(user=eddie, router=router, name="wrong", given=dict.fromkeys(ids, (0.0, 1.0)))
    run_jobs()
    router.refresh_from_db()
    assert router.current is not None
    curve = router.current.facts["joined"]
    assert np.allclose(curve["before"]["mean"], curve["after"]["mean"], atol=5)
    assert serving.route(router, outcomes().prompts[0]).decision.name != "wrong"


def test_a_method_that_cannot_says_so_and_serves_on(
    router: Router, eddie: User, run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.routing.methods.knn import Knn

    def cannot(*_: object) -> None:
        raise NotImplementedError("Train it again with the new model.")

    monkeypatch.setattr(Knn, "add_model", cannot)
    served = router.current
    ids = outcomes().prompt_ids[:20]
    job = add_model(user=eddie, router=router, name="new", given=dict.fromkeys(ids, (1.0, None)))
    run_jobs()
    job.refresh_from_db()
    router.refresh_from_db()
    assert (job.state, job.error) == (State.FAILED, "Train it again with the new model.")
    assert router.current == served


@pytest.mark.parametrize(
    ("name", "count", "said"),
    [("model-1", 20, "already"), (" ", 20, "Name the new model"), ("new", 4, "5 to 500")],
)
def test_what_cannot_join_is_refused(
    router: Router, eddie: User, name: str, count: int, said: str
) -> None:
    given = dict.fromkeys(outcomes().prompt_ids[:count], (1.0, None))
    with pytest.raises(ValidationError, match=said):
        add_model(user=eddie, router=router, name=name, given=given)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prompt_id,answer\n1,2", "columns prompt_id and score"),
        ("prompt_id,score\n1,1.5", "Row 2: `1.5`"),
        ("prompt_id,score\n1,nan", "Row 2: `nan`"),
        ("prompt_id,score,cost_usd\n1,1,-2", "Row 2: `-2` in column `cost_usd`"),
        ("prompt_id,score,cost\n1,1,-2", "Row 2: `-2` in column `cost`"),
        ("prompt_id,score\n1,1\n1,0", "Row 3: the prompt `1` comes twice"),
        ("\xff\xfe", "columns"),
        ("prompt_id,score\n" + "1,1\n" * 300_000, "more than 1 MB"),
    ],
)
def test_a_wrong_cell_is_named(text: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        read_outcomes(text.encode())


def test_the_list_of_prompts_comes_back_as_a_spreadsheet_was_given_it(
    team: Team, eddie: User
) -> None:
    """An id that begins like a formula is written with an apostrophe before it."""
    table = replace(outcomes(), prompt_ids=tuple(f"={one}" for one in outcomes().prompt_ids))
    router = router_of(version_with_outcomes(team, eddie, table=table), eddie)
    given = dict.fromkeys((f"'{one}" for one in table.prompt_ids[:20]), (1.0, 0.1))
    job = add_model(user=eddie, router=router, name="new", given=given)
    assert set(job.params["outcomes"]) == set(table.prompt_ids[:20])
