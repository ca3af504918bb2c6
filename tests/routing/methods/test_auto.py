"""`auto`: never much worse than one model, sure of what it says, and quick to take in a new model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apps.catalog.tables import OutcomeTable
from apps.routing.decision import Guard, choose
from apps.routing.methods.auto import Auto
from apps.routing.methods.auto.blend import Curve
from apps.routing.methods.auto.experts import penalised, ridge
from apps.routing.methods.base import Embeddings, Forecast
from tests.routing.prompts import halves, world


def fitted(table: OutcomeTable, embeddings: Embeddings) -> Auto:
    router = Auto(seed=0)
    router.fit(table, embeddings)
    return router


def guarded_score(router: Auto, known: OutcomeTable, table: OutcomeTable, new: Embeddings) -> float:
    assert router.held_out is not None
    guard = Guard.learn(router.held_out, known)
    chosen = choose(router.forecast(new), 0, guard=guard)
    return float(table.score[np.arange(table.n_prompts), chosen].mean())


def test_it_finds_who_is_good_at_what() -> None:
    known, embeddings, table, new = halves(*world(600))
    best = table.score.mean(axis=0).max()
    assert guarded_score(fitted(known, embeddings), known, table, new) > best + 0.2


@pytest.mark.parametrize("seed", range(3))
def test_forecasts_detached_from_the_prompts_fall_back_to_one_model(seed: int) -> None:
    table, embeddings = world(300, seed=seed)
    shuffled = np.random.default_rng(seed).permutation(300)
    detached = OutcomeTable.of(
        prompt_ids=table.prompt_ids,
        prompts=table.prompts,
        model_names=table.model_names,
        score=table.score[shuffled],
        cost=table.cost,
    )
    known, seen, rest, new = halves(detached, embeddings)
    single = rest.score[:, np.argmax(known.score.mean(axis=0))].mean()
    assert guarded_score(fitted(known, seen), known, rest, new) >= single - 0.03


def test_prompts_of_a_kind_never_seen_are_left_to_the_means() -> None:
    table, embeddings = world(300)
    router = fitted(table, embeddings)
    strange = Embeddings(
        tuple("Ωμέγα! {}[]<> ???" * 9 for _ in range(5)),
        np.tile(np.eye(8, dtype=np.float32)[7], (5, 1)),
        embeddings.encoder,
    )

    def partiality(new: Embeddings) -> float:
        said = router.forecast(new).score - router.level
        return float(np.abs(said - said.mean(axis=1, keepdims=True)).mean())

    assert partiality(strange) < 0.2 * partiality(embeddings)


def test_a_form_never_seen_is_left_to_the_means_though_its_meaning_looks_known() -> None:
    table, embeddings = world(300)
    router = fitted(table, embeddings)
    written = tuple(f"| {i} | {{{{x}}}} |\n" * 12 for i in range(60))
    strange = Embeddings(written, embeddings.vectors[:60], embeddings.encoder)

    def partiality(new: Embeddings) -> float:
        said = router.forecast(new).score - router.level
        return float(np.abs(said - said.mean(axis=1, keepdims=True)).mean())

    assert partiality(strange) < 0.1 * partiality(embeddings.subset(range(60)))


def test_fewer_prompts_than_features_are_learnt_from_by_the_rows() -> None:
    random = np.random.default_rng(0)
    z, targets = random.normal(size=(20, 50)), random.normal(size=(20, 3))
    plain = np.linalg.solve(z.T @ z + 2 * np.eye(50), z.T @ targets)
    assert penalised(z, targets, 2.0) == pytest.approx(plain)
    assert ridge(z, targets, np.full(3, 1 / 3), (2.0,)) == pytest.approx(plain)


def test_its_expected_scores_are_calibrated() -> None:
    known, embeddings, table, new = halves(*world(600))
    said = fitted(known, embeddings).forecast(new).shown.ravel()
    came = table.score.ravel()
    for low, high in ((0, 0.5), (0.5, 1)):
        part = (said >= low) & (said < high)
        assert abs(said[part].mean() - came[part].mean()) < 0.06


def test_costs_follow_the_prompt_where_they_do() -> None:
    table, embeddings = world(400)
    length = np.array([len(prompt) for prompt in table.prompts], dtype=float)
    priced = OutcomeTable.of(
        prompt_ids=table.prompt_ids,
        prompts=table.prompts,
        model_names=table.model_names,
        score=table.score,
        cost=length[:, None] ** 2 * np.array([1e-6, 1e-5, 1e-4]),
    )
    known, seen, rest, new = halves(priced, embeddings)
    said = fitted(known, seen).forecast(new).cost
    assert np.corrcoef(np.log(said[:, 0]), np.log(rest.cost[:, 0]))[0, 1] > 0.7


def test_the_order_of_the_models_changes_no_forecast() -> None:
    known, embeddings, _, new = halves(*world(300))
    turned = fitted(known.subset(models=[2, 0, 1]), embeddings).forecast(new)
    straight = fitted(known, embeddings).forecast(new)
    np.testing.assert_allclose(turned.score, straight.score[:, [2, 0, 1]], atol=1e-6)


def test_held_out_forecasts_know_less_than_those_of_training_prompts() -> None:
    table, embeddings = world(300)
    router = fitted(table, embeddings)
    assert router.held_out is not None

    def error(said: Forecast) -> float:
        return float(((said.score - table.score) ** 2).mean())

    assert error(router.held_out) > error(router.forecast(embeddings))


def test_a_loaded_router_keeps_no_held_out_forecasts(tmp_path: Path) -> None:
    table, embeddings = world(100)
    fitted(table, embeddings).save(tmp_path)
    assert Auto.load(tmp_path).held_out is None


def test_too_few_prompts_are_refused() -> None:
    table, embeddings = world(10)
    with pytest.raises(ValueError, match="10 prompts are too few"):
        fitted(table, embeddings)


def test_outcomes_without_prices_tasks_or_differences_are_learnt_from() -> None:
    table, embeddings = world(60)
    same = OutcomeTable.of(
        prompt_ids=table.prompt_ids,
        prompts=[""] * 60,
        model_names=table.model_names,
        score=np.ones((60, 3)),
    )
    nothing = Embeddings(("",) * 60, np.zeros_like(embeddings.vectors), embeddings.encoder)
    assert fitted(same, nothing).forecast(nothing).shown == pytest.approx(1.0, abs=1e-6)


def test_a_twin_of_a_known_model_is_recognised_from_thirty_prompts() -> None:
    table, embeddings = world(400)
    known = table.subset(models=[0, 1])
    router = fitted(known, embeddings)
    rows = list(range(30))
    twin = OutcomeTable.of(
        prompt_ids=[table.prompt_ids[row] for row in rows],
        prompts=[table.prompts[row] for row in rows],
        model_names=["twin"],
        score=table.score[rows][:, [1]],
        cost=table.cost[rows][:, [1]],
    )
    router.add_model("twin", twin, embeddings.subset(rows))
    said = router.forecast(embeddings)
    assert np.corrcoef(said.score[:, 1], said.score[:, 2])[0, 1] > 0.9
    assert router.level[2] == pytest.approx(router.level[1], abs=0.1)
    assert said.cost[:, 2] == pytest.approx(said.cost[:, 1], rel=0.2)


def test_a_model_that_is_good_at_a_task_as_no_known_one_is_known_again_by_new_prompts() -> None:
    table, embeddings, test, new = halves(*world(600, n_models=4))
    router = fitted(table.subset(models=[0, 3]), embeddings)  # dates and code are alike to them
    rows = list(range(40))
    router.add_model("coder", table.subset(prompts=rows, models=[2]), embeddings.subset(rows))
    said = router.forecast(new).score[:, 2]
    code, dates = ([task == name for task in test.groups["task"]] for name in ("code", "dates"))
    assert said[code].mean() > said[dates].mean() + 0.15


def test_a_model_better_than_all_known_ones_is_not_taken_for_an_average_one() -> None:
    table, embeddings = world(300)
    router = fitted(table, embeddings)
    best = OutcomeTable.of(
        prompt_ids=table.prompt_ids[:30],
        prompts=table.prompts[:30],
        model_names=["best"],
        score=np.ones((30, 1)),
    )
    router.add_model("best", best, embeddings.subset(range(30)))
    assert router.forecast(embeddings).score[:, 3].mean() > 0.95


@pytest.mark.parametrize("score", [0.7, 1.2])
def test_expected_scores_are_shown_as_they_came_true(score: float) -> None:
    random = np.random.default_rng(0)
    said = random.uniform(-0.2, 1.2, (4_000, 3))
    came = (random.random(said.shape) < np.clip(said, 0, 1) ** 2).astype(float)
    curve = Curve.learn(said, came)
    assert curve.at(np.array([score])) == pytest.approx(min(score, 1.0) ** 2, abs=0.08)
