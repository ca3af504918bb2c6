"""`manage.py pick`: the main job on files alone, with the numbers that others compute too."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from tests.conftest import recorded
from tests.leaderboards.conftest import labels, predictions

ROOT = Path(__file__).resolve().parents[2]
Pick = Callable[..., dict[str, Any]]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as typed, in a data folder that holds nothing."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "pick", *arguments],
        env=os.environ | {"ASSAY_DATA_DIR": str(folder / "data")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "p.csv").write_text(predictions({"ada": 2, "bea": 3, "cyd": 40}))
    (tmp_path / "l.csv").write_text(labels(range(40)))
    (tmp_path / "prices.csv").write_text("model,price\nada,0.012\nbea,0.001\n")
    return tmp_path


@pytest.fixture
def pick(files: Path) -> Pick:
    def do(*arguments: str) -> dict[str, Any]:
        done = run(
            files,
            str(files / "p.csv"),
            str(files / "l.csv"),
            "--json",
            str(files / "o"),
            *arguments,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads((files / "o").read_text())
        return answer

    return do


def test_predictions_in_the_place_of_labels_are_not_taken_for_them(files: Path) -> None:
    done = run(files, str(files / "p.csv"), str(files / "p.csv"))
    assert done.returncode == 2
    assert "None of its 4 columns is called `label`" in done.stderr


def test_a_reader_who_has_seen_enough_is_no_error(files: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "manage.py"),
            "pick",
            str(files / "p.csv"),
            str(files / "l.csv"),
        ],
        env=os.environ | {"ASSAY_DATA_DIR": str(files / "data")},
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_writes_the_numbers_and_says_the_verdict(files: Path, pick: Pick) -> None:
    answer = pick("--prices", str(files / "prices.csv"), "--delta", "0.05")
    assert list(answer) == [
        "chosen",
        "cheapest_within_delta",
        "p_best",
        "tied_with",
        "labels",
        "certificate",
        "board",
        "next_items",
    ]
    assert answer["chosen"] == "ada"
    assert answer["cheapest_within_delta"] == "bea"
    assert answer["tied_with"] == ["bea"]
    assert answer["labels"] == 40
    assert answer["board"][2]["price"] is None
    assert len(answer["next_items"]) == 20


def test_right_answers_beside_the_predictions_do_not_win(files: Path) -> None:
    header, *rows = (files / "p.csv").read_text().splitlines()
    item, *models = header.split(",")
    beside = [f"{item},text,Label,ada_correct,{','.join(models)}"]
    beside += [
        f"{id_},What is it?,cat,cat,{rest}" for id_, rest in (row.split(",", 1) for row in rows)
    ]
    (files / "p.csv").write_text("\n".join(beside) + "\n")
    done = run(files, str(files / "p.csv"), str(files / "l.csv"))
    assert done.stdout.startswith("Use ada"), done.stdout
    assert "Not taken for models: `text`, `Label`, `ada_correct`." in done.stdout
    assert " text  " not in done.stdout


def test_a_label_that_no_model_answers_is_told(files: Path) -> None:
    rows = (files / "l.csv").read_text()
    (files / "l.csv").write_text(rows.replace("i0,cat", "i0,Cat"))
    done = run(files, str(files / "p.csv"), str(files / "l.csv"))
    assert "No model answers Cat." in done.stdout
    assert "37/40" in done.stdout


def test_it_needs_no_database_and_prints_a_table(files: Path) -> None:
    done = run(files, str(files / "p.csv"), str(files / "l.csv"))
    assert done.returncode == 0
    assert "ada" in done.stdout
    assert "38/40" in done.stdout
    assert not list((files / "data").glob("*.sqlite3"))


def test_it_takes_a_folder_of_npz_and_labels_by_number(tmp_path: Path) -> None:
    truth = np.arange(30) % 3
    np.savez(
        tmp_path / "predictions.npz",
        predictions=np.stack([truth, np.where(np.arange(30) < 12, (truth + 1) % 3, truth)]),
        model_names=np.array(["good", "bad"]),
        class_names=np.array(["cat", "dog", "bird"]),
    )
    by_name, by_number = tmp_path / "names.csv", tmp_path / "numbers.csv"
    names = ("cat", "dog", "bird")
    by_name.write_text("item_id,label\n" + "".join(f"{n},{names[n % 3]}\n" for n in range(20)))
    by_number.write_text("item_id,label\n" + "".join(f"{n},{n % 3}\n" for n in range(20)))
    answers = []
    for path in (by_name, by_number):
        out = tmp_path / f"{path.stem}.json"
        assert run(tmp_path, str(tmp_path), str(path), "--json", str(out)).returncode == 0
        answers.append(json.loads(out.read_text()))
    assert answers[0] == answers[1]
    assert [row["correct"] for row in answers[0]["board"]] == [20, 8]


@pytest.mark.parametrize(
    ("labels_text", "said"),
    [
        ("item_id,label\nnobody,cat\n", "nobody"),
        ("item_id,label\ni0,\n", "label"),
        (
            "item_id,label\ni0,0\ni1,2\n",
            "No model answers any of its labels (0, 2); they answer cat, dog.",
        ),
        ("item_id,label\ni0,cat\ni0,dog\n", "i0"),
        ("item_id,label,annotator\ni0,cat,ann\ni0,dog,bob\n", "but `cat` in row 2; settle on one"),
        ("", "empty"),
    ],
)
def test_a_bad_file_is_one_line_and_status_2(files: Path, labels_text: str, said: str) -> None:
    (files / "l.csv").write_text(labels_text)
    done = run(files, str(files / "p.csv"), str(files / "l.csv"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert said in done.stderr


def test_missing_files_and_odd_deltas_are_said_so(files: Path) -> None:
    missing = run(files, str(files / "none.csv"), str(files / "l.csv"))
    assert missing.returncode == 2
    assert "There is no file at" in missing.stderr
    odd = run(files, str(files / "p.csv"), str(files / "l.csv"), "--delta", "7")
    assert odd.returncode == 2
    assert "not a number between 0 and 1" in odd.stderr
    unwritable = run(
        files, str(files / "p.csv"), str(files / "l.csv"), "--json", str(files / "no" / "o.json")
    )
    assert unwritable.returncode == 2
    assert "cannot be written" in unwritable.stderr


def test_a_list_that_was_chosen_takes_the_sureness_back(files: Path) -> None:
    rows = (files / "l.csv").read_text().splitlines()
    (files / "l.csv").write_text(
        "\n".join([rows[0] + ",selected_by", *(row + ",MODEL SELECTOR" for row in rows[1:])])
    )
    done = run(files, str(files / "p.csv"), str(files / "l.csv"))
    assert "chosen to tell the models apart" in done.stdout


@cache  # 16,770 comparisons are some hundred different tables
def exact_p(wins: int, losses: int) -> float:
    return float(mcnemar([[0, wins], [losses, 0]]).pvalue)


def test_recorded_judges_agree_with_scipy_and_statsmodels(tmp_path: Path) -> None:
    folder = recorded("selection/llmbar-judges")
    data = np.load(folder / "predictions.npz", allow_pickle=False)
    names, classes = data["model_names"], data["class_names"]
    drawn = np.random.default_rng(7).choice(len(data["labels"]), 60, replace=False)
    rows = [f"{item},{classes[data['labels'][item]]}" for item in drawn]
    (tmp_path / "l.csv").write_text("\n".join(["item_id,label", *rows]))
    out = tmp_path / "o.json"
    assert run(tmp_path, str(folder), str(tmp_path / "l.csv"), "--json", str(out)).returncode == 0
    answer = json.loads(out.read_text())

    right = data["predictions"][:, drawn] == data["labels"][drawn]
    assert (data["predictions"][:, drawn] >= 0).all()
    place = {str(name): index for index, name in enumerate(names)}
    better = np.zeros((len(names), len(names)), bool)
    worse = np.zeros((len(names), len(names)), bool)
    for a in range(len(names)):  # each model's own family: its comparisons with all the others
        others = [b for b in range(len(names)) if b != a]
        wins = np.array([(right[a] & ~right[b]).sum() for b in others])
        losses = np.array([(right[b] & ~right[a]).sum() for b in others])
        p = [exact_p(int(b), int(c)) for b, c in zip(wins, losses, strict=True)]
        decided = multipletests(p, alpha=0.05, method="holm")[0]
        better[a, others], worse[a, others] = decided & (wins > losses), decided & (wins < losses)
    for row in answer["board"]:
        index = place[row["model"]]
        correct = int(right[index].sum())
        low, high = proportion_confint(correct, 60, alpha=0.05, method="wilson")
        again = stats.binomtest(correct, 60).proportion_ci(0.95, method="wilson")
        assert row["correct"] == correct
        assert row["low"] == pytest.approx(low, abs=1e-9) == pytest.approx(again.low, abs=1e-9)
        assert row["high"] == pytest.approx(high, abs=1e-9) == pytest.approx(again.high, abs=1e-9)
        assert row["rank_low"] == 1 + worse[index].sum()
        assert row["rank_high"] == len(names) - better[index].sum()
    chosen = place[answer["chosen"]]
    assert right[chosen].sum() == right.sum(axis=1).max()
    tied = ~worse.any(axis=1)
    assert {place[name] for name in answer["tied_with"]} == set(np.flatnonzero(tied)) - {chosen}
    draws = np.random.default_rng(0).multinomial(60, np.full(60, 1 / 60), size=20_000)
    scores = draws @ right.T.astype(float)
    best = scores == scores.max(axis=1, keepdims=True)
    p_best = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    for row in answer["board"]:
        assert row["p_best"] == pytest.approx(p_best[place[row["model"]]], abs=0.02)
