"""Class by class, against scikit-learn; the interval of macro-F1 covers as often as it says."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score

from apps.leaderboards.statistics.classwise import classwise


def test_f1_and_recall_are_scikit_learns() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 4, 300)  # of the five classes one is never a label
    answers = np.where(
        random.random((3, 300)) < 0.6, truth, random.integers(0, 5, (3, 300))
    ).astype(np.int32)
    answers[0, :50] = -1
    found = classwise(answers, truth.astype(np.int32), 5)
    for row, said in enumerate(answers):
        ran = said >= 0
        options = {"labels": [0, 1, 2, 3], "average": "macro", "zero_division": 0}
        assert found.macro_f1[row] == pytest.approx(f1_score(truth[ran], said[ran], **options))
        recall = recall_score(truth[ran], said[ran], labels=[0, 1, 2, 3], average=None)
        assert found.right[row, :4] / found.asked[row, :4] == pytest.approx(recall)
        assert found.worst[row] == recall.argmin()
        assert found.worst_low[row] < recall.min() < found.worst_high[row]


def test_a_model_that_was_not_run_has_no_numbers() -> None:
    found = classwise(np.full((1, 3), -1, np.int32), np.array([0, 1, 1], np.int32), 2)
    assert np.isnan(found.macro_f1[0])
    assert found.worst[0] == -1


def test_the_interval_of_macro_f1_covers_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    share = np.array([0.5, 0.3, 0.2])
    said = np.array([[0.8, 0.1, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])
    joint = share[:, None] * said
    true = np.mean(2 * np.diag(joint) / (joint.sum(axis=0) + joint.sum(axis=1)))
    hits, rounds = 0, 2000
    for _ in range(rounds):
        cells = random.choice(9, 300, p=joint.ravel())
        truth, answer = np.divmod(cells, 3)
        found = classwise(answer[None].astype(np.int32), truth.astype(np.int32), 3)
        hits += found.low[0] <= true <= found.high[0]
    assert 0.935 <= hits / rounds <= 0.965


def test_what_is_always_right_or_always_wrong_is_not_certain() -> None:
    truth = np.array([0] * 20 + [1] * 10, np.int32)
    found = classwise(np.stack([truth, 1 - truth]), truth, 2)
    assert found.macro_f1.tolist() == [1, 0]
    assert (found.low[0], found.high[1]) == pytest.approx((0.8741, 0.1259), abs=1e-3)
