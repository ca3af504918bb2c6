"""What every registered router promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apps.catalog.tables import OutcomeTable
from apps.routing.methods.base import Embeddings, Forecast, Router, RouterFactory
from apps.routing.methods.registry import METHODS
from tests.routing.prompts import halves, world


@pytest.fixture(params=sorted(METHODS))
def make(request: pytest.FixtureRequest) -> RouterFactory:
    return METHODS[request.param]


def fitted(make: RouterFactory, table: OutcomeTable, embeddings: Embeddings) -> Router:
    router = make(seed=3)
    router.fit(table, embeddings)
    return router


def same(one: Forecast, other: Forecast) -> None:
    np.testing.assert_allclose(one.score, other.score, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(one.cost, other.cost, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(one.shown, other.shown, rtol=1e-5, atol=1e-6)


def test_it_foretells_a_score_and_a_cost_for_each_prompt_and_model(make: RouterFactory) -> None:
    table, embeddings, _, new = halves(*world())
    router = fitted(make, table, embeddings)
    found = router.forecast(new)
    assert router.model_names == table.model_names
    assert found.score.shape == found.cost.shape == (len(new.prompts), table.n_models)
    assert np.isfinite(found.score).all()
    assert np.isfinite(found.cost).all()
    assert (found.cost >= 0).all()
    assert ((found.shown >= 0) & (found.shown <= 1)).all()
    if found.error is not None:
        assert (found.error >= 0).all()


def test_scores_that_are_missing_are_no_zeros(make: RouterFactory) -> None:
    table, embeddings = world(missing=0.3)
    always = table.score.copy()
    always[:, 1] = np.where(np.isnan(always[:, 1]), np.nan, 1.0)
    table = OutcomeTable.of(
        prompt_ids=table.prompt_ids,
        prompts=table.prompts,
        model_names=table.model_names,
        score=always,
        cost=table.cost,
        groups=table.groups,
    )
    found = fitted(make, table, embeddings).forecast(embeddings)
    assert np.isfinite(found.score).all()
    assert found.shown[:, 1].mean() > 0.8


def test_unknown_costs_stay_unknown(make: RouterFactory) -> None:
    table, embeddings = world(priced=False)
    found = fitted(make, table, embeddings).forecast(embeddings)
    assert np.isnan(found.cost).all()
    assert np.isfinite(found.score).all()


def test_one_model_is_enough(make: RouterFactory) -> None:
    table, embeddings = world(n_models=1)
    assert fitted(make, table, embeddings).forecast(embeddings).score.shape == (table.n_prompts, 1)


def test_two_prompts_are_enough_or_refused_in_a_sentence(make: RouterFactory) -> None:
    table, embeddings = world(n_prompts=2)
    router = make(seed=0)
    refusal = None
    try:
        router.fit(table, embeddings)
    except ValueError as problem:
        refusal = str(problem)
    if refusal is None:
        assert np.isfinite(router.forecast(embeddings).score).all()
    else:
        assert refusal.endswith(".")


def test_saved_and_loaded_it_foretells_the_same(make: RouterFactory, tmp_path: Path) -> None:
    table, embeddings, _, new = halves(*world(missing=0.2))
    router = fitted(make, table, embeddings)
    router.save(tmp_path)
    loaded = type(router).load(tmp_path)
    assert loaded.model_names == router.model_names
    same(loaded.forecast(new), router.forecast(new))
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} <= {
        ".safetensors",
        ".json",
    }


def test_a_folder_that_holds_something_else_is_refused(make: RouterFactory, tmp_path: Path) -> None:
    (tmp_path / "router.json").write_text('{"method": "another"}')
    with pytest.raises(ValueError, match=r"\.$"):
        type(make(seed=0)).load(tmp_path)


def test_the_seed_settles_everything(make: RouterFactory) -> None:
    table, embeddings, _, new = halves(*world())
    first = fitted(make, table, embeddings).forecast(new)
    same(first, fitted(make, table, embeddings).forecast(new))


def test_each_prompt_is_foretold_by_itself(make: RouterFactory) -> None:
    table, embeddings, _, new = halves(*world())
    router = fitted(make, table, embeddings)
    some = [7, 3, 11]
    whole = router.forecast(new)
    part = router.forecast(new.subset(some))
    np.testing.assert_allclose(part.score, whole.score[some], rtol=1e-4, atol=1e-5)


def test_the_empty_prompt_is_foretold(make: RouterFactory) -> None:
    table, embeddings = world()
    router = fitted(make, table, embeddings)
    nothing = Embeddings(("",), np.zeros((1, 8), dtype=np.float32), "test-8", None)
    assert np.isfinite(router.forecast(nothing).score).all()


def test_new_prompts_come_without_their_task(make: RouterFactory) -> None:
    table, embeddings = world()
    router = fitted(make, table, embeddings)
    untold = Embeddings(embeddings.prompts, embeddings.vectors, embeddings.encoder, None)
    assert np.isfinite(router.forecast(untold).score).all()


def test_another_encoder_is_refused(make: RouterFactory) -> None:
    table, embeddings = world()
    router = fitted(make, table, embeddings)
    with pytest.raises(ValueError, match="encoder"):
        router.forecast(Embeddings(embeddings.prompts, embeddings.vectors, "other", None))
    with pytest.raises(ValueError, match="8"):
        router.forecast(Embeddings(embeddings.prompts, embeddings.vectors[:, :5], "test-8", None))


def test_rows_that_do_not_match_are_refused(make: RouterFactory) -> None:
    table, embeddings = world()
    with pytest.raises(ValueError, match="100"):
        make(seed=0).fit(table, embeddings.subset(range(100)))


def test_a_model_without_any_outcome_is_named(make: RouterFactory) -> None:
    table, embeddings = world()
    score = table.score.copy()
    score[:, 2] = np.nan
    table = OutcomeTable.of(
        prompt_ids=table.prompt_ids,
        prompts=table.prompts,
        model_names=table.model_names,
        score=score,
        cost=table.cost,
        groups=table.groups,
    )
    with pytest.raises(ValueError, match="model-2"):
        make(seed=0).fit(table, embeddings)


def test_a_router_that_was_not_trained_says_so(make: RouterFactory) -> None:
    _, embeddings = world()
    with pytest.raises(ValueError, match="trained"):
        make(seed=0).forecast(embeddings)


def test_a_model_joins_or_the_router_says_what_to_do_instead(make: RouterFactory) -> None:
    table, embeddings = world()
    router = fitted(make, table.subset(models=[0, 1]), embeddings)
    few = np.arange(40)
    new = table.subset(prompts=few, models=[2])
    before = router.forecast(embeddings)
    refusal = None
    try:
        router.add_model("model-2", new, embeddings.subset(few))
    except NotImplementedError as problem:
        refusal = str(problem)
    if refusal is not None:
        assert "again" in refusal
        same(router.forecast(embeddings), before)
        return
    after = router.forecast(embeddings)
    assert router.model_names == table.model_names
    assert after.score.shape == table.score.shape
    assert np.isfinite(after.score).all()
    assert abs(after.shown[:, 2].mean() - np.nanmean(table.score[:, 2])) < 0.25
    with pytest.raises(ValueError, match="model-2"):
        router.add_model("model-2", new, embeddings.subset(few))
    unrun = OutcomeTable.of(prompt_ids=["a"], prompts=["a"], model_names=["late"], score=[[np.nan]])
    with pytest.raises(ValueError, match="late"):
        router.add_model("late", unrun, embeddings.subset([0]))
