"""Comparisons from pattern counts, against counting item by item and against statsmodels."""

from itertools import combinations

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests

from apps.leaderboards.statistics.comparison import (
    DIFFER,
    LABELLED,
    confusion,
    count_where,
    group_differences,
    model_lines,
    pair_lines,
    patterns,
    ran_bit,
    right_bit,
    tally,
)
from apps.leaderboards.statistics.paired import difference, pair_counts

CLASSES = 4


@pytest.fixture(params=[2, 3, 6])
def data(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """Answers [n_models, 500] with gaps, and labels with gaps."""
    random = np.random.default_rng(request.param)
    labels = random.integers(0, CLASSES, 500)
    answers = np.where(
        random.random((request.param, 500)) < 0.7,
        labels,
        random.integers(0, CLASSES, (request.param, 500)),
    )
    answers[random.random(answers.shape) < 0.1] = -1
    labels[random.random(500) < 0.3] = -1
    return answers.astype(np.int16), labels.astype(np.int16)


def test_each_pattern_says_what_is_true_of_its_item(data: tuple[np.ndarray, np.ndarray]) -> None:
    answers, labels = data
    found = patterns(list(answers), labels)
    for item, pattern in enumerate(found.tolist()):
        said = answers[:, item]
        assert bool(pattern & LABELLED) == (labels[item] >= 0)
        assert bool(pattern & DIFFER) == (len(set(said[said >= 0].tolist())) > 1)
        for model, answer in enumerate(said):
            assert bool(pattern & ran_bit(model)) == (answer >= 0)
            right = labels[item] >= 0 and answer == labels[item]
            assert bool(pattern & right_bit(model)) == right


def test_pairs_are_counted_and_tested_as_item_by_item(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    answers, labels = data
    counts = tally(patterns(list(answers), labels))
    lines = pair_lines(counts, len(answers))
    assert [(line.a, line.b) for line in lines] == list(combinations(range(len(answers)), 2))
    known = labels >= 0
    direct = pair_counts((answers[:, known] == labels[known]), answers[:, known] >= 0)
    plain = []
    for line in lines:
        both = known & (answers[line.a] >= 0) & (answers[line.b] >= 0)
        a, b = (answers[model][both] == labels[both] for model in (line.a, line.b))
        table = [[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]]
        assert [[line.both_right, line.only_a], [line.only_b, line.both_wrong]] == table
        plain.append(reference_mcnemar(table, exact=True).pvalue)
        assert line.p == pytest.approx(plain[-1])
        assert line.difference == pytest.approx(a.mean() - b.mean())
        _, low, high = difference(direct, line.b)
        assert (line.low, line.high) == pytest.approx((low[line.a], high[line.a]))
        assert line.mid_p <= line.p
    adjusted = multipletests(plain, method="holm")[1]
    assert [line.p_adjusted for line in lines] == pytest.approx(adjusted.tolist())


def test_against_the_first_alone_the_family_is_smaller(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    answers, labels = data
    lines = pair_lines(tally(patterns(list(answers), labels)), len(answers), first_only=True)
    assert [(line.a, line.b) for line in lines] == [(0, b) for b in range(1, len(answers))]
    adjusted = multipletests([line.p for line in lines], method="holm")[1]
    assert [line.p_adjusted for line in lines] == pytest.approx(adjusted.tolist())


def test_models_are_counted_on_what_they_answered(data: tuple[np.ndarray, np.ndarray]) -> None:
    answers, labels = data
    for line, said in zip(
        model_lines(tally(patterns(list(answers), labels)), len(answers)), answers, strict=True
    ):
        asked = (labels >= 0) & (said >= 0)
        assert line.answered == asked.sum()
        assert line.accuracy == pytest.approx((said[asked] == labels[asked]).mean())
        assert line.low < line.correct / line.answered < line.high


def test_groups_are_counted_apart(data: tuple[np.ndarray, np.ndarray]) -> None:
    answers, labels = data
    groups = np.arange(500) % 4 - 1  # a quarter of the items is in no group
    found = patterns(list(answers), labels)
    counts = tally(found, groups, 3)
    gaps, low, high, p, shared = group_differences(counts, 0, 1)
    plain = []
    for group in range(3):
        part = groups == group
        alone = tally(found[part])
        assert (counts[group] == alone).all()
        line = pair_lines(alone, 2)[0]
        assert (gaps[group], low[group], high[group]) == pytest.approx(
            (line.difference, line.low, line.high)
        )
        assert shared[group] == line.shared
        plain.append(line.p)
    assert p == pytest.approx(multipletests(plain, method="holm")[1])


def test_a_confusion_matrix_counts_labels_by_answers(data: tuple[np.ndarray, np.ndarray]) -> None:
    answers, labels = data
    matrix = confusion(answers[0], labels, CLASSES)
    for label in range(CLASSES):
        for said in range(CLASSES):
            assert matrix[label, said] == ((labels == label) & (answers[0] == said)).sum()


def test_without_labels_only_disagreements_are_known() -> None:
    found = patterns(
        [np.array([0, 1, 1], np.int16), np.array([0, 0, -1], np.int16)], np.full(3, -1)
    )
    counts = tally(found)
    assert count_where(counts, all_of=DIFFER) == 1
    line = pair_lines(counts, 2)[0]
    assert (line.shared, line.difference, line.p) == (0, None, 1.0)
    assert model_lines(counts, 2)[0].accuracy is None


@pytest.mark.parametrize("models", [1, 7])
def test_too_few_and_too_many_models_are_refused(models: int) -> None:
    with pytest.raises(ValueError, match="choose 2 to 6"):
        patterns([np.zeros(3, np.int16)] * models, np.zeros(3, np.int16))
