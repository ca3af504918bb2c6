"""How prompts are parted, and which are nearly the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.catalog.tables import OutcomeTable
from apps.routing.duplicates import clusters, folds
from apps.routing.encoders import encoder
from apps.routing.evaluation.splits import Split, Splitter
from apps.routing.methods.base import Embeddings
from apps.routing.methods.knn import Knn
from apps.routing.methods.tasks import task_labels
from tests.routing.prompts import world

TEXT = "A train leaves the station at noon and travels {} miles at a speed of sixty miles an hour"


@pytest.mark.parametrize(
    "text", ["random", "group", "unseen:domain", "transfer:dataset=mmlu/gsm8k"]
)
def test_a_split_is_read_and_written(text: str) -> None:
    assert str(Split.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "randomly", "unseen:", "transfer:a", "transfer:a=b", "transfer:=b/c", "random:x"]
)
def test_what_is_no_split_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"there are random, group"):
        Split.parse(text)


def test_a_transfer_from_a_value_to_itself_would_test_on_what_it_learnt() -> None:
    with pytest.raises(ValueError, match="would test on the prompts that it learns from"):
        Split.parse("transfer:task=sums/sums")


def splitter(text: str, **kwargs: object) -> Splitter:
    table, _ = world(200)
    return Splitter.of(Split.parse(text), table, np.arange(200))


def test_a_random_split_holds_out_three_tenths() -> None:
    table, _ = world(200)
    parts = splitter("random").parts(table, seed=1, number=0)
    assert len(parts.test) == 60
    assert sorted([*parts.train, *parts.test]) == list(range(200))


def test_splits_differ_by_number_and_are_the_same_for_one_seed() -> None:
    table, _ = world(200)
    found = splitter("random")
    one, again, other = (found.parts(table, seed=1, number=n).test for n in (0, 0, 1))
    assert (one == again).all()
    assert (one != other).any()


@pytest.mark.parametrize("text", ["group", "unseen:task"])
def test_whole_groups_are_held_out(text: str) -> None:
    table, _ = world(200)
    found = splitter(text)
    assert str(found.split).endswith("task")
    parts = found.parts(table, seed=0, number=0)
    tasks = np.array(table.groups["task"])
    assert not set(tasks[parts.train]) & set(tasks[parts.test])


@pytest.mark.parametrize("column", ["task", "eval_name", "subject"])
def test_groups_are_found_by_the_names_that_known_benchmarks_give_them(column: str) -> None:
    table, _ = world(200)
    table = replace(table, groups={column: table.groups["task"]})
    assert str(Splitter.of(Split.parse("group"), table, np.arange(200)).split) == f"group:{column}"
    assert task_labels(table) == table.groups[column]


def test_without_groups_near_duplicates_stay_together() -> None:
    table, _ = world(200)
    table = table.of(
        prompt_ids=table.prompt_ids,
        prompts=table.prompts,
        model_names=table.model_names,
        score=table.score,
    )
    pairs = np.arange(200) // 2
    parts = Splitter.of(Split.parse("group"), table, pairs).parts(table, seed=0, number=0)
    assert not set(pairs[parts.train]) & set(pairs[parts.test])


def test_a_transfer_learns_from_one_value_and_tests_on_the_other() -> None:
    table, _ = world(200)
    parts = splitter("transfer:task=sums/code").parts(table, seed=0, number=0)
    tasks = np.array(table.groups["task"])
    assert set(tasks[parts.train]) == {"sums"}
    assert len(parts.test) == (tasks == "code").sum()


def test_prompts_that_a_model_was_not_run_on_are_never_tested() -> None:
    table, _ = world(200, missing=0.2)
    parts = Splitter.of(Split.parse("random"), table, np.arange(200)).parts(table, 0, 0)
    assert table.ran[parts.test].all()
    assert not table.ran[parts.train].all()


@pytest.mark.parametrize(
    ("text", "said"),
    [("unseen:colour", "colour"), ("transfer:task=sums/chess", "chess")],
)
def test_a_column_or_value_that_is_not_there_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        splitter(text)


def test_texts_that_differ_in_a_word_or_in_case_are_near_duplicates() -> None:
    long = (
        TEXT.format("forty") + " through hills and valleys that nobody has ever named before today"
    )
    found = clusters([long, long.upper(), long.replace("forty", "fifty"), "another one", ""])
    assert found[0] == found[1] == found[2]
    assert len(set(found.tolist())) == 3


def test_a_shared_template_makes_no_near_duplicates() -> None:
    random = np.random.default_rng(0)
    words = [f"word{n}" for n in range(500)]
    prompts = [TEXT.format(" ".join(random.choice(words, 6))) for _ in range(60)]
    assert len(set(clusters(prompts).tolist())) == 60


def test_a_very_long_prompt_is_no_trouble() -> None:
    assert len(set(clusters(["word " * 200_000, "x" * 1_000_000, "short"]).tolist())) == 3


def test_a_model_that_was_run_on_held_out_prompts_alone_is_named() -> None:
    table, _ = world(200)
    score = table.score.copy()
    score[np.array(table.groups["task"]) != table.groups["task"][0], 0] = np.nan
    table = replace(table, score=score)
    found = Splitter.of(Split.parse("unseen:task"), table, np.arange(200))

    def learnt(number: int) -> bool:
        return bool(table.ran[found.parts(table, 0, number).train].any(axis=0).all())

    told = []
    for number in range(12):
        try:
            assert learnt(number)
        except ValueError as error:
            told.append(str(error))
    assert any("was run on held-out prompts alone" in sentence for sentence in told)


def test_what_is_held_out_has_no_twin_among_what_is_learnt_from() -> None:
    random = np.random.default_rng(0)
    words = [f"w{number}" for number in range(500)]
    kinds = [" ".join(random.choice(words, 20)) for _ in range(30)]
    prompts = [f"{kind} {number}" for kind in kinds for number in range(4)]
    found = folds(prompts, 4, seed=1).reshape(30, 4)
    assert (found == found[:, :1]).all()
    assert set(found[:, 0]) == {0, 1, 2, 3}
    # Prompts of one kind alone are dealt out all the same.
    assert set(folds(["the same"] * 40, 4, seed=1)) == {0, 1, 2, 3}


def test_neighbours_that_are_twins_do_not_vouch_for_each_other() -> None:
    random = np.random.default_rng(0)
    words = [f"w{number}" for number in range(2000)]
    kinds = [" ".join(random.choice(words, 20)) for _ in range(40)]
    prompts = [f"{kind} {number}" for kind in kinds for number in range(6)]
    luck = (random.random((40, 2)) < 0.5).astype(float).repeat(6, axis=0)
    outcomes = OutcomeTable.of(
        prompt_ids=map(str, range(240)),
        prompts=prompts,
        model_names=["a", "b"],
        score=luck,
        cost=np.ones((240, 2)),
    )
    vectors = encoder("hashing").encode(prompts)
    router = Knn(seed=0)
    router.fit(outcomes, Embeddings(tuple(prompts), vectors, "hashing"))
    assert router.held_out is not None
    chosen = np.argmax(router.held_out.score, axis=1)
    right = luck[np.arange(240), chosen].mean()
    assert abs(right - luck.mean()) < 0.15  # with twins it would be the better one every time
