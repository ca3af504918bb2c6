"""Outcomes from the files that people have, and what is said of those that cannot be taken."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.catalog.readers import FileProblem, Mapping, read_outcomes, sniff
from apps.catalog.tables import OutcomeTable
from tests.conftest import recorded

HARNESS = Path(__file__).parent / "harness"
NAN = float("nan")
WIDE = "prompt_id,prompt,task,score__m,cost__m,in_tokens__m,out_tokens_est__m,score__n\n"
LONG = "prompt_id,prompt,task,model,score,cost_usd,input_tokens,output_tokens,latency_ms\n"


def read(
    tmp_path: Path, content: str | bytes, name: str = "file.csv", **how: object
) -> OutcomeTable:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_outcomes(path, **how)  # type: ignore[arg-type]


def problem(
    tmp_path: Path, content: str | bytes, name: str = "file.csv", **how: object
) -> FileProblem:
    with pytest.raises(FileProblem) as raised:
        read(tmp_path, content, name, **how)
    return raised.value


def packed(files: dict[str, str | bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()


def folder_packed(folder: Path) -> bytes:
    return packed(
        {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*.json*"))
        }
    )


def test_a_wide_table(tmp_path: Path) -> None:
    found = read(tmp_path, WIDE + "a,One?,x,1,0.5,10,20,0.25\nb,Two?,y,,,,,true\n")
    assert found.prompt_ids == ("a", "b")
    assert found.prompts == ("One?", "Two?")
    assert found.model_names == ("m", "n")
    assert found.groups == {"task": ("x", "y")}
    np.testing.assert_array_equal(found.score, [[1, 0.25], [NAN, 1]])
    np.testing.assert_array_equal(found.cost, [[0.5, NAN], [NAN, NAN]])
    np.testing.assert_array_equal(found.in_tokens, [[10, NAN], [NAN, NAN]])
    np.testing.assert_array_equal(found.out_tokens, [[20, NAN], [NAN, NAN]])
    assert found.latency_ms is None


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_long_table_says_the_same_in_every_format(tmp_path: Path, kind: str) -> None:
    text = LONG + "a,One?,x,m,1,0.5,10,20,30\na,One?,x,n,0,,,,\nb,Two?,y,n,0.5,0.1,,,40\n"
    frame = pl.read_csv(text.encode())
    path = tmp_path / f"file.{kind}"
    getattr(frame, {"jsonl": "write_ndjson"}.get(kind, f"write_{kind}"))(path)
    found = read_outcomes(path)
    np.testing.assert_array_equal(found.score, [[1, 0], [NAN, 0.5]])
    np.testing.assert_array_equal(found.cost, [[0.5, NAN], [NAN, 0.1]])
    np.testing.assert_array_equal(found.latency_ms, [[30, NAN], [NAN, 40]])
    assert found.groups == {"task": ("x", "y")}


def test_tokens_of_a_prompt_that_all_models_share_are_not_those_of_one_that_did_not_run(
    tmp_path: Path,
) -> None:
    found = read(
        tmp_path, "prompt_id,prompt,in_tokens_est,score__m,score__n\na,One?,7,1,\nb,Two?,8,,1\n"
    )
    np.testing.assert_array_equal(found.in_tokens, [[7, NAN], [NAN, 8]])


def test_known_prompts_may_be_few_and_without_texts(tmp_path: Path) -> None:
    found = read(tmp_path, "prompt_id,score__new\nb,1\n", known_items=["a", "b"])
    assert (found.prompt_ids, found.prompts) == (("b",), ("",))


def test_routellm_files_come_together_in_a_zip(tmp_path: Path) -> None:
    header = "prompt,gpt-4-1106-preview,mistralai/Mixtral-8x7B-Instruct-v0.1\n"
    files: dict[str, str | bytes] = {
        "responses/mmlu_law.csv": header + '"Is it, so?",True,False\nWhy?,True,True\n',
        "responses/mmlu_art.csv": header + "Who?,False,False\n",
        "responses/.DS_Store": "x",
        "contaminated_prompts.jsonl": '{"eval_prompt": "Why?"}\n',
    }
    found = read(tmp_path, packed(files), "mmlu.zip")
    assert found.model_names == ("gpt-4-1106-preview", "mistralai/Mixtral-8x7B-Instruct-v0.1")
    assert found.prompt_ids == ("mmlu_art-1", "mmlu_law-1", "mmlu_law-2")
    assert found.groups == {"(file)": ("mmlu_art", "mmlu_law", "mmlu_law")}
    assert found.score.tolist() == [[0, 0], [1, 0], [1, 1]]
    bad = problem(
        tmp_path, packed({**files, "responses/mmlu_law.csv": header + "So?,2,True\n"}), "mmlu.zip",
        mapping=Mapping("(row)", text="prompt", models=("gpt-4-1106-preview",)),
    )  # fmt: skip
    assert bad.problems[0].message.startswith(
        "responses/mmlu_law.csv, row 2: `2` in column `gpt-4-1106-preview` is not a score"
    )


def test_routerbench_csv_has_scores_and_costs_side_by_side(tmp_path: Path) -> None:
    text = (
        "sample_id,prompt,eval_name,gpt-4,mixtral,gpt-4|model_response,gpt-4|total_cost,"
        "mixtral|model_response,mixtral|total_cost,oracle_model_to_route_to\n"
        "s.1,One?,mmlu,1.0,0.5,yes,0.01,no,0.001,gpt-4\n"
    )
    found = read(tmp_path, text)
    assert found.model_names == ("gpt-4", "mixtral")
    assert (found.score.tolist(), found.cost.tolist()) == ([[1.0, 0.5]], [[0.01, 0.001]])
    assert found.groups == {"eval_name": ("mmlu",)}


SPEND = [
    {"request_id": "r1", "model": "m", "spend": 0.25, "prompt_tokens": 10, "completion_tokens": 4,
     "startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-01T00:00:01.500Z",
     "metadata": {"prompt_id": "a", "tags": []}, "request_tags": ["x"]},
    {"request_id": "r2", "model": "m", "spend": 0.75, "prompt_tokens": 10, "completion_tokens": 8,
     "startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-01T00:00:00.500Z",
     "metadata": {"prompt_id": "a"}, "request_tags": []},
    {"request_id": "r3", "model": "m", "spend": 9, "prompt_tokens": 1, "completion_tokens": 1,
     "startTime": "", "endTime": "", "metadata": {"prompt_id": "elsewhere"}},
]  # fmt: skip


@pytest.mark.parametrize("lines", [False, True])
def test_spend_logs_say_what_calls_took_on_prompts_that_are_here(
    tmp_path: Path, lines: bool
) -> None:
    text = "\n".join(map(json.dumps, SPEND)) if lines else json.dumps(SPEND)
    found = read(tmp_path, text, "spend.json", known_items=["a", "b"])
    assert found.prompt_ids == ("a",)
    assert np.isnan(found.score).all()
    assert found.cost.tolist() == [[0.5]]
    assert found.out_tokens is not None
    assert found.out_tokens.tolist() == [[6]]
    assert found.latency_ms is not None
    assert found.latency_ms.tolist() == [[1000]]


def test_a_spend_log_by_itself_and_one_of_other_prompts_are_refused(tmp_path: Path) -> None:
    assert "prompts that are here already" in str(problem(tmp_path, json.dumps(SPEND), "s.json"))
    other = problem(tmp_path, json.dumps(SPEND), "s.json", known_items=["z"])
    assert "for other prompts: not one of their ids in column `metadata.prompt_id`" in str(other)


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_harness_samples_of_several_models_tasks_and_filters(tmp_path: Path, form: str) -> None:
    path = HARNESS
    if form == "zip":
        path = tmp_path / "samples.zip"
        path.write_bytes(folder_packed(HARNESS))
    found = read_outcomes(path)
    assert found.model_names == ("team/large", "team/small")
    assert found.prompt_ids[0] == "colours/0"
    assert found.prompts[3] == "What is 0 + 1?"
    assert found.groups["task"] == ("colours",) * 3 + ("sums",) * 4
    assert found.score[3:].tolist() == [[1, 0], [1, 0], [0, 0], [0, 0]]  # the strict filter
    sniffed = sniff(path, purpose="outcomes", name="samples")
    assert sniffed.mapping.scores[0] == "exact_match,strict-match"
    lenient = Mapping.from_dict(
        {**sniffed.mapping.as_dict(), "scores": ("exact_match,flexible-extract", "acc,none")}
    )
    assert read_outcomes(path, lenient).score[3:, 0].tolist() == [1, 1, 1, 1]


def test_harness_models_that_saw_different_documents_are_told_apart(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {}
    for path in HARNESS.rglob("*.json*"):
        text = path.read_text()
        if path.parent.name == "small" and "sums" in path.name:
            text = text.replace('"doc_hash": "', '"doc_hash": "0')
        files[path.relative_to(HARNESS).as_posix()] = text
    found = problem(tmp_path, packed(files), "samples.zip")
    assert "is of another document than `sums/0`" in found.problems[0].message
    assert found.problems[0].message.startswith("small/samples_sums")


@pytest.mark.skipif(
    subprocess.run([sys.executable, "-c", "import lm_eval"], capture_output=True).returncode != 0,
    reason="lm-evaluation-harness is not installed",
)
def test_what_the_installed_harness_writes_is_read(tmp_path: Path) -> None:
    data = tmp_path / "sums.jsonl"
    data.write_text("\n".join(json.dumps({"q": f"{n}+1?", "a": str(n + 1)}) for n in range(3)))
    (tmp_path / "sums.yaml").write_text(
        f"task: sums\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: {data}}}}}\n"
        "test_split: test\noutput_type: generate_until\n"
        'doc_to_text: "{{q}}"\ndoc_to_target: "{{a}}"\n'
        "metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]\n"
    )
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "dummy", "--tasks", "sums"]
    command += ["--include_path", str(tmp_path), "--log_samples", "--output_path", "out"]
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    subprocess.run(command, cwd=tmp_path, env={**os.environ, **offline}, check=True, timeout=300)
    found = read_outcomes(tmp_path / "out")
    assert found.prompts == ("0+1?", "1+1?", "2+1?")
    assert found.score.tolist() == [[0], [0], [0]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WIDE + "a,One?,x,NaN,,,,1\n", "Row 2: `NaN` in column `score__m` is not a score between 0"),
        (WIDE + "a,One?,x,1.5,,,,1\n", "Row 2: `1.5` in column `score__m` is not a score between 0"),
        (WIDE + "a,One?,x,1,-1,,,1\n", "Row 2: `-1` in column `cost__m` is not a number of 0 or more"),
        (WIDE + "a,One?,x,1,inf,,,1\n", "`inf` in column `cost__m` is not a number"),
        (WIDE + "a,One?,x,1,1e400,,,1\n", "`1e400` in column `cost__m` is not a number"),
        (WIDE + "a, ,x,1,,,,1\n", "Row 2: column `prompt` is empty: every prompt needs a text"),
        (WIDE + ",One?,x,1,,,,1\n", "Row 2: column `prompt_id` is empty"),
        (WIDE + "a,One?,x,1,,,,\n", "The model `n` has no score on any prompt; leave it out."),
        (WIDE + "a,1?,x,1,,,,1\na,2?,x,1,,,,1\n", "Row 3: prompt `a` is there twice; the first is in row 2"),
        (WIDE + "a,1?,x,1,,,,1\nA,2?,x,1,,,,1\n", "The prompts `a` and `A` differ only in case"),
        (WIDE, "no rows"),
        (LONG + "a,1?,x,m,1,,,,\na,1?,x,m,0,,,,\n", "Row 3: prompt `a` has a second outcome of `m`"),
        (LONG + "a,1?,x,m,1,,,,\na,2?,x,n,0,,,,\n", "differs from the text that prompt `a` has"),
        (LONG + "a,1?,x,,1,,,,\n", "Row 2: column `model` is empty"),
        ("a,b\nx,y\n", "No column of scores is found"),
        ("prompt_id,score__m\na,1\n", "Say which column holds the prompts' texts."),
    ],
)  # fmt: skip
def test_bad_outcomes_are_told_with_row_column_and_value(
    tmp_path: Path, text: str, said: str
) -> None:
    found = problem(tmp_path, text)
    assert any(said.lower() in one.message.lower() for one in found.problems), found.problems


def test_a_prompt_of_a_megabyte_is_refused(tmp_path: Path) -> None:
    found = problem(tmp_path, WIDE + f"a,{'x' * (1 << 20)}x,t,1,,,,1\n")
    assert "column `prompt` is longer than 1,048,576 bytes" in str(found)


def test_the_first_hundred_problems_are_kept_and_all_are_counted(tmp_path: Path) -> None:
    rows = "".join(f"p{n},T?,x,7,,,,1\n" for n in range(150))
    found = problem(tmp_path, WIDE + rows)
    assert (len(found.problems), found.count) == (100, 150)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"../evil.csv": "prompt\n"}, "a place outside itself"),
        ({"/etc/evil.csv": "prompt\n"}, "a place outside itself"),
        ({"a.csv": "prompt,m\nx,1\n", "b.csv": "prompt,n\ny,1\n"}, "files that come together need"),
        ({"readme.txt": "hello"}, "no CSV, JSON"),
        ({"inner.csv": packed({"a.csv": "prompt,m\n"})}, "zip archive"),
        ({"out/samples_t_2026-01-01T00-00-00.1.jsonl": "{}\n"}, "name no metric"),
    ],
)
def test_archives_that_are_no_folder_of_outcomes(
    tmp_path: Path, files: dict[str, str | bytes], said: str
) -> None:
    found = problem(tmp_path, packed(files), "x.zip")
    assert said in str(found)
    assert not (tmp_path.parent / "evil.csv").exists()


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = packed({"a.csv": b"0" * (8 << 20)})
    assert len(bomb) < 20_000
    with patch("apps.catalog.readers.archive._MOST_BYTES", 1 << 20):
        assert "unpacks to 8 MB; at most 1 MB" in str(problem(tmp_path, bomb, "x.zip"))
    with patch("apps.catalog.readers.archive.MAX_ARCHIVE_FILES", 3):
        many = packed({f"{n}.csv": "x" for n in range(4)})
        assert "more than 3 files" in str(problem(tmp_path, many, "x.zip"))


def test_pickles_and_cut_archives_are_refused(tmp_path: Path) -> None:
    assert "Python pickle" in str(problem(tmp_path, b"\x80\x04\x95rest", "routerbench.pkl"))
    whole = folder_packed(HARNESS)
    assert "cut or damaged" in str(problem(tmp_path, whole[: len(whole) * 99 // 100], "x.zip"))


@given(
    st.lists(
        st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=2, max_size=2),
        min_size=1,
        max_size=8,
    )
)
def test_what_is_written_is_what_is_read(rows: list[list[float | None]]) -> None:
    import tempfile

    rows = [*rows, [0.5, 0.25]]  # every model has a score
    text = "prompt_id,prompt,score__m,score__n\n" + "".join(
        f"p{n},T?,{','.join('' if score is None else repr(score) for score in row)}\n"
        for n, row in enumerate(rows)
    )
    with tempfile.TemporaryDirectory() as folder:
        found = read(Path(folder), text)
    np.testing.assert_array_equal(found.score, np.array(rows, dtype=float))


@pytest.mark.parametrize(
    ("folder", "prompts", "models"),
    [("llmrouter-9", 6108, 9), ("zeroeval-29", 2840, 29), ("routellm-mmlu-gsm8k", 15361, 2)],
)
def test_recorded_outcomes_are_read_whole(folder: str, prompts: int, models: int) -> None:
    found = read_outcomes(recorded(f"routing/{folder}") / "outcomes.parquet")
    assert (found.n_prompts, found.n_models) == (prompts, models)
    assert found.ran.all()
