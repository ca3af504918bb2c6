"""The published routers against independent implementations and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import NearestNeighbors

from apps.catalog.tables import OutcomeTable
from apps.routing.methods.base import Embeddings
from apps.routing.methods.knn import Knn
from apps.routing.methods.linear import Linear
from apps.routing.methods.logistic import Logistic
from apps.routing.methods.prompt_length import PromptLength
from apps.routing.methods.random_mix import RandomMix
from apps.routing.methods.registry import METHODS
from apps.routing.methods.task_table import TaskTable
from apps.routing.methods.zero import Zero
from tests.routing.prompts import halves, world

SEEING = ("knn", "linear", "logistic", "mlp", "matrix-factorisation", "kmeans", "mirt")


@pytest.mark.parametrize("name", SEEING)
def test_it_finds_which_model_is_good_at_what(name: str) -> None:
    table, embeddings, new, unseen = halves(*world(600))
    router = METHODS[name](seed=0)
    router.fit(table, embeddings)
    found = router.forecast(Embeddings(unseen.prompts, unseen.vectors, unseen.encoder))
    chosen = new.score[np.arange(new.n_prompts), found.score.argmax(axis=1)]
    assert chosen.mean() > 0.8 > 0.6 > new.score.mean(axis=0).max() - 0.05


@pytest.mark.parametrize("name", ["knn", "kmeans", "mirt"])
def test_a_new_model_is_placed_where_it_is_good(name: str) -> None:
    table, embeddings, _, unseen = halves(*world(600, 6))
    router = METHODS[name](seed=0)
    router.fit(table.subset(models=range(5)), embeddings)
    few = np.arange(50)
    router.add_model("model-5", table.subset(prompts=few, models=[5]), embeddings.subset(few))
    found = router.forecast(unseen).score[:, 5]
    good = np.array(unseen.tasks) == "code"
    assert found[good].mean() > found[~good].mean() + 0.1


def test_linear_is_ridge_regression() -> None:
    table, embeddings, _, new = halves(*world())
    router = Linear(seed=0)
    router.fit(table, embeddings)
    reference = Ridge(alpha=10.0).fit(embeddings.vectors.astype(float), table.score)
    np.testing.assert_allclose(
        router.forecast(new).score, reference.predict(new.vectors.astype(float)), atol=1e-8
    )


def test_logistic_is_logistic_regression() -> None:
    table, embeddings, _, new = halves(*world())
    router = Logistic(seed=0)
    router.fit(table, embeddings)
    reference = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000)
    reference.fit(embeddings.vectors.astype(float), table.score[:, 1])
    np.testing.assert_allclose(
        router.forecast(new).score[:, 1],
        reference.predict_proba(new.vectors.astype(float))[:, 1],
        atol=2e-3,
    )


def test_neighbours_are_those_of_scikit_learn() -> None:
    table, embeddings, _, new = halves(*world())
    router = Knn(seed=0)
    router.fit(table, embeddings)
    near = NearestNeighbors(n_neighbors=router.k, metric="cosine").fit(embeddings.vectors)
    expected = table.score[near.kneighbors(new.vectors, return_distance=False)].mean(axis=1)
    np.testing.assert_allclose(router.forecast(new).score, expected, atol=1e-9)


def test_each_training_prompt_is_foretold_by_the_others_alone() -> None:
    table, embeddings = world(60)
    router = Knn(seed=0)
    router.fit(table, embeddings)
    others = np.arange(1, 60)
    near = NearestNeighbors(n_neighbors=router.k, metric="cosine").fit(embeddings.vectors[1:])
    first = near.kneighbors(embeddings.vectors[:1], return_distance=False)[0]
    assert router.held_out is not None
    np.testing.assert_allclose(
        router.held_out.score[0], table.score[others][first].mean(axis=0), atol=1e-9
    )


def test_the_length_of_a_prompt_is_all_that_counts() -> None:
    lengths = np.arange(10, 110)
    score = (lengths > 60).astype(float)[:, None]
    prompts = tuple("x" * int(n) for n in lengths)
    table = OutcomeTable.of(
        prompt_ids=map(str, lengths), prompts=prompts, model_names=["long"], score=score
    )
    embeddings = Embeddings(prompts, np.zeros((100, 2), dtype=np.float32), "none")
    router = PromptLength(seed=0)
    router.fit(table, embeddings)
    line = np.polyfit(np.log1p(lengths), score[:, 0], 1)
    np.testing.assert_allclose(
        router.forecast(embeddings).score[:, 0], np.polyval(line, np.log1p(lengths)), atol=1e-9
    )


def test_the_task_table_is_told_the_task_and_falls_back_on_the_mean() -> None:
    table, embeddings = world(300)
    router = TaskTable(seed=0)
    router.fit(table, embeddings)
    tasks = np.array(embeddings.tasks)
    told = router.forecast(embeddings).score
    sums = table.score[tasks == "sums"]
    expected = (sums.sum(axis=0) + 5 * table.score.mean(axis=0)) / (len(sums) + 5)
    np.testing.assert_allclose(told[np.flatnonzero(tasks == "sums")[0]], expected)
    strange = Embeddings(("?",), embeddings.vectors[:1], "test-8", ("chess",))
    np.testing.assert_allclose(router.forecast(strange).score[0], table.score.mean(axis=0))


def test_lots_fall_on_each_model_alike_and_on_equal_prompts_equally() -> None:
    table, embeddings = world(600)
    router = RandomMix(seed=0)
    router.fit(table, embeddings)
    lots = router.forecast(embeddings).score
    counts = np.bincount(lots.argmax(axis=1), minlength=3)
    assert counts.min() > 150
    twice = embeddings.subset([4, 4])
    assert (router.forecast(twice).score[0] == router.forecast(twice).score[1]).all()


def test_the_best_single_model_is_the_only_one_allowed_and_of_equals_the_cheapest() -> None:
    table, embeddings = world(60)
    score = np.column_stack([np.zeros(60), np.ones(60), np.ones(60)])
    table = OutcomeTable.of(
        prompt_ids=table.prompt_ids,
        prompts=table.prompts,
        model_names=table.model_names,
        score=score,
        cost=table.cost,
    )
    router = METHODS["best-single"](seed=0)
    router.fit(table, embeddings)
    assert router.allowed.tolist() == [False, True, False]  # type: ignore[attr-defined]


def test_the_zero_router_expects_of_all_prompts_the_same() -> None:
    table, embeddings = world(60)
    router = Zero(seed=0)
    router.fit(table, embeddings)
    np.testing.assert_allclose(
        router.forecast(embeddings).score, np.tile(table.score.mean(axis=0), (60, 1))
    )
