"""What lm-evaluation-harness writes with `--log_samples`: a folder a model, a file of samples a task.

The scores have the names its tables of results have: `<metric>,<filter>`, as `exact_match,strict-match`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa

from apps.catalog.readers.archive import Archive, Member
from apps.catalog.readers.encodings import Utf8Stream, detect_encoding
from apps.catalog.readers.jsonl_source import BadJson, Row, numbered_lines, parse_object, plain_cell
from apps.catalog.readers.limits import MAX_SMALL_FILE_BYTES, PREVIEW_ROWS
from apps.catalog.readers.problems import Problem, Problems, name_fault, shown
from apps.catalog.readers.source import Batch, Format, Reading, checked_columns

ID, MODEL, PROMPT, TASK = "prompt_id", "model", "prompt", "task"
_SAMPLES = re.compile(r"samples_(?P<task>.+?)(?:_(?P<time>\d{4}-\d\d-\d\dT[\d.:-]+))?\.jsonl")
_RESULTS = re.compile(r"results(?:_.+)?\.json")


@dataclass(frozen=True)
class _Run:
    """The samples of one model on one task."""

    model: str
    task: str
    member: Member


def is_harness(archive: Archive) -> bool:
    """Whether files are named as lm-evaluation-harness names its samples."""
    return any(_SAMPLES.fullmatch(PurePosixPath(one.name).name) for one in archive.members)


class HarnessSource:
    """A row a model and document, a column a metric and filter; the newest run of a task counts."""

    format: Format = "zip"
    delimiter: str | None = None
    encoding: str | None = None

    def __init__(self, archive: Archive, name: str) -> None:
        self._name = name
        self._archive = archive  # its files live as long as it does
        problems = Problems(name)
        models, metrics = _from_results(archive.members)
        self._runs = _runs(archive.members, models, problems)
        self._head = {run: _first(run, name) for run in self._runs}
        for rows in self._head.values():
            for row in rows:
                metrics.update(dict.fromkeys(_scores(row)))
        if not metrics:
            problems.fail("The samples name no metric.")
        self.columns = checked_columns([ID, MODEL, TASK, PROMPT, *metrics], problems, row=None)

    def preview(self) -> list[list[str]]:
        shown_rows = []
        for run in self._runs[:PREVIEW_ROWS]:
            for row in self._head[run][:1]:
                cells = {**_facts(run, row), **_scores(row)}
                shown_rows.append([cells.get(column) or "" for column in self.columns])
        return shown_rows

    def row_estimate(self) -> int:
        total = 0
        for run in self._runs:
            length = max(1, len(json.dumps(self._head[run][0]))) if self._head[run] else 1
            total += max(1, run.member.path.stat().st_size // length)
        return total

    def batches(
        self, reading: Reading, *, coded: Sequence[str], texts: Sequence[str] = ()
    ) -> Iterator[Batch]:
        documents: dict[str, str] = {}
        for done, run in enumerate(self._runs, start=1):
            found = self._read(run, reading, documents)
            reading.tick(done, len(self._runs))
            if not found:
                continue
            numbers = [number for number, _ in found.values()]
            data = {}
            for name in (*coded, *texts):
                array = pa.array([cells.get(name) for _, cells in found.values()], pa.string())
                data[name] = array.dictionary_encode() if name in coded else array
            yield Batch(np.asarray(numbers, np.int64), data, file=run.member.name)

    def _read(
        self, run: _Run, reading: Reading, documents: dict[str, str]
    ) -> dict[str, tuple[int, dict[str, str | None]]]:
        """The rows of one file by document: several filters of it make one row."""
        found: dict[str, tuple[int, dict[str, str | None]]] = {}
        seen: set[tuple[str, str]] = set()
        path, label = run.member.path, f"{self._name}: {run.member.name}"
        with Utf8Stream(path, detect_encoding(path, name=label), name=label) as stream:
            for number, line in numbered_lines(stream, Problems(label)):
                reading.check_stop()
                try:
                    row = parse_object(line.decode("utf-8"))
                    self._admit(run, row, documents, seen)
                except BadJson as error:
                    message = f"{shown(run.member.name)}, row {number:,} {error}."
                    reading.problems.add(Problem(message, number))
                    continue
                facts = _facts(run, row)
                _, cells = found.setdefault(str(facts[ID]), (number, facts))
                cells.update(_scores(row))
        return found

    def _admit(
        self, run: _Run, row: Row, documents: dict[str, str], seen: set[tuple[str, str]]
    ) -> None:
        """Raise BadJson for a row that is no sample, is there twice, or is of another document."""
        document = plain_cell(row.get("doc_id"))
        if document is None or ("filter" in row and not isinstance(row["filter"], str)):
            raise BadJson("is no sample: it needs `doc_id`, and `filter` as text")
        key = document, str(row.get("filter", ""))
        if key in seen:
            raise BadJson(f"is a second sample of document {shown(document)}, {shown(key[1])}")
        seen.add(key)
        digest = str(row.get("doc_hash") or "")
        item = f"{run.task}/{document}"
        if digest and documents.setdefault(item, digest) != digest:
            raise BadJson(
                f"is of another document than `{shown(item)}` of an earlier model; their tasks are "
                "not the same"
            )


def _from_results(members: Sequence[Member]) -> tuple[dict[str, str], dict[str, None]]:
    """From the tables of results: the model of each folder, and all names of metrics."""
    models: dict[str, str] = {}
    metrics: dict[str, None] = {}
    for member in members:  # by name, so the newest of a folder comes last
        if not _RESULTS.fullmatch(PurePosixPath(member.name).name):
            continue
        if member.path.stat().st_size > MAX_SMALL_FILE_BYTES:
            continue
        try:
            found = parse_object(member.path.read_text(encoding="utf-8"))
        except (BadJson, UnicodeDecodeError):
            continue  # the samples tell the metrics as well, the folder the model
        name = plain_cell(found.get("model_name"))
        if name and name.strip() and name_fault(name.strip()) is None:
            models[member.folder] = name.strip()
        results = found.get("results")
        for task in results.values() if isinstance(results, dict) else ():
            for metric in task if isinstance(task, dict) else ():
                if "," in metric and not metric.split(",")[0].endswith("_stderr"):
                    metrics[metric] = None
    return models, metrics


def _runs(members: Sequence[Member], models: dict[str, str], problems: Problems) -> list[_Run]:
    newest: dict[tuple[str, str], tuple[str, Member]] = {}
    for member in members:
        match = _SAMPLES.fullmatch(PurePosixPath(member.name).name)
        if match:
            key, time = (member.folder, match["task"]), match["time"] or ""
            if key not in newest or time >= newest[key][0]:
                newest[key] = time, member
    runs: dict[tuple[str, str], _Run] = {}
    for (folder, task), (_, member) in newest.items():
        model = models.get(folder) or PurePosixPath(folder).name or problems.name
        if (model, task) in runs:
            problems.fail(
                f"Two folders hold samples of `{shown(model)}` on `{shown(task)}`; leave one out, or "
                "change `model_name` in the results of one."
            )
        runs[model, task] = _Run(model, task, member)
    return list(runs.values())


def _first(run: _Run, name: str) -> list[Row]:
    """The first sample of a file, for its metrics and to be shown; none of a damaged file."""
    label = f"{name}: {run.member.name}"
    path = run.member.path
    with Utf8Stream(path, detect_encoding(path, name=label), name=label) as stream:
        for _, line in numbered_lines(stream, Problems(label)):
            try:
                return [parse_object(line.decode("utf-8"))]
            except BadJson:
                return []
    return []


def _facts(run: _Run, row: Row) -> dict[str, str | None]:
    document = plain_cell(row.get("doc_id")) or ""
    return {
        ID: f"{run.task}/{document}",
        MODEL: run.model,
        TASK: run.task,
        PROMPT: _prompt(row.get("arguments")),
    }


def _prompt(arguments: object) -> str:
    """The text that the model was given first: `gen_args_0.arg_0`, or of lists the first of each."""
    for key in ("gen_args_0", "arg_0"):
        if isinstance(arguments, dict):
            arguments = arguments.get(key)
        elif isinstance(arguments, list):
            arguments = arguments[0] if arguments else None
    text = arguments if isinstance(arguments, str) else ""
    return text.encode("utf-8", "replace").decode("utf-8")


def _scores(row: Row) -> dict[str, str | None]:
    """The numbers of a sample by metric and filter."""
    metrics = row.get("metrics")
    if not isinstance(metrics, list):
        return {}
    how = row.get("filter", "none")
    return {
        f"{metric},{how}": plain_cell(row[metric])
        for metric in metrics
        if isinstance(metric, str) and metric in row and not isinstance(row[metric], (dict, list))
    }
