"""A first look at a file: what it is and which column is probably what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from apps.catalog.readers.mapping import Mapping
from apps.catalog.readers.npz_source import ITEM_COLUMN
from apps.catalog.readers.opening import open_source
from apps.catalog.readers.outcome_columns import guess_outcomes
from apps.catalog.readers.source import Format, Source
from apps.catalog.readers.tables_source import open_outcomes

Purpose = Literal["items", "predictions", "labels", "outcomes"]
Layout = Literal["wide", "long"]

_PREVIEW_CHARS = 300
_ITEM = (
    "item_id",
    "item",
    "id",
    "example_id",
    "sample_id",
    "question_id",
    "prompt_id",
    "doc_id",
    "uid",
    "index",
    "idx",
)
_MODEL = ("model", "model_name", "model_id", "candidate", "system", "llm", "classifier")
_PREDICTION = (
    "prediction",
    "predicted",
    "pred",
    "predicted_label",
    "predicted_class",
    "output",
    "answer",
    "response",
    "class",
    "label",
)
_PROBABILITY = ("probability", "prob", "confidence", "p", "proba")
LABEL_COLUMNS = (
    "label",
    "gold",
    "target",
    "truth",
    "ground_truth",
    "true_label",
    "labels",
    "class",
    "answer",
    "y",
)
_ANNOTATOR = ("annotator", "annotator_id", "rater", "worker", "labeller", "labeler", "user")
_TEXT = ("text", "prompt", "question", "input", "instruction", "sentence", "content", "document")
_IMAGE = ("image", "img", "picture", "thumbnail")
_SLICE = ("slice", "subset", "split", "category", "domain", "subject", "task", "dataset")
_BESIDE = {
    *("label", "labels", "gold", "target", "truth", "ground_truth", "true_label", "y_true"),
    *("correct_answer", "expected", "reference"),
    *_TEXT,
    *_IMAGE,
    *_SLICE,
}
"""What stands beside the answers of models in many files: taken for a model, the right answers win."""

_ABOUT_ANSWERS = ("correct", "is_correct", "right", "probability", "prob", "confidence", "score")

_ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with byte order mark",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 (little endian)",
    "utf-16-be": "UTF-16 (big endian)",
    "cp1252": "Windows-1252",
    "latin_1": "Latin-1",
}


@dataclass(frozen=True)
class Sniffed:
    """What a file seems to be. `encoding` is for people; `rows` is an estimate."""

    format: Format
    delimiter: str | None
    encoding: str | None
    columns: tuple[str, ...]
    preview: list[list[str]]
    layout: Layout
    mapping: Mapping
    rows: int


def sniff(path: Path, *, purpose: Purpose, name: str) -> Sniffed:
    """Look at the head of a file (and, for text, at the encoding of all of it).

    Raises:
        FileProblem: it is not a table that can be read.
    """
    outcomes = purpose == "outcomes"
    source = open_outcomes(path, name=name) if outcomes else open_source(path, name=name)
    mapping = guess_outcomes(source) if outcomes else _guess(source, purpose)
    return Sniffed(
        format=source.format,
        delimiter=source.delimiter,
        encoding=_ENCODINGS.get(source.encoding or "", source.encoding),
        columns=source.columns,
        preview=[[_short(cell) for cell in row] for row in source.preview()],
        layout="long" if mapping.model is not None else "wide",
        mapping=mapping,
        rows=source.row_estimate(),
    )


def _short(cell: str) -> str:
    """A cell as it can be kept: not too long, NUL as its picture, halves of characters as `?`."""
    kept = cell if len(cell) <= _PREVIEW_CHARS else cell[:_PREVIEW_CHARS] + "…"
    return kept.replace("\0", "\u2400").encode("utf-8", "replace").decode()


def _guess(source: Source, purpose: Purpose) -> Mapping:
    if source.format == "npz":
        return _guess_npz(source.columns, purpose)
    columns = list(source.columns)
    item = _take(columns, _ITEM) or columns.pop(0)
    if purpose == "labels":
        annotator = _take(columns, _ANNOTATOR)
        label = _take(columns, LABEL_COLUMNS) or (columns[0] if columns else None)
        return Mapping(item, label=label, annotator=annotator)
    if purpose == "items":
        text, image = _take(columns, _TEXT), _take(columns, _IMAGE)
        _take(columns, LABEL_COLUMNS)
        return Mapping(item, text=text, image=image, slices=_few_values(source, columns))
    return _guess_predictions(source, item, columns)


def _guess_predictions(source: Source, item: str, columns: list[str]) -> Mapping:
    rest = list(columns)
    model, prediction = _take(rest, _MODEL), _take(rest, _PREDICTION)
    if (
        model is not None
        and prediction is not None
        and not _is_wide(source, item, model, prediction)
    ):
        probability = _take(rest, _PROBABILITY)
        return Mapping(item, model=model, prediction=prediction, probability=probability)
    aside = _BESIDE | {f"{_plain(column)}_{what}" for column in columns for what in _ABOUT_ANSWERS}
    models = [column for column in columns if _plain(column) not in aside]
    return Mapping(item, models=tuple(models or columns))


def _is_wide(source: Source, item: str, model: str, prediction: str) -> bool:
    """Whether a column that is called `model` holds answers: those of a model of that name.

    Then every item has one row, and what the column holds are answers elsewhere too.
    """
    rows = source.preview()
    items, models, answers = (
        {row[source.columns.index(column)].strip() for row in rows}
        for column in (item, model, prediction)
    )
    return len(items) == len(rows) and len(models) > 1 and not models.isdisjoint(answers)


def _guess_npz(columns: Sequence[str], purpose: Purpose) -> Mapping:
    label = "labels" if "labels" in columns and purpose == "labels" else None
    slices = tuple(name for name in columns if name in ("subset", "category", "slice", "domain"))
    return Mapping(ITEM_COLUMN, label=label, slices=slices if purpose == "items" else ())


def _take(columns: list[str], names: Iterable[str]) -> str | None:
    """Take the column out whose name comes first in `names`, whatever its case and separators."""
    plain = {_plain(column): column for column in columns}
    for name in names:
        if name in plain:
            columns.remove(plain[name])
            return plain[name]
    return None


def _plain(column: str) -> str:
    return column.lower().replace(" ", "_").replace("-", "_")


def _few_values(source: Source, columns: Sequence[str]) -> tuple[str, ...]:
    """Columns whose first values repeat and are short: what one would slice by."""
    rows = source.preview()
    chosen = []
    for column in columns:
        place = source.columns.index(column)
        values = [row[place] for row in rows]
        short = all(len(value) <= 40 for value in values)
        if short and len(set(values)) <= max(1, len(values) // 2) and any(values):
            chosen.append(column)
    return tuple(chosen)
