"""`auto` against its definition, word for word, and what makes it safe."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.catalog.tables import PredictionTable
from apps.selection.methods.auto import Auto
from tests.conftest import recorded

from .pools import labels_for, pool, pools

Floats = NDArray[np.float64]


def vote(column: list[int], weights: Floats) -> dict[int, float]:
    """The weight behind each class voted for, as a share of the votes."""
    held = {
        c: sum(w for v, w in zip(column, weights, strict=True) if v == c)
        for c in sorted(set(column))
    }
    whole = sum(held.values())
    return {c: weight / whole for c, weight in held.items()}


class Literal:
    """The docstring's formulas for pools without missing predictions and without equal models."""

    def __init__(self, table: PredictionTable, truth: list[int]) -> None:
        self.columns = table.predictions.T.tolist()
        self.confidence = np.ones((table.n_items, table.n_models))
        if table.probabilities is not None:
            stated = table.probabilities.T.astype(float)
            self.confidence = np.where(np.isnan(stated), np.nanmean(stated), stated)
        self.n_models = table.n_models
        self.disputed = [i for i, column in enumerate(self.columns) if len(set(column)) > 1]
        self.open = [i for i in self.disputed if truth[i] < 0]
        self.majority = [self.pseudo(i, self.confidence[i]) for i in range(table.n_items)]
        self.seen = [
            (self.share(i), truth[i] == self.majority[i]) for i in self.disputed if truth[i] >= 0
        ]
        self.right = np.array(
            [[v == y for v in c] for c, y in zip(self.columns, truth, strict=True) if y >= 0]
        ).reshape(-1, table.n_models)
        self.correct = self.right.sum(axis=0).astype(float)
        self.t = sum(truth[i] >= 0 for i in self.disputed)

    def odds(self) -> Floats:
        if not len(self.right):
            return np.ones(self.n_models)
        agreeing = [
            sum(self.columns[i][j] == self.majority[i] for i in self.open)
            for j in range(self.n_models)
        ]
        reference = max(range(self.n_models), key=lambda j: (self.correct[j], agreeing[j], -j))
        odds = np.ones(self.n_models)
        for j in range(self.n_models):
            if j == reference:
                continue
            won = int((self.right[:, reference] & ~self.right[:, j]).sum())
            lost = int((~self.right[:, reference] & self.right[:, j]).sum())
            z = (won - lost) / math.sqrt(won + lost + 1)
            q = min(max(0.5 * math.erfc(z / math.sqrt(2)), 1e-12), 0.5)
            odds[j] = q / (1 - q)
        return odds

    def pseudo(self, item: int, weights: Floats) -> int:
        column: list[int] = self.columns[item]
        # Not as shares: weights may be negative, and so may their sum where votes count unequally.
        held = {
            c: sum(w for v, w in zip(column, weights, strict=True) if v == c) for c in set(column)
        }
        best = max(held.values())
        likely = [c for c, w in held.items() if w > best - 1e-12]
        return min(likely, key=lambda c: (-column.count(c), c))

    def share(self, item: int) -> float:
        shares = vote(self.columns[item], self.confidence[item])
        return float(np.round(shares[self.majority[item]], 2))

    def believed(self, item: int) -> bool:
        v = self.share(item)
        near = [max(0.0, 1 - abs(v - other) / 0.15) for other, _ in self.seen]
        trust = 4 * max(0.0, 2 * v - 1) ** 2
        hits = trust * v + sum(k for k, (_, right) in zip(near, self.seen, strict=True) if right)
        return hits > (trust + sum(near)) / 2 + 1e-9

    def bold(self) -> dict[int, int]:
        weights = self.odds() + (self.correct - self.correct.mean()) / math.sqrt(self.t + 4)
        return {i: self.pseudo(i, weights * self.confidence[i]) for i in self.open}

    def careful(self) -> dict[int, int]:
        return {i: self.majority[i] if self.believed(i) else c for i, c in self.bold().items()}

    def merits(self, pseudo: dict[int, int]) -> list[float]:
        return [
            self.correct[j] + sum(self.columns[i][j] == c for i, c in pseudo.items()) * 0.8
            for j in range(self.n_models)
        ]

    def scores(self, leader: int) -> dict[int, float]:
        sharpness = 0.45 * min(1, math.sqrt(25 / max(self.t, 1)))
        p = np.exp(sharpness * (self.correct - self.correct.max()))
        items = self.open
        bold, careful = self.bold(), self.careful()
        by_bold = self.merits(bold)
        if by_bold[leader] < max(by_bold) - 1e-9:
            other = max(range(self.n_models), key=lambda j: (round(by_bold[j], 9), -j))
            apart = [i for i in items if self.columns[i][leader] != self.columns[i][other]]
            tests = [i for i in apart if bold[i] != careful[i]]
            if tests:
                return dict.fromkeys(tests, 2.0)
        if self.t % 2:
            merits = self.merits(careful)
            rivals = [j for j in range(self.n_models) if j != leader]
            rival = max(rivals, key=lambda j: (round(merits[j], 9), -j))
            duels = [i for i in items if self.columns[i][leader] != self.columns[i][rival]]
            items = duels or items
        found = {}
        for item in items:
            plain, weighted = (vote(self.columns[item], w) for w in (np.ones(self.n_models), p))
            found[item] = sum(plain[c] ** 0.3 * weighted[c] * (1 - weighted[c]) for c in plain)
        return found


def different(table: PredictionTable) -> bool:
    return len({tuple(row) for row in table.predictions.tolist()}) == table.n_models > 1


def with_probabilities(table: PredictionTable, stated: Floats) -> PredictionTable:
    return PredictionTable.of(
        item_ids=table.item_ids,
        model_names=table.model_names,
        class_names=table.class_names,
        predictions=table.predictions,
        probabilities=stated,
    )


@given(
    data=st.data(),
    table=pools(max_models=5, max_items=9, lowest=0).filter(different),
    soft=st.booleans(),
)
def test_it_is_the_formulas_of_its_docstring(
    data: st.DataObject, table: PredictionTable, soft: bool
) -> None:
    truth = data.draw(labels_for(table))
    if soft:
        stated = np.random.default_rng(sum(truth) + 99).uniform(0.1, 1, table.predictions.shape)
        stated[0, 0] = np.nan
        table = with_probabilities(table, stated)
    method, literal = Auto(table), Literal(table, truth)
    for item, label in enumerate(truth):
        if label >= 0:
            method.observe(item, label)
    merits = literal.merits(literal.careful())
    leader = method.leader()
    assert merits[leader] == pytest.approx(max(merits))
    if literal.open:
        scores = literal.scores(leader)
        item = int(method.suggest(1).items[0])
        assert scores.get(item, -1.0) == pytest.approx(max(scores.values()), abs=1e-9)


def test_without_labels_the_leader_agrees_most_with_the_majority() -> None:
    table = pool([[0, 1, 1, 0], [0, 0, 1, 0], [1, 0, 1, 1]], 2)
    assert Auto(table).leader() == 1


def test_a_sure_vote_counts_more_than_two_unsure_ones() -> None:
    table = pool([[0, 0, 0], [1, 1, 0], [1, 1, 1]], 2)
    unsure = np.array([[0.9] * 3, [0.3] * 3, [0.3] * 3])
    assert Auto(table).leader() == 1
    assert Auto(with_probabilities(table, unsure)).leader() == 0


def test_copies_of_a_model_have_one_vote() -> None:
    alone = pool([[0, 1, 1, 0], [0, 0, 1, 0], [1, 0, 1, 1]], 2)
    crowd = pool([*alone.predictions.tolist(), *[[0, 1, 1, 0]] * 20], 2)
    assert Auto(crowd, seed=3).leader() == Auto(alone, seed=3).leader() == 1


def test_models_that_the_labels_refute_lose_their_vote() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 400)
    # Two good models among nine that are mostly wrong together: the majority is wrong.
    wrong = np.where(random.random((9, 400)) < 0.8, 1 - truth, truth)
    good = [np.where(random.random(400) < share, truth, 1 - truth) for share in (0.9, 0.7)]
    method = Auto(pool(np.vstack([wrong, *good]), 2))
    assert method.leader() < 9
    for _ in range(12):
        item = int(method.suggest(1).items[0])
        method.observe(item, int(truth[item]))
    assert method.leader() == 9


def test_what_models_say_that_are_always_wrong_counts_against_it() -> None:
    # Fourteen labelled items, thirty on which the two good models differ, three that tell the bad apart.
    bad = [[1] * 14 + [1] * 30 + apart for apart in ([1, 0, 0], [0, 1, 0], [0, 0, 1])]
    with_them = [0] * 8 + [0, 0, 0, 1, 1, 1] + [1] * 30 + [0] * 3
    against_them = [0] * 8 + [1, 1, 1, 0, 0, 0] + [0] * 30 + [0] * 3
    method = Auto(pool([*bad, with_them, against_them], 2))
    for item in range(14):
        method.observe(item, 0)
    assert method.correct[3] == method.correct[4]
    assert method.leader() == 4


def classifiers(n_items: int, n_good: int, n_coins: int, seed: int) -> tuple[NDArray[Any], Any]:
    """[n_models, n_items] and the truth: good ones of about 80% that find the same items hard, some
    that are hardly better than a coin, and a good one with its labels reversed."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, n_items)
    models = n_good + n_coins + 1
    right = random.normal(1.8, 1.6, n_items) + random.normal(0, 0.9, (models, n_items)) > 0
    right[n_good:-1] = random.random((n_coins, n_items)) < 0.55
    right[-1] = ~right[-1]
    return np.where(right, truth, 1 - truth), truth


@pytest.mark.parametrize("seed", range(4))
def test_models_that_win_on_contested_items_alone_are_never_named(seed: int) -> None:
    answers, truth = classifiers(600, 40, 12, seed)
    method = Auto(pool(answers, 2), seed=seed)
    for _ in range(50):
        item = int(method.suggest(1).items[0])
        method.observe(item, int(truth[item]))
        assert method.leader() < 40


@pytest.mark.parametrize("seed", [0, 2, 3, 5])
def test_it_is_its_formulas_where_contested_items_speak_against_the_majority(seed: int) -> None:
    answers, truth = classifiers(80, 9, 5, seed)
    table = pool(answers, 2)
    method, labels = Auto(table, seed=seed), [-1] * 80
    outvoted = tested = 0
    for _ in range(30):
        literal = Literal(table, labels)
        merits = literal.merits(literal.careful())
        leader = method.leader()
        assert merits[leader] == pytest.approx(max(merits))
        scores = literal.scores(leader)
        item = int(method.suggest(1).items[0])
        assert scores.get(item, -1.0) == pytest.approx(max(scores.values()), abs=1e-9)
        outvoted += literal.bold() != literal.careful()
        tested += scores[item] == 2.0
        labels[item] = int(truth[item])
        method.observe(item, labels[item])
    assert outvoted
    assert tested


def test_the_majority_is_tested_and_gives_way_where_it_is_wrong() -> None:
    # Two of nine are right on most items; nine in ten items have a majority, and it is wrong.
    random = np.random.default_rng(3)
    truth = random.integers(0, 2, 300)
    wrong = np.where(random.random((7, 300)) < 0.9, 1 - truth, truth)
    good = np.where(random.random((2, 300)) < 0.9, truth, 1 - truth)
    table = pool(np.vstack([wrong, good]), 2)
    method = Auto(table)
    for _ in range(10):
        item = int(method.suggest(1).items[0])
        method.observe(item, int(truth[item]))
    assert method.leader() >= 7


def test_a_model_run_on_half_the_items_is_judged_by_its_rate() -> None:
    random = np.random.default_rng(1)
    truth = random.integers(0, 3, 300)
    answers: Any = np.where(random.random((6, 300)) < 0.6, truth, (truth + 1) % 3)
    answers[0] = np.where(random.random(300) < 0.97, truth, (truth + 1) % 3)
    answers[0, ::2] = -1
    method = Auto(pool(answers, 3))
    for item in random.permutation(300)[:60]:
        method.observe(int(item), int(truth[item]))
    assert method.correct.argmax() != 0 or method.answered[0] < method.answered[1]
    assert method.leader() == 0


@pytest.mark.parametrize("seed", range(4))
def test_the_model_that_leads_is_tried_where_models_were_run_on_half_the_items(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 5, 600)
    skill = np.linspace(0.55, 0.85, 10)[:, None]
    answers: Any = np.where(random.random((10, 600)) < skill, truth, (truth + 1) % 5)
    answers[random.random((10, 600)) < 0.5] = -1
    method = Auto(pool(answers, 5))
    for _ in range(80):
        item = int(method.suggest(1).items[0])
        method.observe(item, int(truth[item]))
    assert method.answered[method.leader()] > 20


def test_a_model_run_on_hard_items_alone_is_not_thought_worse_for_it() -> None:
    random = np.random.default_rng(5)
    truth = random.integers(0, 3, 300)
    hard = np.arange(300) < 150
    ease = np.where(hard, 0.35, 0.85)
    answers: Any = np.where(random.random((8, 300)) < ease, truth, (truth + 1) % 3)
    # Right on 55 of 100 hard items, more often than all others there, and run on no easy one.
    answers[0] = np.where(random.random(300) < 0.55, truth, (truth + 1) % 3)
    answers[0, ~hard] = -1
    method = Auto(pool(answers, 3))
    for item in random.permutation(300)[:120]:
        method.observe(int(item), int(truth[item]))
    rate = method.accuracy()
    assert rate[0] < rate[1:].max() - 0.02
    assert method.leader() == 0


def test_on_real_judges_it_needs_half_the_labels_of_model_selector() -> None:
    stored = np.load(recorded("selection/llmbar-judges") / "predictions.npz")
    whole = pool(stored["predictions"], 3)
    found = 0
    for seed in range(20):
        chosen = np.random.default_rng(seed).permutation(whole.n_items)[:350]
        table, truth = whole.subset(items=chosen), stored["labels"][chosen]
        accuracy = (table.predictions == truth).mean(axis=1)
        method = Auto(table, seed=seed)
        for _ in range(40):
            item = int(method.suggest(1).items[0])
            method.observe(item, int(truth[item]))
        found += bool(accuracy[method.leader()] == accuracy.max())
    # MODEL SELECTOR finds a best one in nine of ten pools after about 65 labels.
    assert found >= 17
