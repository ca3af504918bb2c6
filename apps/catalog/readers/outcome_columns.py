"""Which column of a table of outcomes is probably what: by the names that the usual tools give them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from apps.catalog.readers import harness_source as harness
from apps.catalog.readers.mapping import Mapping
from apps.catalog.readers.source import Source
from apps.catalog.readers.tables_source import FILE, LATENCY, ROW

SCORE = "score__"
_COST_OF = "|total_cost"  # RouterBench
_WIDE = {
    "cost": ("cost__{}", "cost_usd__{}", "{}" + _COST_OF),
    "in_tokens": (
        "in_tokens__{}",
        "in_tokens_est__{}",
        "in_tokens__{}_est",
        "input_tokens__{}",
        "in_tokens",
        "in_tokens_est",
        "input_tokens",
    ),
    "out_tokens": (
        "out_tokens__{}",
        "out_tokens_est__{}",
        "out_tokens__{}_est",
        "output_tokens__{}",
    ),
    "latency_ms": ("latency_ms__{}", "latency__{}"),
}
_ID = ("prompt_id", "sample_id", "item_id", "question_id", "doc_id", "example_id", "id", "uid")
_LOG_ID = ("prompt_id", "metadata.prompt_id", "item_id", "metadata.item_id", "request_id")
_PROMPT = ("prompt", "question", "text", "input", "instruction", "query")
_MODEL = ("model", "model_name", "llm", "candidate", "model_id")
_SCORES = ("score", "correct", "is_correct", "accuracy", "acc", "quality", "reward")
_COST = ("cost_usd", "cost", "spend", "response_cost", "usd")
_IN = ("input_tokens", "in_tokens", "prompt_tokens")
_OUT = ("output_tokens", "out_tokens", "completion_tokens")
_LATENCY = ("latency_ms", "request_duration_ms", "duration_ms", LATENCY)
_GROUPS = (
    "task",
    "domain",
    "dataset",
    "eval_name",
    "subject",
    "category",
    "session",
    "split",
    FILE,
)
_METRICS = ("exact_match", "acc", "acc_norm", "pass@1", "pass_at_1", "em", "f1", "mc2", "contains")
_TRUTH = {"true", "false", "0", "1", "0.0", "1.0", ""}


def guess_outcomes(source: Source) -> Mapping:
    """The likeliest meaning of the columns."""
    columns = list(source.columns)
    if isinstance(source, harness.HarnessSource):
        metrics = columns[4:]
        return Mapping(
            harness.ID,
            model=harness.MODEL,
            text=harness.PROMPT,
            slices=(harness.TASK,),
            scores=tuple(sorted(metrics, key=_rank)),
        )
    groups = tuple(name for name in _GROUPS if name in columns)
    model = _first(columns, _MODEL)
    scores = _first(columns, _SCORES)
    cost, out = _first(columns, _COST), _first(columns, _OUT)
    text = _first(columns, _PROMPT)
    if model is not None and (scores or cost or out):
        ids = _ID if scores else _LOG_ID
        return Mapping(
            _first(columns, ids) or ROW,
            model=model,
            text=text if scores else None,
            slices=groups if scores else (),
            scores=(scores,) if scores else (),
            cost=cost,
            in_tokens=_first(columns, _IN),
            out_tokens=out,
            latency_ms=_first(columns, _LATENCY),
        )
    models = _score_columns(source)
    item = _first([name for name in columns if name not in models], _ID) or ROW
    return Mapping(item, text=text, models=models, slices=groups)


def _rank(metric: str) -> tuple[int, bool, str]:
    """Exact metrics first; of one metric the stricter filter."""
    name, _, how = metric.partition(",")
    place = _METRICS.index(name) if name in _METRICS else len(_METRICS)
    return place, how not in ("none", "strict-match"), metric


def _score_columns(source: Source) -> tuple[str, ...]:
    """`score__M`; else those with a cost beside them (RouterBench); else of truth values (RouteLLM)."""
    there = set(source.columns)
    named = tuple(name for name in source.columns if name.startswith(SCORE) and name != SCORE)
    if named:
        return named
    priced = tuple(name for name in source.columns if name + _COST_OF in there)
    if priced:
        return priced
    rows = source.preview()
    taken = {*_ID, *_PROMPT, *_GROUPS, ROW, FILE, LATENCY}
    return tuple(
        name
        for place, name in enumerate(source.columns)
        if name.lower() not in taken
        and not name.lower().startswith("unnamed")
        and any(row[place].strip() for row in rows)
        and all(row[place].strip().lower() in _TRUTH for row in rows)
    )


def model_of(column: str) -> str:
    """The model whose scores a column of a wide table holds."""
    return column.removeprefix(SCORE) or column


def wide_columns(column: str, columns: Iterable[str]) -> dict[str, str]:
    """For a column of scores: where that model's costs, tokens and latencies are, by measure."""
    there = set(columns)
    found = {}
    for measure, patterns in _WIDE.items():
        names = (pattern.format(model_of(column)) for pattern in patterns)
        name = next((name for name in names if name in there), None)
        if name is not None:
            found[measure] = name
    return found


def _first(columns: Sequence[str], names: Iterable[str]) -> str | None:
    plain = {name.lower().replace(" ", "_").replace("-", "_"): name for name in reversed(columns)}
    return next((plain[name] for name in names if name in plain), None)
