"""Outcomes of models on prompts, from the plain tables people have.

Wide, a row a prompt: `prompt_id, prompt`, any columns that group prompts (`task`, `domain`, ...),
and for each model M `score__M` in 0..1, where known `cost__M` (US dollars), `in_tokens__M`,
`out_tokens__M` (estimates: `in_tokens_est__M`, or `in_tokens`/`in_tokens_est` for all models) and
`latency_ms__M`. Long, a row an outcome: `prompt_id, prompt, model, score` with `cost_usd`,
`input_tokens`, `output_tokens`, `latency_ms` where known.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.catalog.readers.problems import FileProblem, Problem
from apps.catalog.tables import Floats, OutcomeTable

_SCORE = "score__"
_KINDS = {
    "cost": ("cost", "cost_usd"),
    "in_tokens": ("in_tokens", "input_tokens", "in_tokens_est", "input_tokens_est"),
    "out_tokens": ("out_tokens", "output_tokens", "out_tokens_est", "output_tokens_est"),
    "latency_ms": ("latency_ms",),
}
_MOST_GROUPS = 0.5
"""A column is a group of prompts only where it has fewer values than this share of the rows."""


def read_outcomes(path: Path, *, name: str | None = None) -> OutcomeTable:
    """Read a CSV or Parquet file in wide or long form.

    Raises:
        FileProblem: it is neither, or holds something that cannot be an outcome.
    """
    name = name or path.name
    try:
        frame = _frame(path)
        wide = any(column.startswith(_SCORE) for column in frame.columns)
        return _wide(frame) if wide else _long(frame)
    except ValueError as problem:
        raise FileProblem(name, [Problem(str(problem))]) from problem


def _frame(path: Path) -> Any:
    import polars as pl

    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        separator = "\t" if path.suffix == ".tsv" else ","
        return pl.read_csv(path, infer_schema=False, separator=separator)
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise ValueError(f"The file cannot be read: {str(problem).splitlines()[0]}.") from problem


def _wide(frame: Any) -> OutcomeTable:
    models = [column[len(_SCORE) :] for column in frame.columns if column.startswith(_SCORE)]
    ids = _texts(frame, "prompt_id")
    shape = (len(ids), len(models))

    def matrix(columns: Sequence[str]) -> Floats | None:
        values = np.full(shape, np.nan)
        found = False
        for place, model in enumerate(models):
            for column in columns:
                own = f"{column}__{model}"
                source = own if own in frame.columns else column
                if source in frame.columns:
                    values[:, place] = _numbers(frame, source)
                    found = True
                    break
        return values if found else None

    parts = {kind: matrix(columns) for kind, columns in _KINDS.items()}
    used = {"prompt_id", "prompt"} | {column for names in _KINDS.values() for column in names}
    return OutcomeTable.of(
        prompt_ids=ids,
        prompts=_texts(frame, "prompt"),
        model_names=models,
        score=np.column_stack([_numbers(frame, _SCORE + model) for model in models]),
        groups=_groups(frame, used),
        **parts,
    )


def _long(frame: Any) -> OutcomeTable:
    missing = {"prompt_id", "model", "score"} - set(frame.columns)
    if missing:
        raise ValueError(
            f"There is no column {', '.join(sorted(missing))}: outcomes are either a row a prompt "
            "with score__MODEL columns, or a row an outcome with prompt_id, model and score."
        )
    ids, models = _texts(frame, "prompt_id"), _texts(frame, "model")
    prompt_ids, first, rows = np.unique(ids, return_index=True, return_inverse=True)
    order = np.argsort(first)  # as they come in the file
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    rows = place[rows]
    model_names = list(dict.fromkeys(models))
    columns = np.array([model_names.index(model) for model in models])
    pairs, counts = np.unique(rows * len(model_names) + columns, return_counts=True)
    if (counts > 1).any():
        pair = int(pairs[counts > 1][0])
        raise ValueError(
            f"Prompt `{prompt_ids[order][pair // len(model_names)]}` has two outcomes of model "
            f"`{model_names[pair % len(model_names)]}`."
        )

    def matrix(names: Sequence[str]) -> Floats | None:
        source = next((column for column in names if column in frame.columns), None)
        if source is None:
            return None
        values = np.full((len(prompt_ids), len(model_names)), np.nan)
        values[rows, columns] = _numbers(frame, source)
        return values

    firsts = frame[np.sort(first).tolist()]
    used = {"prompt_id", "prompt", "model", "score"}
    used |= {column for names in _KINDS.values() for column in names}
    score = matrix(["score"])
    return OutcomeTable.of(
        prompt_ids=_texts(firsts, "prompt_id"),
        prompts=_texts(firsts, "prompt"),
        model_names=model_names,
        score=[] if score is None else score,
        groups=_groups(firsts, used),
        **{kind: matrix(names) for kind, names in _KINDS.items()},
    )


def _texts(frame: Any, column: str) -> list[str]:
    import polars as pl

    if column not in frame.columns:
        raise ValueError(f"There is no column `{column}`.")
    return [str(text) for text in frame[column].cast(pl.String).fill_null("").to_list()]


def _numbers(frame: Any, column: str) -> Floats:
    """The column as float64, NaN where it is empty."""
    import polars as pl

    values = frame[column]
    numbers = values.cast(pl.Float64, strict=False)
    wrong = numbers.is_null() & values.is_not_null()
    if values.dtype == pl.String:
        wrong &= values.str.strip_chars() != ""
    if wrong.any():
        row = int(wrong.arg_true()[0])
        raise ValueError(f"Column `{column}`, data row {row + 1}: “{values[row]}” is no number.")
    return np.asarray(numbers.fill_null(np.nan).to_numpy(), dtype=np.float64)


def _groups(frame: Any, used: set[str]) -> dict[str, list[str]]:
    """Further columns of texts (or flags) that have few values."""
    import polars as pl

    groups = {}
    for column in frame.columns:
        if column in used or "__" in column or frame[column].dtype not in (pl.String, pl.Boolean):
            continue
        values = _texts(frame, column)
        if len(set(values)) <= max(2, _MOST_GROUPS * len(values)):
            groups[column] = values
    return groups
