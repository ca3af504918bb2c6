"""`manage.py bench routing`."""

from __future__ import annotations

import gzip
import json
import tempfile
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.routing import study
from tests.conftest import recorded
from tests.routing.prompts import world


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(tempfile, "tempdir", str(cache))


def write(folder: Path, *, n_prompts: int = 90, costs: bool = True) -> Path:
    table, _ = world(n_prompts)
    columns: dict[str, Any] = {
        "prompt_id": table.prompt_ids,
        "prompt": table.prompts,
        "task": table.groups["task"],
    }
    for place, model in enumerate(table.model_names):
        columns[f"score__{model}"] = table.score[:, place]
        if costs:
            columns[f"cost__{model}"] = table.cost[:, place]
    path = folder / "outcomes.parquet"
    pl.DataFrame(columns).write_parquet(path)
    return path


def bench(*words: object) -> str:
    out = StringIO()
    call_command(
        "bench", "routing", *map(str, words), "--encoder", "hashing", "--splits", "2", stdout=out
    )
    return out.getvalue()


def test_it_prints_a_line_a_router_and_writes_the_same_as_json(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    said = bench(write(tmp_path), "--routers", "knn,linear", "--split", "random", "--json", file)
    found = json.loads(file.read_text())
    assert found["verdict"] in said
    assert {"knn", "linear", "zero", "task-table", "oracle"} <= set(found["routers"])
    assert all(f"  {name} " in said for name in found["routers"])
    assert (found["prompts"], found["models"], found["splits"]) == (90, 3, 2)
    assert (found["split"], found["encoder"]) == ("random", "hashing")
    assert found["c_min"] == pytest.approx(1e-5)
    linear = found["routers"]["linear"]
    assert {"mean", "sd"} == set(linear["accuracy"]) == set(linear["aiq"])
    assert {"mean", "low", "high"} <= set(linear["aiq_minus_zero"])
    assert {"mean", "splits_reached"} <= set(linear["cost_save"])
    assert linear["apgr"] is None
    assert linear["cpt"] is None
    for figure in ("ece", "routing_accuracy", "train_seconds", "milliseconds_per_prompt"):
        assert linear[figure] >= 0


def test_a_folder_brings_its_prices(tmp_path: Path) -> None:
    write(tmp_path, costs=False)
    prices = {
        f"model-{n}": {"input_usd_per_1m": 10**n, "output_usd_per_1m": 10**n} for n in range(3)
    }
    (tmp_path / "prices.json").write_text(json.dumps(prices))
    said = bench(tmp_path, "--routers", "linear", "--split", "random", "--json", tmp_path / "r")
    assert "200 an answer assumed" in said
    found = json.loads((tmp_path / "r").read_text())
    assert found["c_min"] == pytest.approx(210e-6, rel=0.1)
    assert found["c_max"] == pytest.approx(100 * found["c_min"])


def test_a_model_without_a_price_is_named(tmp_path: Path) -> None:
    write(tmp_path, costs=False)
    prices = {f"model-{n}": {"input_usd_per_1m": 1, "output_usd_per_1m": 2} for n in range(2)}
    (tmp_path / "prices.json").write_text(json.dumps(prices))
    with pytest.raises(CommandError, match=r"model-2.*price"):
        bench(tmp_path, "--routers", "linear")
    said = bench(tmp_path, "--routers", "linear", "--exclude-models", "model-2")
    assert "2 models" in said


def test_prompts_are_chosen_by_a_column(tmp_path: Path) -> None:
    said = bench(
        write(tmp_path), "--where", "task=sums", "--split", "random", "--routers", "linear"
    )
    table, _ = world(90)
    assert f"{table.groups['task'].count('sums')} prompts" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--split", "sideways"], "sideways"),
        (["--routers", "oracular"], "oracular"),
        (["--exclude-models", "model-9"], "model-9"),
        (["--exclude-models", "model-0,model-1"], "two models"),
        (["--where", "colour=red"], "colour"),
        (["--where", "task=chess"], "task=chess"),
        (["--json", "/nowhere/at/all.json"], "nowhere"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(
    words: list[str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match=said):
        bench(write(tmp_path), "--routers", "linear", *words)


@pytest.mark.parametrize(
    "prices",
    ['{"model-0": 3}', "[]", "{", '{"model-0": {"input_usd_per_1m": -1, "output_usd_per_1m": 1}}'],
)
def test_prices_that_are_none_are_refused(prices: str, tmp_path: Path) -> None:
    path = write(tmp_path, costs=False)
    (tmp_path / "p.json").write_text(prices)
    with pytest.raises(CommandError, match=r"p\.json"):
        bench(path, "--prices", tmp_path / "p.json", "--routers", "linear")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no file"):
        bench(tmp_path / "none.parquet")
    with pytest.raises(CommandError, match="There is no CSV, JSON"):
        bench(tmp_path)
    (tmp_path / "outcomes.csv.gz").write_bytes(gzip.compress(b"prompt_id,score__a,score__b\n"))
    with pytest.raises(CommandError, match=r"outcomes\.csv\.gz: .* please unpack it first"):
        bench(tmp_path)


def test_a_file_for_the_numbers_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(CommandError, match="is a folder; name a file in it"):
        bench(path, "--json", tmp_path)
    with pytest.raises(CommandError, match=r"There is no folder .* to write in"):
        bench(path, "--json", tmp_path / "none" / "r.json")


def test_a_seed_below_0_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="The seed must be 0 or more, not -1"):
        bench(write(tmp_path), "--routers", "linear", "--seed", "-1")


def test_a_folder_of_samples_of_the_evaluation_harness_is_evaluated(tmp_path: Path) -> None:
    table, _ = world(60)
    for place, model in enumerate(table.model_names):
        folder = tmp_path / model
        folder.mkdir()
        lines = [
            json.dumps(
                {
                    "doc_id": number,
                    "arguments": {"gen_args_0": {"arg_0": prompt}},
                    "filter": "none",
                    "exact_match": float(table.score[number, place]),
                    "metrics": ["exact_match"],
                }
            )
            for number, prompt in enumerate(table.prompts)
        ]
        (folder / "samples_sums_2026-01-01T00-00-00.000000.jsonl").write_text("\n".join(lines))
    said = bench(tmp_path, "--routers", "linear", "--split", "random")
    assert "60 prompts, 3 models" in said


def test_two_prompts_are_too_few(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="at least 20 prompts"):
        bench(write(tmp_path, n_prompts=2), "--routers", "linear")


def test_the_second_run_finds_the_vectors_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path)
    bench(path, "--routers", "linear", "--json", tmp_path / "one")
    from apps.routing.encoders.hashing import Hashing

    def refuse(self: Hashing, texts: object) -> None:
        raise AssertionError("encoded twice")

    monkeypatch.setattr(Hashing, "encode", refuse)
    bench(path, "--routers", "linear", "--json", tmp_path / "two")
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("one", "two"))
    assert one["routers"]["linear"]["aiq"] == two["routers"]["linear"]["aiq"]


def test_the_task_table_saves_on_recorded_outcomes_what_was_measured_before() -> None:
    """Figures published with the data: best single 57.1 AIQ, zero 58.0, task table 64.4."""
    folder = recorded("routing/llmrouter-9")
    table = study._table(lambda _: None, folder, None)
    from apps.routing.evaluation import Plan, evaluate
    from apps.routing.methods.base import Embeddings

    nothing = np.zeros((table.n_prompts, 2), dtype=np.float32)
    plan = Plan(routers=("zero",), split="random", splits=2)
    result = evaluate(table, Embeddings(table.prompts, nothing, "nothing"), plan)
    found = {name: one.aiq["mean"] for name, one in result.routers.items() if one.aiq}
    assert found["best-single"] == pytest.approx(57.1, abs=2)
    assert found["zero"] == pytest.approx(58.0, abs=2)
    assert found["task-table"] == pytest.approx(64.4, abs=2)
    assert found["oracle"] == pytest.approx(79.1, abs=2)
