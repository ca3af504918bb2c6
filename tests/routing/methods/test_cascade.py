"""A cascade keeps what its judge accepts, and pays for all that it asked, the judge included."""

from dataclasses import replace

import numpy as np
import pytest

from apps.routing.methods.cascade import Cascade
from tests.routing.prompts import halves, world


def test_with_a_judge_that_never_errs_an_answer_is_right_where_any_model_of_the_chain_is() -> None:
    table, embeddings, test, new = halves(*world(400))
    cascade = Cascade(judge_error=0.0, judge_cost=0.0)
    cascade.fit(table, embeddings)
    played = cascade.replay(test, new)
    assert cascade.chains[0].models == (0, 1, 2)
    np.testing.assert_array_equal(played.score[0], test.score.max(axis=1))


def test_every_call_and_every_verdict_is_on_the_bill() -> None:
    table, embeddings, test, new = halves(*world(400))
    cascade = Cascade(judge_error=0.0, judge_cost=0.5)
    cascade.fit(table, embeddings)
    chain = cascade.chains[0].models
    expected = np.zeros(test.n_prompts)
    for row in range(test.n_prompts):
        for model in chain:
            expected[row] += test.cost[row, model]
            if model == chain[-1]:
                break
            expected[row] += 0.5
            if test.score[row, model] >= 0.5:
                break
    np.testing.assert_allclose(cascade.replay(test, new).cost[0], expected)


def test_a_judge_costs_as_much_as_the_cheapest_model_where_nothing_else_is_said() -> None:
    table, embeddings = world(60)
    cascade = Cascade()
    cascade.fit(table, embeddings)
    assert cascade.judge_cost == pytest.approx(1e-5)


def test_the_worse_the_judge_the_worse_the_answers() -> None:
    table, embeddings, test, new = halves(*world(1000))
    means = []
    for error in (0.0, 0.2, 0.5):
        cascade = Cascade(seed=1, judge_error=error, judge_cost=0.0)
        cascade.fit(table, embeddings)
        means.append(cascade.replay(test, new).score[0].mean())
    assert means[0] > means[1] + 0.05
    assert means[1] > means[2] + 0.05


def test_the_judge_errs_as_often_as_said_and_on_the_same_answers_each_time() -> None:
    table, embeddings, test, new = halves(*world(4000))
    cascade = Cascade(seed=5, judge_error=0.2)
    cascade.fit(table, embeddings)
    assert np.mean(cascade._read(test) != test.score) == pytest.approx(0.2, abs=0.02)
    once, again = cascade.replay(test, new), cascade.replay(test, new)
    np.testing.assert_array_equal(once.score, again.score)
    some = [5, 2]
    part = cascade.replay(test.subset(prompts=some), new.subset(some))
    np.testing.assert_array_equal(part.score, once.score[:, some])


def test_graded_answers_may_be_kept_below_full_marks() -> None:
    table, embeddings = world(200)
    graded = replace(table, score=np.where(table.score > 0, 0.8, 0.1))
    cascade = Cascade(judge_error=0.0, judge_cost=0.0)
    cascade.fit(graded, embeddings)
    assert cascade.replay(graded, embeddings).score[0].mean() > 0.5


def test_prompts_with_unknown_outcomes_or_costs_are_refused_in_a_sentence() -> None:
    table, embeddings = world(60)
    cascade = Cascade()
    cascade.fit(table, embeddings)
    holes, same = world(60, missing=0.5)
    with pytest.raises(ValueError, match="every outcome and cost is known"):
        cascade.replay(holes, same)
    with pytest.raises(ValueError, match="at least 20"):
        Cascade().fit(world(60, priced=False)[0], embeddings)


@pytest.mark.parametrize(("error", "cost"), [(-0.1, 0.0), (1.1, 0.0), (0.1, -1.0)])
def test_an_impossible_judge_is_refused(error: float, cost: float) -> None:
    with pytest.raises(ValueError, match=r"within 0\.\.1"):
        Cascade(judge_error=error, judge_cost=cost)


def test_an_evaluation_shows_it_beside_the_routers() -> None:
    from apps.routing.evaluation import Plan, evaluate

    table, embeddings = world(120)
    found = evaluate(
        table,
        embeddings,
        Plan(routers=("knn", "cascade-judge-error-10"), split="random", splits=1),
    ).as_dict()
    shown = found["routers"]["cascade-judge-error-10"]
    assert shown["aiq"]["mean"] > found["routers"]["zero"]["aiq"]["mean"]
