import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.catalog.tables import PredictionTable
from apps.selection.methods.model_selector import ModelSelector
from tests.conftest import recorded

from .pools import labels_for, pool, pools


def entropy(p: NDArray[np.float64]) -> float:
    return float(-sum(x * np.log2(x) for x in p if x > 0))


def literal_score(
    predictions: NDArray[np.int32], prior: NDArray[np.float64], n_classes: int, gamma: float
) -> NDArray[np.float64]:
    """The expected entropy after the label of each item, word for word from the paper."""
    scores = []
    for votes in predictions.T:
        entropies = []
        for c in range(n_classes):
            posterior = prior * gamma ** (votes == c)
            entropies.append(entropy(posterior / posterior.sum()))
        scores.append(sum(entropies) / n_classes)
    return np.array(scores)


def disputed(table: PredictionTable) -> list[int]:
    votes = [set(column.tolist()) - {-1} for column in table.predictions.T]
    return [item for item, classes in enumerate(votes) if len(classes) > 1]


@given(data=st.data(), table=pools(), epsilon=st.floats(0.05, 0.5))
def test_the_closed_form_is_the_formula_of_the_paper(
    data: st.DataObject, table: PredictionTable, epsilon: float
) -> None:
    truth = data.draw(labels_for(table))
    method = ModelSelector(table, epsilon=epsilon)
    gamma = (1 - epsilon) / epsilon
    prior = np.full(table.n_models, 1 / table.n_models)
    for item, label in enumerate(truth):
        if label >= 0:
            method.observe(item, label)
            prior = prior * gamma ** (table.predictions[:, item] == label)
    prior /= prior.sum()
    np.testing.assert_allclose(method.posterior(), prior, atol=1e-12)
    n_classes = len(table.class_names)
    expected = literal_score(table.predictions, prior, n_classes, gamma)[disputed(table)]
    found = method.expected_entropy_change() / n_classes + entropy(prior)
    np.testing.assert_allclose(found, expected, atol=1e-9)


@given(data=st.data(), table=pools(lowest=0))
def test_it_suggests_the_item_that_leaves_the_least_doubt(
    data: st.DataObject, table: PredictionTable
) -> None:
    method = ModelSelector(table)
    for item, label in enumerate(data.draw(labels_for(table))):
        if label >= 0:
            method.observe(item, label)
    left = [item for item in disputed(table) if method.labels[item] < 0]
    if left:
        scores = literal_score(
            table.predictions, method.posterior(), len(table.class_names), 0.54 / 0.46
        )
        assert scores[method.suggest(1).items[0]] == pytest.approx(scores[left].min(), abs=1e-9)


def test_items_on_which_all_agree_only_fill_up() -> None:
    table = pool([[0, 0, 1, -1, 0], [0, 1, 1, 1, 0], [0, 1, -1, 1, 1]], 2)
    suggestions = ModelSelector(table).suggest(4)
    assert set(suggestions.items[:2].tolist()) == {1, 4}
    assert suggestions.probabilities == pytest.approx([1, 1, 2 / 3, 2 / 3])


def test_a_model_not_run_neither_votes_nor_agrees() -> None:
    method = ModelSelector(pool([[0, 0], [1, 0], [-1, 1]], 2))
    method.observe(0, 0)
    weights = method.posterior()
    assert weights[0] > weights[1] == weights[2]


def test_the_bounds_hold_whatever_the_missing_labels_are() -> None:
    table = pool([[0, 0, 1, -1], [-1, -1, -1, -1]], 2)
    method = ModelSelector(table)
    method.observe(0, 0)
    method.observe(3, 1)
    belief = method.belief()
    assert belief.low == pytest.approx([1 / 3, 0])
    assert belief.high == pytest.approx([1, 1])
    assert belief.p_best is None


@pytest.mark.parametrize("epsilon", [0, -0.1, 0.51, float("nan")])
def test_an_epsilon_out_of_range_is_refused(epsilon: float) -> None:
    with pytest.raises(ValueError, match="it must be above 0 and at most"):
        ModelSelector(pool([[0], [1]], 2), epsilon=epsilon)


def test_on_real_judges_it_finds_a_best_one_with_a_fraction_of_the_labels() -> None:
    stored = np.load(recorded("selection/llmbar-judges") / "predictions.npz")
    whole = pool(stored["predictions"], 3)
    found = 0
    for seed in range(10):
        chosen = np.random.default_rng(seed).permutation(whole.n_items)[:350]
        table, truth = whole.subset(items=chosen), stored["labels"][chosen]
        accuracy = (table.predictions == truth).mean(axis=1)
        method = ModelSelector(table, seed=seed)
        for _ in range(100):
            item = int(method.suggest(1).items[0])
            method.observe(item, int(truth[item]))
        found += accuracy[method.correct.argmax()] == accuracy.max()
    # At random it takes about 300 labels to be right in nine of ten pools.
    assert found >= 8
