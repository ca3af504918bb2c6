"""From a forecast, a dial or a budget, and the guard to a model and its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.catalog.tables import Floats, OutcomeTable
from apps.routing.decision import (
    Constraints,
    Dial,
    Guard,
    ModelFacts,
    Purse,
    Trait,
    choose,
    eligible,
    explain,
    held_out_forecast,
    penalties,
)
from apps.routing.decision.choice import a_prompt, money
from apps.routing.methods.base import Forecast
from apps.routing.methods.knn import Knn
from tests.routing.prompts import world

NAMES = ("cheap", "middling", "dear")
COSTS = np.array([0.001, 0.002, 0.01])


def forecast(*rows: tuple[float, float, float]) -> Forecast:
    score = np.array(rows)
    return Forecast(score=score, cost=np.tile(COSTS, (len(rows), 1)))


def recorded_outcomes(
    n: int, *, routing_helps: bool, seed: int = 0
) -> tuple[OutcomeTable, Forecast]:
    """Outcomes of three models, and a forecast that is true, or has nothing to do with them."""
    random = np.random.default_rng(seed)
    easy = random.random(n) < 0.5
    chance = np.stack([np.where(easy, 0.9, 0.2), np.where(easy, 0.9, 0.4), np.full(n, 0.9)], axis=1)
    said = chance if routing_helps else chance[random.permutation(n)][:, random.permutation(3)]
    cost = COSTS * random.lognormal(0, 0.3, (n, 3))
    table = OutcomeTable.of(
        prompt_ids=map(str, range(n)),
        prompts=["?"] * n,
        model_names=NAMES,
        score=random.random((n, 3)) < chance,
        cost=cost,
    )
    return table, Forecast(score=said, cost=np.tile(COSTS, (n, 1)))


def regret_of_routing(table: OutcomeTable, said: Forecast, guard: Guard, lambda_: float) -> float:
    rows = np.arange(table.n_prompts)
    worth = table.score - lambda_ * table.cost
    level = guard.score - lambda_ * guard.cost
    chosen = choose(said, lambda_, guard=guard)
    return float(worth[:, np.argmax(level)].mean() - worth[rows, chosen].mean())


def test_where_money_does_not_count_the_best_forecast_wins() -> None:
    assert choose(forecast((0.5, 0.6, 0.7), (0.9, 0.6, 0.7)), 0).tolist() == [2, 0]


def test_the_dearer_the_dollar_the_cheaper_the_model() -> None:
    said = forecast((0.5, 0.6, 0.7))
    paid = [COSTS[choose(said, lambda_)[0]] for lambda_ in (0, 5, 50, 500)]
    assert paid == sorted(paid, reverse=True)
    assert paid[-1] == COSTS.min()


def test_of_equals_the_cheaper_is_taken() -> None:
    assert choose(forecast((0.7, 0.7, 0.7)), 0).tolist() == [0]


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(3)), st.floats(0, 1000))
def test_the_order_of_the_models_changes_no_decision(order: list[int], lambda_: float) -> None:
    said = forecast((0.5, 0.62, 0.7), (0.91, 0.6, 0.7), (0.2, 0.1, 0.3))
    turned = Forecast(score=said.score[:, order], cost=said.cost[:, order])
    assert np.asarray(order)[choose(turned, lambda_)].tolist() == choose(said, lambda_).tolist()


def test_a_model_whose_price_is_unknown_is_not_free() -> None:
    cost = np.array([[0.001, np.nan]])
    said = Forecast(score=np.array([[0.5, 0.9]]), cost=cost)
    assert choose(said, 0).tolist() == [1]
    assert choose(said, 1).tolist() == [0]
    with pytest.raises(ValueError, match="cost is known"):
        choose(Forecast(score=said.score, cost=cost * np.nan), 1)


@pytest.mark.parametrize("lambda_", [-1.0, float("nan"), float("inf")])
def test_a_dial_that_is_none_is_refused(lambda_: float) -> None:
    with pytest.raises(ValueError, match="dial"):
        choose(forecast((0.5, 0.6, 0.7)), lambda_)


def test_the_reason_names_the_rival_and_the_money() -> None:
    said = forecast((0.79, 0.5, 0.89), (0.79, 0.5, 0.80))
    dear, cheap = explain(said, NAMES, 5)
    assert dear.reason == (
        "dear: expected 89% against 79% for the cheaper cheap, worth the 0.9 cents at this dial."
    )
    assert cheap.reason == (
        "cheap: expected 79%; dear, expected 80%, is not worth 0.9 cents more at this dial."
    )
    cheapest = explain(forecast((0.9, 0.5, 0.7)), NAMES, 500)[0]
    assert cheapest.reason == "cheap: expected 90%, the highest; next is dear with 70%."
    only = explain(said, NAMES, 5, allowed=np.array([False, True, False]))[0]
    assert only.reason == "middling: the only model that may be chosen, expected 50%."


def test_the_reason_tells_the_calibrated_scores_that_the_table_shows() -> None:
    said = replace(forecast((0.2, 0.5, 0.9)), probability=np.array([[0.3, 0.55, 0.7]]))
    (decision,) = explain(said, NAMES, 0)
    assert decision.reason == "dear: expected 70%, the highest; next is middling with 55%."
    assert decision.score == 0.7


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (2.5, "$2.50"),
        (0.009, "0.9 cents"),
        (1.8e-6, "$1.80 per million calls"),
        (1.85e-9, "$1.85 per billion calls"),
    ],
)
def test_money_is_told_in_digits_that_can_be_read(usd: float, text: str) -> None:
    assert money(usd) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [(0.0, "$0.00 a prompt"), (0.004, "0.4 cents a prompt"), (1.85e-6, "$1.85 per million calls")],
)
def test_a_cost_of_a_prompt_says_once_of_how_many_calls_it_is(usd: float, text: str) -> None:
    assert a_prompt(usd) == text


def test_the_guard_lets_a_router_through_that_pays() -> None:
    table, said = recorded_outcomes(1000, routing_helps=True)
    guard = Guard.learn(said, table)
    assert guard.trust_at(50.0) == 1
    assert regret_of_routing(table, said, guard, 50.0) < -0.02


@pytest.mark.parametrize("seed", range(4))
def test_the_guard_is_never_much_worse_than_one_model_where_routing_cannot_help(seed: int) -> None:
    table, said = recorded_outcomes(2000, routing_helps=False, seed=seed)
    half = np.arange(1000)
    guard = Guard.learn(
        Forecast(score=said.score[half], cost=said.cost[half]), table.subset(prompts=half)
    )
    rest = np.arange(1000, 2000)
    new = Forecast(score=said.score[rest], cost=said.cost[rest])
    for lambda_ in (0.0, 5.0, 50.0):
        assert regret_of_routing(table.subset(prompts=rest), new, guard, lambda_) < 0.02


def test_without_trust_the_reason_says_that_choosing_did_not_pay() -> None:
    table, said = recorded_outcomes(1000, routing_helps=False, seed=1)
    guard = Guard.learn(said, table)
    assert not guard.trust[0]
    assert "did not pay" in explain(said, NAMES, 0, guard=guard)[0].reason


def test_clusters_ask_for_a_gain_that_all_of_them_share() -> None:
    table, said = recorded_outcomes(400, routing_helps=True)
    assert not Guard.learn(said, table, clusters=["one"] * 400).trust.any()


def test_twenty_copies_of_a_prompt_are_one_piece_of_evidence() -> None:
    table, said = recorded_outcomes(300, routing_helps=True)
    once = np.arange(10)
    copied = np.repeat(once, 20)
    few, copies = (
        OutcomeTable.of(
            prompt_ids=map(str, range(len(rows))),
            prompts=[f"the question with the number {row}" for row in rows],
            model_names=table.model_names,
            score=table.score[rows],
            cost=table.cost[rows],
        )
        for rows in (once, copied)
    )
    of_few = Guard.learn(Forecast(score=said.score[once], cost=said.cost[once]), few)
    of_copies = Guard.learn(Forecast(score=said.score[copied], cost=said.cost[copied]), copies)
    assert of_copies.trust.tolist() == of_few.trust.tolist()


def test_from_thirty_prompts_noise_is_hardly_ever_trusted() -> None:
    trusted = 0
    for seed in range(40):
        table, said = recorded_outcomes(30, routing_helps=False, seed=seed)
        trusted += bool(Guard.learn(said, table).trust[0])
    assert trusted <= 2


def test_a_guard_of_other_models_is_refused() -> None:
    table, said = recorded_outcomes(100, routing_helps=True)
    guard = Guard.learn(said, table)
    two = Forecast(score=said.score[:, :2], cost=said.cost[:, :2])
    with pytest.raises(ValueError, match="3 models"):
        choose(two, 0, guard=guard)
    with pytest.raises(ValueError, match="100 prompts"):
        Guard.learn(two, table)


def test_a_new_model_joins_the_guard() -> None:
    table, said = recorded_outcomes(200, routing_helps=True)
    guard = Guard.learn(said, table).joined("new", 0.99, float("nan"))
    wide = Forecast(
        score=np.column_stack([said.score, np.full(200, 0.99)]),
        cost=np.column_stack([said.cost, np.full(200, np.nan)]),
    )
    assert set(choose(wide, 0, guard=guard)) == {3}


def dial(n: int = 2000) -> tuple[Dial, OutcomeTable, Forecast]:
    table, said = recorded_outcomes(n, routing_helps=True)
    return Dial.learn(said, table, Guard.learn(said, table)), table, said


def spent(table: OutcomeTable, said: Forecast, guard: Guard, lambdas: Floats) -> float:
    chosen = [
        choose(Forecast(said.score[[i]], said.cost[[i]]), lambdas[i], guard=guard)[0]
        for i in range(len(lambdas))
    ]
    return float(table.cost[np.arange(len(lambdas)), chosen].mean())


@pytest.mark.parametrize("budget", [0.0012, 0.003, 0.006])
def test_a_budget_is_met_on_new_prompts_within_what_was_said(budget: float) -> None:
    known, _, _ = dial()
    table, said = recorded_outcomes(1000, routing_helps=True, seed=9)
    aim = known.aim(budget, prompts=1000)
    assert aim.spend == pytest.approx(budget)
    random = np.random.default_rng(0)
    lambdas = np.array([aim.draw(random) for _ in range(1000)])
    assert spent(table, said, known.guard, lambdas) == pytest.approx(budget, rel=1.5 * aim.miss)


def test_with_feedback_a_sum_is_spent_almost_to_the_cent() -> None:
    known, _, _ = dial()
    table, said = recorded_outcomes(600, routing_helps=True, seed=9)
    purse, paid = Purse(known, total=600 * 0.004, prompts=600), 0.0
    for row in range(600):
        one = Forecast(said.score[[row]], said.cost[[row]])
        cost = float(table.cost[row, choose(one, purse.next(), guard=known.guard)[0]])
        purse.paid(cost)
        paid += cost
    assert paid == pytest.approx(600 * 0.004, rel=0.01)


def test_a_budget_below_the_cheapest_model_names_it() -> None:
    known, _, _ = dial(200)
    with pytest.raises(
        ValueError, match=r"0\.01 cents a prompt is below the cheapest model: cheap"
    ):
        known.aim(0.0001)
    with pytest.raises(ValueError, match="below the cheapest"):
        Purse(known, total=0.0001, prompts=10)


@pytest.mark.parametrize("budget", [-1.0, float("nan"), float("inf")])
def test_a_budget_that_is_none_is_refused(budget: float) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        dial(200)[0].aim(budget)


def test_a_budget_is_not_met_by_a_setting_that_spends_more_than_a_smaller_one() -> None:
    """Where the guard takes trust away, the dearest model may answer all prompts at a larger lambda."""
    n = 200
    costs = np.array([1.0, 4.0, 10.0])
    table = OutcomeTable.of(
        prompt_ids=map(str, range(n)),
        prompts=["?"] * n,
        model_names=NAMES,
        score=np.tile([0.5, 0.7, 0.9], (n, 1)),
        cost=np.tile(costs, (n, 1)),
    )
    score = np.tile([0.5, 0.55, 0.6], (n, 1))
    score[: n // 2, 2] = 0.9
    said = Forecast(score=score, cost=table.cost)
    guard = Guard(
        NAMES,
        np.array([0.5, 0.7, 0.9]),
        costs,
        lambdas=np.array([0, 0.02, 0.03, 0.04, 0.3]),
        trust=np.array([1.0, 1.0, 0.0, 0.0, 1.0]),
    )
    known = Dial.learn(said, table, guard)
    for budget in np.linspace(known.least, known.most, 20):
        aim = known.aim(float(budget))
        high, low = (spent(table, said, guard, np.full(n, one)) for one in aim.lambdas)
        assert aim.share * high + (1 - aim.share) * low == pytest.approx(budget)


def test_more_money_than_can_be_spent_is_not_spent() -> None:
    known, _, _ = dial(200)
    assert known.aim(5.0).lambdas[0] == 0
    assert known.aim(5.0).spend == pytest.approx(known.most)


def test_unknown_prices_leave_no_budget_to_keep() -> None:
    table, said = recorded_outcomes(100, routing_helps=True)
    unpriced = OutcomeTable.of(
        prompt_ids=table.prompt_ids,
        prompts=table.prompts,
        model_names=NAMES,
        score=table.score,
    )
    said = Forecast(score=said.score, cost=said.cost * np.nan)
    guard = Guard.learn(said, unpriced)
    assert guard.lambdas.tolist() == [0]
    with pytest.raises(ValueError, match="`cheap` is unknown"):
        Dial.learn(said, unpriced, guard)


def test_guard_and_dial_come_back_from_json() -> None:
    known, _, said = dial(200)
    back = Dial.from_dict(known.as_dict())
    assert back.aim(0.004) == known.aim(0.004)
    assert (choose(said, 20, guard=back.guard) == choose(said, 20, guard=known.guard)).all()
    states: list[dict[str, Any]] = [{}, {"guard": {}}, {**known.as_dict(), "spend": [1.0]}]
    for broken in states:
        with pytest.raises(ValueError, match="saved state"):
            Dial.from_dict(broken)


FACTS = (
    ModelFacts("small", parameters=10**9, released=date(2026, 1, 1), licence="MIT"),
    ModelFacts("large", parameters=10**12, released=date(2024, 1, 1), self_hosted=False),
    ModelFacts("secret", latency_ms=200.0),
)


def test_limits_leave_the_models_that_are_known_to_meet_them() -> None:
    assert eligible(FACTS, Constraints()).all()
    assert eligible(FACTS, Constraints(most_parameters=10**10)).tolist() == [True, False, False]
    assert eligible(FACTS, Constraints(licences=frozenset({"mit"}))).tolist() == [
        True,
        False,
        False,
    ]
    with pytest.raises(ValueError, match="released since 1 January 2030"):
        eligible(FACTS, Constraints(released_since=date(2030, 1, 1)))


def test_wishes_weigh_against_the_forecast() -> None:
    wished = penalties(FACTS, Constraints(wishes={Trait.SIZE: 0.3}))
    assert wished.tolist() == [0, 0.3, 0.3]
    assert choose(forecast((0.5, 0.7, 0.7)), 0, penalty=wished).tolist() == [0]
    with pytest.raises(ValueError, match="weight"):
        Constraints(wishes={Trait.AGE: -1})


def test_forecasts_are_held_out_prompt_by_prompt() -> None:
    table, embeddings = world(n_prompts=60)
    said = held_out_forecast(Knn, table, embeddings)
    assert said.score.shape == table.score.shape
    with pytest.raises(ValueError, match="too few"):
        held_out_forecast(Knn, table.subset(prompts=range(5)), embeddings.subset(range(5)))
