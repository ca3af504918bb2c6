"""What Tryage and LLM Bandit promise beyond what every router does."""

import subprocess
import sys

import numpy as np
import pytest

from apps.catalog.tables import OutcomeTable
from apps.routing.methods.base import Embeddings
from apps.routing.methods.llm_bandit import LlmBandit, LlmBanditPolicy
from apps.routing.methods.tryage import Tryage
from tests.routing.prompts import halves, world


@pytest.fixture(scope="module")
def bandit() -> LlmBandit:
    table, embeddings, _, _ = halves(*world(600))
    router = LlmBandit(seed=0)
    router.fit(table, embeddings)
    return router


def right(found: np.ndarray, table: OutcomeTable) -> float:
    """How well forecasts go with outcomes."""
    return float(np.corrcoef(found.ravel(), table.score.ravel())[0, 1])


def test_tryage_reads_the_prompt_and_not_the_vectors() -> None:
    table, embeddings, test, new = halves(*world(300))
    blind = Embeddings(embeddings.prompts, np.zeros_like(embeddings.vectors), "test-8")
    router = Tryage(seed=0)
    router.fit(table, blind)
    unseen = Embeddings(new.prompts, np.zeros_like(new.vectors), "test-8")
    assert right(router.forecast(unseen).score, test) > 0.4


def test_tryage_needs_ten_prompts() -> None:
    table, embeddings = world(9)
    with pytest.raises(ValueError, match="at least 10 prompts"):
        Tryage().fit(table, embeddings)


def test_the_bandit_tells_models_apart(bandit: LlmBandit) -> None:
    _, _, test, new = halves(*world(600))
    assert right(bandit.forecast(new).score, test) > 0.4


def test_the_policy_spends_less_where_money_counts_more(bandit: LlmBandit) -> None:
    _, _, test, new = halves(*world(600))
    rows = np.arange(test.n_prompts)
    paid = [test.cost[rows, bandit.prefer(new, weight)].mean() for weight in (0.0, 0.5, 2.0)]
    assert paid[0] > paid[1] > paid[2]


def test_the_policy_does_not_mind_the_order_of_the_models(bandit: LlmBandit) -> None:
    import torch

    torch.manual_seed(0)
    policy = bandit._network["policy"]
    mean = bandit._network["identities"].mean
    vectors, success, cost = torch.randn(4, 8), torch.rand(4, 3), torch.rand(3)
    order, weight = [2, 0, 1], torch.full((4,), 0.5)
    with torch.inference_mode():
        straight, _ = policy(vectors, mean, success, cost, weight)
        turned, _ = policy(vectors, mean[order], success[:, order], cost[order], weight)
    np.testing.assert_allclose(turned, straight[:, order], atol=1e-5)


def test_a_model_joins_from_the_prompts_that_tell_most() -> None:
    table, embeddings, _, new = halves(*world(600))
    router = LlmBandit(seed=0)
    router.fit(table.subset(models=[0, 1]), embeddings)
    telling = router.choose_prompts(embeddings, 50)
    assert len(set(telling.tolist())) == 50
    some = router.forecast(embeddings).score.std(axis=1)
    assert some[telling].min() >= np.delete(some, telling).max()
    router.add_model(
        "model-2", table.subset(prompts=telling, models=[2]), embeddings.subset(telling)
    )
    assert set(router.prefer(new, 0.0)) <= {0, 1, 2}


def test_the_policy_is_played_at_each_preference_on_recorded_outcomes() -> None:
    table, embeddings, test, new = halves(*world(200))
    policy = LlmBanditPolicy(seed=0)
    policy.fit(table, embeddings)
    played = policy.replay(test, new)
    assert played.score.shape == played.cost.shape
    assert played.score.shape[1] == test.n_prompts
    assert played.cost[0].mean() >= played.cost[-1].mean()


def test_without_costs_there_is_a_forecast_but_no_policy() -> None:
    table, embeddings = world(60, priced=False)
    router = LlmBandit()
    router.fit(table, embeddings)
    assert np.isfinite(router.forecast(embeddings).score).all()
    with pytest.raises(ValueError, match="needs the cost of every model"):
        router.prefer(embeddings, 1.0)


def test_scores_with_grades_become_wins_as_frequent_as_the_mean_score() -> None:
    from apps.routing.methods.llm_bandit.training import Seen

    score = np.array([[0.1, 0.2], [0.4, 0.9], [np.nan, 0.9], [1.0, 0.5]])
    seen = Seen.of(np.zeros((4, 2)), score)
    assert float(seen.wins.sum()) == round(np.nanmean(score) * 7)


def test_the_registry_imports_no_torch() -> None:
    code = (
        "import sys, apps.routing.methods.registry; "
        "print([m for m in ('torch', 'transformers', 'tokenizers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
