import json
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from apps.catalog.tables import PredictionTable
from apps.leaderboards.statistics.board import BoardResult, rank_candidates
from tests.conftest import recorded


def table(predictions: Any, n_classes: int = 3, names: Any = None) -> PredictionTable:
    matrix = np.asarray(predictions)
    return PredictionTable.of(
        item_ids=[f"item {i}" for i in range(matrix.shape[1])],
        model_names=names or [f"model {j}" for j in range(len(matrix))],
        class_names=[f"class {c}" for c in range(n_classes)],
        predictions=matrix,
    )


def scored(right: Any, **options: Any) -> BoardResult:
    """A board of models that are right (1), wrong (0) or not run (-1) on items of class 1."""
    matrix = np.asarray(right)
    return rank_candidates(table(matrix), np.ones(matrix.shape[1], dtype=int), **options)


def test_the_most_accurate_model_is_chosen() -> None:
    board = scored([[1] * 30 + [0] * 10, [1] * 38 + [0] * 2, [0] * 40])
    assert board.chosen == board.rows[0].model == "model 1"
    assert (board.rows[0].correct, board.rows[0].answered, board.labels) == (38, 40, 40)
    assert board.row("model 0").accuracy == 0.75
    assert board.row("model 0").difference == pytest.approx(-0.2)
    assert board.row("model 0").losses == 8
    with pytest.raises(KeyError):
        board.row("nobody")


def test_ranks_are_ranges_where_the_evidence_does_not_separate() -> None:
    board = scored([[1] * 39 + [0], [1] * 38 + [0] * 2, [0] * 40])
    assert [(row.rank_low, row.rank_high) for row in board.rows] == [(1, 2), (1, 2), (3, 3)]
    assert board.tied_with == ("model 1",)
    assert [(tie.a, tie.b) for tie in board.separations] == [("model 0", "model 1")]


def test_equal_models_need_more_than_labels_to_be_told_apart() -> None:
    board = scored([[1, 1, 0], [1, 0, 1]])
    assert {board.chosen, *board.tied_with} == {"model 0", "model 1"}
    assert board.separations[0].more_labels is None


def test_equal_accuracies_are_decided_by_price_and_then_by_name() -> None:
    same = [[1, 0, 1]] * 3
    assert scored(same).chosen == "model 0"
    assert scored(same, prices=[np.nan, 2, 1]).chosen == "model 2"
    matrix = table(same, names=["c", "a", "b"])
    assert rank_candidates(matrix, [1, 1, 1]).chosen == "a"


def test_the_cheapest_model_within_delta_of_the_chosen_one_is_named() -> None:
    right = [[1] * 90 + [0] * 10, [1] * 89 + [0] * 11, [1] * 88 + [0] * 12]
    prices = [10, 5, 1]
    assert scored(right, prices=prices, delta=0.01).cheapest_within_delta == "model 1"
    assert scored(right, prices=prices, delta=0.02).cheapest_within_delta == "model 2"
    assert scored(right, prices=prices, delta=0).cheapest_within_delta == "model 0"
    assert scored(right, prices=[10, 5, np.nan], delta=1).cheapest_within_delta == "model 1"
    assert scored(right, delta=1).cheapest_within_delta == "model 0"
    frontier = {row.model for row in scored(right, prices=[5, 10, 1]).rows if row.on_frontier}
    assert frontier == {"model 0", "model 2"}


def test_an_unknown_accuracy_is_unknown_and_not_zero() -> None:
    board = scored([[1, 1, 0], [-1, -1, -1]])
    row = board.rows[-1]
    assert (row.model, row.accuracy, row.p_best, row.difference) == ("model 1", None, None, None)
    assert (row.low, row.high, row.rank_low, row.rank_high) == (0, 1, 1, 2)
    assert board.p_best == 1  # a model without an answer is no rival


@pytest.mark.parametrize("labels", range(1, 7))
def test_a_few_labels_make_nobody_surely_the_best(labels: int) -> None:
    board = scored([[1] * labels, [0] * labels])
    assert board.p_best == board.rows[0].p_best == pytest.approx(1 - 0.5**labels)
    assert board.rows[1].p_best == 0


def test_of_models_that_are_right_equally_often_near_copies_share() -> None:
    board = scored([[1] * 20 + [0] * 20, [0] * 20 + [1] * 20, [0] * 20 + [1] * 20])
    shares = {row.model: row.p_best for row in board.rows}
    assert shares["model 0"] == pytest.approx(0.5, abs=0.03)
    assert shares["model 1"] == shares["model 2"] == pytest.approx(0.25, abs=0.03)


def test_two_right_answers_out_of_two_do_not_make_the_best_model() -> None:
    board = scored([[1] * 9 + [0], [1] * 2 + [-1] * 8, [1] * 5 + [-1] * 5])
    assert [row.model for row in board.rows] == ["model 2", "model 0", "model 1"]
    assert not board.row("model 1").compared
    assert board.row("model 1").p_best is None
    assert board.row("model 1").accuracy == 1


def test_only_labelled_items_count_and_an_unseen_class_is_wrong_for_all() -> None:
    board = rank_candidates(table([[0, 1, 1], [1, 1, 0]]), [2, 1, -1])
    assert board.labels == 2
    assert [(row.correct, row.answered) for row in board.rows] == [(1, 2), (1, 2)]


@settings(deadline=None, max_examples=30)
@given(data=st.data(), n_models=st.integers(1, 5), n_items=st.integers(1, 8))
def test_every_board_hangs_together(data: st.DataObject, n_models: int, n_items: int) -> None:
    cell = st.integers(-1, 2)
    grid = data.draw(
        st.lists(
            st.lists(cell, min_size=n_items, max_size=n_items),
            min_size=n_models,
            max_size=n_models,
        )
    )
    labels = data.draw(st.lists(cell, min_size=n_items, max_size=n_items))
    prices = data.draw(
        st.lists(st.sampled_from([0, 1.5, 2, float("nan")]), min_size=n_models, max_size=n_models)
    )
    run = [(row, label) for column in grid for row, label in zip(column, labels, strict=True)]
    if not any(prediction >= 0 and label >= 0 for prediction, label in run):
        with pytest.raises(ValueError, match=r"no labelled item yet|nothing to rank"):
            rank_candidates(table(grid), labels)
        return
    board = rank_candidates(table(grid), labels, prices=prices, resamples=50)
    rows = board.rows
    assert all(0 <= (row.p_best or 0) <= 1 for row in rows)
    assert sum(row.p_best or 0 for row in rows) <= 1 + 1e-9
    assert len({row.model for row in rows}) == n_models
    assert board.chosen == rows[0].model
    assert board.row(board.cheapest_within_delta).compared
    for row in rows:
        assert 1 <= row.rank_low <= row.rank_high <= n_models
        assert row.accuracy is None or row.low - 1e-9 <= row.accuracy <= row.high + 1e-9
    assert board == rank_candidates(table(grid), labels, prices=prices, resamples=50)
    content = json.loads(json.dumps(board.as_dict(), allow_nan=False))
    assert [row["model"] for row in content["rows"]] == [row.model for row in rows]
    assert content["tied_with"] == list(board.tied_with)


def test_the_range_of_a_model_misses_its_rank_in_at_most_a_twentieth_of_samples() -> None:
    random, wrong, rounds = np.random.default_rng(0), 0, 400
    for _ in range(rounds):
        easy = random.random(80) < 0.5
        right = np.where(easy, 1, random.random((8, 80)) < 0.6).astype(int)
        board = scored(right, resamples=1)
        row = board.row("model 0")  # one model, named beforehand; all eight are equally good
        wrong += (row.rank_low, row.rank_high) != (1, 8)
    assert wrong / rounds <= 0.05


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"delta": 1.5}, "Delta is 1.5; it must be between 0 and 1"),
        ({"delta": float("nan")}, "Delta is nan; it must be between 0 and 1"),
        ({"alpha": 0}, "Alpha is 0; it must be between 0 and 1"),
        ({"resamples": 0}, "The number of resamples is 0; it must be at least 1"),
        ({"prices": [1]}, "There are 1 prices for 2 models"),
        ({"prices": [1, -2]}, "The price of model `model 1` is -2, not a price"),
        ({"prices": [np.inf, 2]}, "The price of model `model 0` is inf, not a price"),
    ],
)
def test_a_bad_argument_is_named(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        scored([[1, 0], [0, 1]], **options)


def test_without_labels_there_is_no_board() -> None:
    with pytest.raises(ValueError, match="There is no labelled item yet"):
        rank_candidates(table([[0, 1], [1, 1]]), [-1, -1])


@cache  # 16,770 comparisons are some hundred different tables
def exact_p(wins: int, losses: int) -> float:
    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def test_on_real_judges_it_agrees_with_scipy_and_statsmodels() -> None:
    stored = np.load(recorded("selection/llmbar-judges") / "predictions.npz")
    names = stored["model_names"].tolist()
    predictions, truth = stored["predictions"], stored["labels"].astype(int)
    sample = np.random.default_rng(60).permutation(len(truth))[:60]
    labels = np.full(len(truth), -1)
    labels[sample] = truth[sample]
    board = rank_candidates(table(predictions, names=names), labels)

    right = (predictions == truth)[:, sample]
    correct = right.sum(axis=1)
    assert correct[names.index(board.chosen)] == correct.max()
    n_models = len(names)
    beaten = []
    for a in range(n_models):  # each model's own family: its comparisons with all the others
        others = [b for b in range(n_models) if b != a]
        wins = [int((right[a] & ~right[b]).sum()) for b in others]
        losses = [int((right[b] & ~right[a]).sum()) for b in others]
        p = [exact_p(won, lost) for won, lost in zip(wins, losses, strict=True)]
        decided = multipletests(p, 0.05, "holm")[0]
        beaten.append(
            (
                sum(
                    apart and won < lost
                    for apart, won, lost in zip(decided, wins, losses, strict=True)
                ),
                sum(
                    apart and won > lost
                    for apart, won, lost in zip(decided, wins, losses, strict=True)
                ),
            )
        )
    for j, name in enumerate(names):
        row = board.row(name)
        assert (row.correct, row.answered) == (correct[j], 60)
        assert (row.low, row.high) == pytest.approx(
            proportion_confint(correct[j], 60, method="wilson")
        )
        behind, ahead = beaten[j]
        assert (row.rank_low, row.rank_high) == (1 + behind, n_models - ahead)
    leader = names.index(board.chosen)
    expected = {name for j, name in enumerate(names) if j != leader and beaten[j][0] == 0}
    assert set(board.tied_with) == expected

    random, shares = np.random.default_rng(1), np.zeros(n_models)
    for _ in range(2000):
        points = right[:, random.integers(0, 60, 60)].sum(axis=1)
        shares[points == points.max()] += 1 / (points == points.max()).sum() / 2000
    assert board.p_best == pytest.approx(shares[leader], abs=0.04)
