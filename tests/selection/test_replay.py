"""Replaying a labelled collection, and the benchmark command that prints it."""

import gzip
import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.catalog.tables import PredictionTable
from apps.selection.replay import Collection, MethodOutcome, Plan, StopOutcome
from apps.selection.replay import read_collection as read
from apps.selection.replay import replay as run
from apps.selection.replay.run import known_methods

from .methods.pools import pool

PLAN = Plan(methods=("auto", "random"), pool=60, realisations=4, budget=40, seed=7)


def collection(n_items: int = 120) -> Collection:
    """Six models, one of which is clearly the best."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, n_items)
    right = random.random((6, n_items)) < np.array([0.95, 0.8, 0.75, 0.7, 0.6, 0.5])[:, None]
    answers = np.where(right, truth, (truth + random.integers(1, 3, (6, n_items))) % 3)
    return Collection.of("made", pool(answers, 3), truth.astype(np.int32))


def without_times(plain: dict[str, Any]) -> dict[str, Any]:
    for method in plain["methods"].values():
        del method["seconds_per_step"]
    return plain


def test_equal_seeds_give_equal_outcomes_whatever_the_number_of_processes() -> None:
    alone = run(collection(), PLAN).as_dict()
    together = run(collection(), PLAN, jobs=2).as_dict()
    assert without_times(alone) == without_times(together)


def test_the_order_in_which_data_are_listed_changes_no_number() -> None:
    given = collection()
    table = given.table
    random = np.random.default_rng(3)
    models, items = random.permutation(table.n_models), random.permutation(table.n_items)
    code = np.array([2, 0, 1])
    shuffled = PredictionTable.of(
        item_ids=table.item_ids,
        model_names=table.model_names,
        class_names=[table.class_names[place] for place in np.argsort(code)],
        predictions=code[table.predictions],
    ).subset(models=models, items=items)
    labels = code[given.labels][items].astype(np.int32)
    plan = replace(PLAN, methods=known_methods(), realisations=2, budget=25)
    again = run(Collection.of("made", shuffled, labels), plan)
    assert without_times(run(given, plan).as_dict()) == without_times(again.as_dict())


def test_every_method_gets_the_same_pools() -> None:
    plan = Plan(methods=("auto", "random", "margin"), pool=60, realisations=3, budget=60, seed=1)
    found = run(collection(), plan)
    # Once the whole pool is labelled each method names a best model of the same pools.
    for method in found.methods.values():
        assert method.regret[:, -1].tolist() == [0, 0, 0]
        assert method.stopping["certificate"].stopped == 1
        assert method.stopping["certificate"].correct == 1


@pytest.mark.parametrize("name", known_methods())
def test_every_method_can_be_replayed(name: str) -> None:
    plan = Plan(methods=(name,), pool=40, realisations=2, budget=15, seed=0)
    found = run(collection(), plan)
    assert found.methods[name].regret.shape == (2, 15)


def test_progress_is_told_and_can_end_the_replay() -> None:
    told = []

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run(collection(), PLAN, progress=progress)
    assert told == [(1, 4), (2, 4)]


def outcome(regret: list[list[float]]) -> MethodOutcome:
    return MethodOutcome(np.array(regret), np.ones((len(regret), len(regret[0]))), {})


def test_labels_are_counted_to_the_first_and_to_the_lasting_success() -> None:
    lost = [0.3, 0.0, 0.2, 0.005, 0.0, 0.0]
    found = outcome([lost] * 10)
    assert found.labels_to() == {"first": 2, "sustained": 5}
    assert found.labels_to(0.01) == {"first": 2, "sustained": 4}
    nine = outcome([[0.0, 0.0]] * 9 + [[0.5, 0.5]])
    assert nine.labels_to() == {"first": 1, "sustained": 1}
    eight = outcome([[0.0, 0.0]] * 8 + [[0.5, 0.5]] * 2)
    assert eight.labels_to() == {"first": None, "sustained": None}
    assert outcome([[0.0, 0.5]] * 10).labels_to() == {"first": 1, "sustained": None}


def test_regret_is_told_in_points_and_only_as_far_as_the_budget() -> None:
    plain = outcome([[0.02] * 60, [0.04] * 60]).as_dict()
    assert plain["regret_at"] == {
        "10": pytest.approx(3),
        "25": pytest.approx(3),
        "50": pytest.approx(3),
        "100": None,
    }
    assert plain["cumulative_regret_100"] is None
    assert outcome([[0.02] * 120]).as_dict()["cumulative_regret_100"] == pytest.approx(200)


def test_a_rule_that_seldom_stops_has_no_median() -> None:
    found = StopOutcome.of(np.array([20, -1, 30, -1]), np.array([True, False, False, False]))
    assert found == StopOutcome(stopped=0.5, median_labels=None, correct=0.5)
    found = StopOutcome.of(np.array([20, 40, 30, -1]), np.array([True, True, False, False]))
    assert found == StopOutcome(stopped=0.75, median_labels=40, correct=2 / 3)
    assert StopOutcome.of(np.array([-1]), np.array([False])).correct is None


def write_npz(folder: Path) -> None:
    made = collection()
    np.savez(
        folder / "predictions.npz",
        predictions=made.table.predictions,
        model_names=np.array(made.table.model_names),
        labels=made.labels,
    )


def write_tables(folder: Path) -> None:
    made = collection()
    header = ",".join(("item_id", *made.table.model_names))
    rows = [
        ",".join((made.table.item_ids[i], *map(str, column)))
        for i, column in enumerate(made.table.predictions.T)
    ]
    (folder / "predictions.csv").write_text("\n".join((header, *rows)) + "\n")
    labels = [
        f"{item},{label}" for item, label in zip(made.table.item_ids, made.labels, strict=True)
    ]
    (folder / "labels.csv").write_text("\n".join(("item_id,label", *labels)) + "\n")


@pytest.mark.parametrize("write", [write_npz, write_tables])
def test_a_folder_of_arrays_or_of_tables_is_the_same_collection(write: Any, tmp_path: Path) -> None:
    write(tmp_path)
    found, made = read(tmp_path), collection()
    assert (found.table.predictions == made.table.predictions).all()
    assert (found.labels == made.labels).all()
    assert found.left_out == 0


def test_items_without_a_label_or_an_answer_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "predictions.csv").write_text("item_id,a,b\n1,x,y\n2,,y\n3,x,x\n4,y,y\n")
    (tmp_path / "labels.csv").write_text("item_id,label\n1,x\n2,y\n4,z\n")
    found = read(tmp_path)
    assert found.table.item_ids == ("1", "4")
    assert found.left_out == 2
    assert [found.table.class_names[label] for label in found.labels] == ["x", "z"]
    with pytest.raises(ValueError, match="There is no model `c` to leave out"):
        read(tmp_path, exclude_models=["c"])
    with pytest.raises(ValueError, match="a comparison needs at least two models"):
        read(tmp_path, exclude_models=["a"])


def test_an_item_with_two_labels_is_named(tmp_path: Path) -> None:
    (tmp_path / "predictions.csv").write_text("item_id,a,b\n1,x,y\n2,x,y\n")
    (tmp_path / "labels.csv").write_text("item_id,label,annotator\n1,x,ann\n1,y,bob\n")
    with pytest.raises(ValueError, match=r"Item `1` has two labels in labels\.csv, `x` and `y`"):
        read(tmp_path)


def bench(*words: str) -> str:
    out = StringIO()
    call_command("bench", "selection", *words, stdout=out)
    return out.getvalue()


def test_the_command_prints_a_line_a_method_and_writes_the_same_as_json(tmp_path: Path) -> None:
    write_npz(tmp_path)
    file = tmp_path / "out.json"
    said = bench(
        str(tmp_path),
        *("--methods", "auto,random", "--pool", "60", "--realisations", "3"),
        *("--budget", "30", "--seed", "2", "--exclude-models", "model 1,model 2"),
        *("--json", str(file)),
    )
    assert "4 models, 120 items, 3 classes" in said
    assert any(line.strip().startswith("auto ") for line in said.splitlines())
    found = json.loads(file.read_text())
    head = {key: value for key, value in found.items() if key != "methods"}
    assert head == {
        "collection": tmp_path.name,
        "models": 4,
        "items": 120,
        "classes": 3,
        "pool": 60,
        "realisations": 3,
        "budget": 30,
        "seed": 2,
    }
    assert set(found["methods"]) == {"auto", "random"}
    one = found["methods"]["auto"]
    assert set(one) == {
        "labels_to_best_90",
        "labels_to_within_1pct_90",
        "cumulative_regret_100",
        "regret_at",
        "seconds_per_step",
        "stopping",
    }
    assert set(one["stopping"]) == {"certificate", "delta_0", "delta_1pct"}
    assert set(one["stopping"]["delta_0"]) == {"stopped", "median_labels", "correct"}
    assert set(one["labels_to_best_90"]) == {"first", "sustained"}
    assert set(one["regret_at"]) == {"10", "25", "50", "100"}
    assert set(one["seconds_per_step"]) == {"median", "p95"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--methods", "auto,best"), "There is no method best; there are auto,"),
        (("--realisations", "0"), "The realisations must be at least 1, not 0"),
        (("--budget", "0"), "The budget must be at least 1, not 0"),
        (("--methods", ","), "Name at least one method"),
        (("--seed", "-1"), "The seed must be 0 or more, not -1"),
        (("--exclude-models", "nobody"), "There is no model `nobody` to leave out"),
        (("--json", "/nowhere/out.json"), "There is no folder /nowhere to write in"),
        (("--json", "/"), "/ is a folder; name a file in it"),
    ],
)
def test_what_cannot_be_replayed_is_said_in_a_sentence(
    words: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    write_npz(tmp_path)
    with pytest.raises(CommandError, match=sentence):
        bench(str(tmp_path), *words)


def test_a_folder_without_a_collection_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"has none of predictions\.npz, predictions\.csv"):
        bench(str(tmp_path))
    with pytest.raises(CommandError, match="There is no folder"):
        bench(str(tmp_path / "missing"))
    (tmp_path / "predictions.npz").write_bytes(b"no archive")
    with pytest.raises(
        CommandError, match=r"predictions\.npz: .* cannot be read as an \.npz archive"
    ):
        bench(str(tmp_path))


def test_a_packed_table_in_a_folder_is_told_to_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "predictions.csv.gz").write_bytes(gzip.compress(b"item_id,a,b\n1,x,y\n"))
    (tmp_path / "labels.csv").write_text("item_id,label\n1,x\n")
    with pytest.raises(CommandError, match=r"predictions\.csv\.gz: .* please unpack it first"):
        bench(str(tmp_path))
