"""An evaluation from end to end, on small worlds whose answers are known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from apps.catalog.tables import OutcomeTable
from apps.routing.encoders import encoder
from apps.routing.evaluation import (
    Evaluation,
    EvaluationStopped,
    Plan,
    SplitResult,
    evaluate,
    harness,
)
from apps.routing.methods import registry
from apps.routing.methods.base import Embeddings, Forecast
from apps.routing.methods.zero import Zero
from apps.routing.metrics import hull
from tests.routing.prompts import world

HASHING = encoder("hashing")
RANDOM = Plan(routers=("linear",), split="random", splits=2)


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wide intervals are enough here."""
    monkeypatch.setattr(harness, "DRAWS", 50)


@pytest.fixture(scope="module")
def found() -> Evaluation:
    """Of a world in which routing helps."""
    return evaluate(*world(400), RANDOM)


def without_costs(table: OutcomeTable) -> OutcomeTable:
    return replace(table, cost=np.full(table.score.shape, np.nan))


def test_routing_that_helps_is_said_to_save(found: Evaluation) -> None:
    linear = found.routers["linear"]
    assert found.helps
    assert found.verdict.startswith("Routing saves 9")
    assert linear.aiq_minus_zero is not None
    assert linear.aiq_minus_zero.low > 10
    assert linear.cost_save is not None
    assert linear.cost_save["splits_reached"] == 2
    assert linear.accuracy is not None
    assert linear.accuracy["mean"] == pytest.approx(90, abs=6)


def test_where_prompts_tell_nothing_one_model_is_advised() -> None:
    table, embeddings = world(400)
    random = np.random.default_rng(0)
    score = (random.random((400, 3)) < [0.5, 0.6, 0.9]).astype(float)
    result = evaluate(replace(table, score=score), embeddings, RANDOM)
    assert result.helps is False
    assert "use `model-2`" in result.verdict


def test_the_advice_is_the_best_model_of_all_prompts_and_not_of_most_training_parts() -> None:
    table, embeddings = world(400)
    groups = np.arange(400) % 4
    # Where the last group is held out, the first model is the better one of what is left.
    score = np.column_stack([np.full(400, 0.6), np.where(groups == 3, 1.0, 0.5)])
    table = replace(
        table.subset(models=[0, 1]),
        score=score,
        groups={"task": tuple(f"task {group}" for group in groups)},
    )
    splits: list[SplitResult] = []
    plan = Plan(routers=("linear",), split="group", splits=1, seed=2)
    found = evaluate(table, embeddings, plan, on_split=splits.append)
    assert splits[0].best_single == "model-0"
    assert "use `model-1`" in found.verdict


def test_null_models_and_oracles_are_always_shown(found: Evaluation) -> None:
    assert {*registry.NULLS, "oracle", "oracle-noise-adjusted", "linear"} == set(found.routers)
    by = {name: one.aiq["mean"] or 0 for name, one in found.routers.items() if one.aiq}
    assert by["oracle"] == max(by.values())
    assert by["task-table"] > by["zero"] > 0
    assert by["oracle-noise-adjusted"] < by["oracle"]


def test_the_zero_router_is_the_hull_of_single_models_that_training_chose() -> None:
    splits: list[SplitResult] = []
    table, embeddings = world(200)
    evaluate(table, embeddings, RANDOM, on_split=splits.append)
    zero, best = splits[0].routers["zero"], splits[0].routers["best-single"]
    assert best.accuracy == pytest.approx(splits[0].best_accuracy)
    assert set(np.round(np.log10(zero.hull_cost), 9)) <= {-5, -4, -3}
    # A straight line from the cheapest model to the best one.
    if splits[0].best_single == "model-2":
        line = hull(best.hull_cost, best.hull_quality)
        assert best.aiq == pytest.approx(line.mean(1e-5, 1e-3))
        assert len(best.hull_cost) <= 2


def test_the_oracle_takes_the_cheapest_of_the_best_models() -> None:
    splits: list[SplitResult] = []
    table, embeddings = world(200)
    evaluate(table, embeddings, RANDOM, on_split=splits.append)
    oracle = splits[0].routers["oracle"]
    right = table.score.max(axis=1).mean()
    assert oracle.accuracy == pytest.approx(right, abs=0.05)
    assert oracle.routing_accuracy == 1.0
    assert (oracle.cost or 0) < 1e-3


def test_costs_in_another_currency_change_no_area_and_no_saving() -> None:
    table, embeddings = world(200)
    usd = evaluate(table, embeddings, RANDOM).routers["linear"]
    cents = evaluate(replace(table, cost=100 * table.cost), embeddings, RANDOM).routers["linear"]
    assert usd.aiq is not None
    assert cents.aiq == pytest.approx(usd.aiq)
    assert cents.cost_save == pytest.approx(usd.cost_save)


def test_the_bounds_of_the_area_are_the_mean_costs_of_single_models(found: Evaluation) -> None:
    assert found.c_min == pytest.approx(1e-5)
    assert found.c_max == pytest.approx(1e-3)
    assert found.money == "usd"


def test_without_prices_two_models_are_compared_by_calls_to_the_stronger() -> None:
    table, embeddings = world(400)
    score = table.score.copy()
    score[:, 1] = np.maximum(score[:, 1], (np.arange(400) % 3 == 0).astype(float))
    table = without_costs(replace(table, score=score)).subset(models=[0, 1])
    result = evaluate(table, embeddings, RANDOM)
    linear = result.routers["linear"]
    assert (result.money, result.c_min, result.c_max) == ("calls", 0.0, 1.0)
    assert linear.apgr is not None
    assert linear.apgr > 0.8
    assert linear.cpt is not None
    assert 0 < (linear.cpt["50"] or 0) < (linear.cpt["80"] or 0) < 60
    lots = result.routers["random-mix"].apgr
    assert lots == pytest.approx(0.5, abs=0.15)
    zero = result.routers["zero"].apgr
    assert zero == pytest.approx(0.5)
    # The oracle calls the stronger model only where it alone is right.
    assert (result.routers["oracle"].apgr or 0) > 1
    assert "of the calls to `model-1`" in result.verdict


def test_without_prices_more_models_are_compared_by_quality() -> None:
    table, embeddings = world(200)
    result = evaluate(without_costs(table), embeddings, RANDOM)
    linear = result.routers["linear"]
    assert result.money == "none"
    assert linear.aiq is None
    assert linear.cost_save is None
    assert linear.accuracy_minus_best is not None
    assert linear.accuracy_minus_best.low > 5
    assert "Costs are unknown" in result.verdict


def test_models_of_one_price_are_compared_by_quality_too() -> None:
    table, embeddings = world(200)
    result = evaluate(replace(table, cost=np.ones_like(table.cost)), embeddings, RANDOM)
    assert (result.money, result.c_min) == ("none", None)


def test_only_what_is_told_sees_the_task_of_a_test_prompt() -> None:
    seen: dict[str, list[bool]] = {}

    class Watching(Zero):
        def forecast(self, embeddings: Embeddings) -> Forecast:
            seen.setdefault("told", []).append(embeddings.tasks is not None)
            return super().forecast(embeddings)

    def watching(*, seed: int = 0) -> Watching:
        return Watching(seed=seed)

    evaluate(*world(120), Plan(routers=("w",)), factories={**registry.METHODS, "w": watching})
    assert seen["told"]
    assert not any(seen["told"])


def test_a_router_that_cannot_be_trained_does_not_stop_the_others() -> None:
    class Failing(Zero):
        def fit(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
            raise ValueError("Too little to learn from.")

    def failing(*, seed: int = 0) -> Failing:
        return Failing(seed=seed)

    plan = replace(RANDOM, routers=("linear", "f"))
    result = evaluate(*world(120), plan, factories={**registry.METHODS, "f": failing})
    assert result.routers["f"].problem == "Too little to learn from."
    assert result.routers["linear"].accuracy is not None
    said = evaluate(
        *world(120), replace(plan, subject="f"), factories={**registry.METHODS, "f": failing}
    )
    assert "Too little to learn from." in said.verdict
    assert said.helps is None


def test_a_guard_holds_back_a_router_that_does_not_pay() -> None:
    table, embeddings = world(400)
    random = np.random.default_rng(1)
    score = (random.random((400, 3)) < [0.7, 0.7, 0.75]).astype(float)
    table = replace(table, score=score)
    free = evaluate(table, embeddings, RANDOM)
    held = evaluate(table, embeddings, replace(RANDOM, guarded=True))
    assert free.helps is False
    assert held.helps is False
    less, more = held.routers["linear"].accuracy, free.routers["linear"].accuracy
    assert less is not None
    assert more is not None
    assert (less["mean"] or 0) > (more["mean"] or 0)


def test_an_interrupted_evaluation_goes_on_to_the_same_numbers() -> None:
    table, embeddings = world(150)
    whole = evaluate(table, embeddings, RANDOM).as_dict()
    kept: list[str] = []

    def keep(split: SplitResult) -> None:
        kept.append(json.dumps(split.as_dict()))

    with pytest.raises(EvaluationStopped):
        evaluate(table, embeddings, RANDOM, on_split=keep, should_stop=lambda: len(kept) == 1)
    done = [SplitResult.from_dict(json.loads(text)) for text in kept]
    assert len(done) == 1
    resumed = evaluate(table, embeddings, RANDOM, finished=done).as_dict()
    for router in (*whole["routers"].values(), *resumed["routers"].values()):
        del router["train_seconds"], router["milliseconds_per_prompt"]
    assert json.dumps(resumed) == json.dumps(whole)


def test_progress_counts_up_to_its_end() -> None:
    told: list[tuple[int, int]] = []
    evaluate(*world(120), RANDOM, progress=lambda done, total, _: told.append((done, total)))
    done = [one for one, _ in told]
    assert done == sorted(set(done))
    assert done[-1] == told[-1][1]


def test_prompts_seen_in_training_are_counted_as_leaks() -> None:
    table, embeddings = world(200)
    prompts = tuple(prompt for prompt in table.prompts[:100] for _ in range(2))
    twice = replace(table, prompts=prompts)
    assert evaluate(twice, embeddings, RANDOM).leak > 0.4
    assert evaluate(table, embeddings, RANDOM).leak < 0.2


def test_regrets_name_what_was_chosen_and_the_neighbours_it_learnt_from(found: Evaluation) -> None:
    table, _ = world(400)
    assert found.regrets
    for regret in found.regrets:
        row = table.prompt_ids.index(regret.prompt_id)
        assert regret.best_score == table.score[row].max() > regret.chosen_score
        assert len(regret.neighbours) == 3
        assert regret.prompt_id not in dict(regret.neighbours)


def test_groups_are_the_default() -> None:
    assert evaluate(*world(200), Plan(routers=("linear",))).split == "group:task"


def test_the_result_is_json(found: Evaluation) -> None:
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["verdict"] == found.verdict


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan(routers=()), "at least one router"),
        (Plan(routers=("oracular",)), "oracular"),
        (Plan(routers=("linear",), splits=0), "At least one split"),
        (Plan(routers=("linear",), split="sideways"), "sideways"),
        (Plan(routers=("linear",), subject="knn"), "knn"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(plan: Plan, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        evaluate(*world(60), plan)


def test_outcomes_that_cannot_be_evaluated_are_refused() -> None:
    table, embeddings = world(60)
    with pytest.raises(ValueError, match="two models"):
        evaluate(table.subset(models=[0]), embeddings, RANDOM)
    with pytest.raises(ValueError, match="there are 2"):
        evaluate(table.subset(prompts=[0, 1]), embeddings.subset([0, 1]), RANDOM)
    unrun = table.score.copy()
    unrun[:, 1] = np.nan
    with pytest.raises(ValueError, match="model-1"):
        evaluate(replace(table, score=unrun), embeddings, RANDOM)
    cost = table.cost.copy()
    cost[:7, 2] = np.nan
    with pytest.raises(ValueError, match=r"model-2.* 7 of 60"):
        evaluate(replace(table, cost=cost), embeddings, RANDOM)


def test_empty_and_huge_prompts_are_evaluated() -> None:
    table, embeddings = world(60)
    prompts = ("", "word " * 200_000, *table.prompts[2:])
    result = evaluate(replace(table, prompts=prompts), replace(embeddings, prompts=prompts), RANDOM)
    assert result.routers["linear"].problem is None


def test_equal_costs_are_not_called_unknown() -> None:
    table, embeddings = world(120)
    same = replace(table, cost=np.full(table.cost.shape, 0.01))
    found = evaluate(same, embeddings, RANDOM)
    assert "All models cost the same, so there is nothing to save." in found.verdict
    assert "unknown" not in found.verdict


def test_on_noise_a_hull_that_takes_the_luckiest_settings_is_seldom_said_to_help() -> None:
    helped = 0
    for seed in range(24):
        random = np.random.default_rng(seed)
        prompts = [" ".join(f"w{random.integers(3000)}" for _ in range(12)) for _ in range(200)]
        table = OutcomeTable.of(
            prompt_ids=map(str, range(200)),
            prompts=prompts,
            model_names=["small", "large"],
            score=(random.random((200, 2)) < np.sort(random.uniform(0.4, 0.8, 2))).astype(float),
        )
        embeddings = Embeddings(table.prompts, HASHING.encode(table.prompts), HASHING.name)
        plan = Plan(routers=("knn",), split="random", splits=3, seed=seed)
        helped += bool(evaluate(table, embeddings, plan).helps)
    assert helped <= 1
