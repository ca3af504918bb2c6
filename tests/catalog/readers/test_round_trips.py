"""The same table, however it is written down, is read as the same matrix."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.catalog.readers import (
    FileProblem,
    Mapping,
    PredictionData,
    read_items,
    read_labels,
    read_predictions,
    sniff,
)
from apps.catalog.readers.coding import folded
from apps.catalog.readers.encodings import Utf8Stream
from apps.catalog.readers.problems import Problems
from apps.catalog.readers.scan import scan_csv
from apps.core.spreadsheets import as_written

from .files import LABELS, LONG, fault, jsonl, npz, parquet, put, wide

WORDS = st.text(alphabet="abcXYZ019 -_.\"',;|éßñ", min_size=1, max_size=12).filter(
    lambda word: word == word.strip()
)
SLOW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[str], list[str], list[list[str]]]:
    """Item ids, model names, classes, and a class name or "" for each model and item."""
    items = draw(st.lists(WORDS, min_size=1, max_size=8, unique_by=folded))
    taken = {"item_id", "model", "prediction"}
    names = WORDS.filter(
        lambda word: (
            folded(word) not in taken and not set(word) & set(",;|") and as_written(word) == word
        )
    )
    models = draw(st.lists(names, min_size=1, max_size=4, unique_by=folded))
    letters = WORDS.filter(lambda word: any(char.isalpha() for char in word))
    classes = draw(st.lists(letters, min_size=1, max_size=4, unique=True))
    cell = st.sampled_from([*classes, ""])
    rows = st.lists(cell, min_size=len(items), max_size=len(items))
    cells = draw(st.lists(rows, min_size=len(models), max_size=len(models)))
    cells[0][0] = classes[0]
    return items, models, classes, cells


def as_csv(rows: list[list[str]], *, delimiter: str, end: str, encoding: str, quote: int) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quote)  # type: ignore[arg-type]
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def check(data: PredictionData, table: tuple[Any, ...], known: bool) -> None:
    items, models, _, cells = table
    for model, name in enumerate(models):
        place = data.model_names.index(name)
        for item, item_name in enumerate(items):
            code = int(data.predictions[place, data.item_ids.index(item_name)])
            assert (data.class_names[code] if code >= 0 else "") == cells[model][item]
    assert data.predictions.shape == (len(models), len(items))
    if known:
        assert data.item_ids == tuple(items)
        assert data.model_names == tuple(models)


@SLOW
@given(
    table=tables(),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    quote=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    long=st.booleans(),
    known=st.booleans(),
)
def test_csv_in_any_delimiter_and_encoding(
    tmp_path: Path,
    table: tuple[Any, ...],
    delimiter: str,
    end: str,
    encoding: str,
    quote: int,
    long: bool,
    known: bool,
) -> None:
    items, models, _, cells = table
    rows = [["item_id", *models]] + [
        [item, *(row[place] for row in cells)] for place, item in enumerate(items)
    ]
    if long:
        rows = [["item_id", "model", "prediction"]] + [
            [item, model, cells[m][i]]
            for m, model in enumerate(models)
            for i, item in enumerate(items)
        ]
    data = as_csv(rows, delimiter=delimiter, end=end, encoding=encoding, quote=quote)
    path = put(tmp_path, data)
    found = sniff(path, purpose="predictions", name="mine.csv")
    assert (found.format, found.layout) == ("csv", "long" if long else "wide")
    assert found.delimiter == delimiter
    assert found.mapping == (LONG if long else wide(*models))
    assert found.preview == rows[1:21]
    known_items = items if known else None
    check(read_predictions(path, found.mapping, name="f", known_items=known_items), table, known)


@SLOW
@given(table=tables(), long=st.booleans(), kind=st.sampled_from(["jsonl", "parquet", "npz"]))
def test_jsonl_parquet_and_npz(
    tmp_path: Path, table: tuple[Any, ...], long: bool, kind: str
) -> None:
    items, models, classes, cells = table
    columns: dict[str, list[str]] = {"item_id": items, **dict(zip(models, cells, strict=True))}
    if long:
        columns = {
            "item_id": items * len(models),
            "model": [model for model in models for _ in items],
            "prediction": [cell for row in cells for cell in row],
        }
    if kind == "npz":
        codes = [[classes.index(cell) if cell else -1 for cell in row] for row in cells]
        path = npz(
            tmp_path, predictions=codes, model_names=models, class_names=classes, item_ids=items
        )
    elif kind == "parquet":
        path = parquet(
            tmp_path, {key: [cell or None for cell in column] for key, column in columns.items()}
        )
    else:
        rows = [
            {key: cell or None for key, cell in zip(columns, row, strict=True)}
            for row in zip(*columns.values(), strict=True)
        ]
        path = put(tmp_path, jsonl(rows), "lying.csv")
    found = sniff(path, purpose="predictions", name="f")
    assert found.format == kind
    check(read_predictions(path, found.mapping, name="f"), table, known=True)


@pytest.mark.parametrize(
    ("text", "models"),
    [
        ("item,model,label,m3\na,cat,dog,dog\nb,dog,dog,cat\n", ("model", "m3")),
        ("item,classifier,output\na,cat,cat\nb,dog,cat\n", ("classifier", "output")),
        # A model a row on each item, all rows of one model, and a judge that names models.
        ("item,model,label\na,m1,cat\na,m2,dog\n", ()),
        ("item,model,label\na,m1,cat\nb,m1,dog\n", ()),
        ("item,model,output\na,gpt,gpt\na,llama,gpt\nb,gpt,llama\n", ()),
    ],
)
def test_a_column_called_model_is_a_model_where_it_holds_answers(
    tmp_path: Path, text: str, models: tuple[str, ...]
) -> None:
    found = sniff(put(tmp_path, text), purpose="predictions", name="f")
    assert found.layout == ("wide" if models else "long")
    assert found.mapping.models == models


@SLOW
@given(
    values=st.lists(
        st.lists(st.text(alphabet='ab",\r\n é', max_size=6), min_size=2, max_size=3).filter(
            lambda row: len(row) == 3
        ),
        min_size=1,
        max_size=12,
    ),
    blocks=st.integers(1, 40),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_the_scan_counts_the_rows_that_pythons_csv_module_reads(
    tmp_path: Path, values: list[list[str]], blocks: int, end: str
) -> None:
    rows = [["a", "b", "c"], *values]
    data = as_csv(rows, delimiter=",", end=end, encoding="utf-8", quote=csv.QUOTE_ALL)
    path = put(tmp_path, data)
    problems = Problems("f")

    class Trickle(Utf8Stream):
        def read(self, size: int = -1, /) -> bytes:
            return super().read(blocks)

    with Trickle(path, "utf-8", name="f") as stream:
        scan = scan_csv(
            stream, delimiter=",", columns=3, problems=problems, should_stop=lambda: None
        )
    assert problems.count == 0
    assert scan.rows == len(values)
    assert scan.row_numbers(0, len(values)).tolist() == list(range(2, len(values) + 2))


@SLOW
@given(
    rows=st.lists(st.sampled_from(["x,y", "", "x", "x,y,z", '"x\n\n",y']), max_size=30),
    blocks=st.integers(1, 50),
)
def test_the_scan_finds_ragged_rows_where_a_spreadsheet_shows_them(
    tmp_path: Path, rows: list[str], blocks: int
) -> None:
    path = put(tmp_path, "\n".join(["a,b", *rows, "x,y"]))
    problems = Problems("f")

    class Trickle(Utf8Stream):
        def read(self, size: int = -1, /) -> bytes:
            return super().read(blocks)

    with Trickle(path, "utf-8", name="f") as stream:
        scan = scan_csv(
            stream, delimiter=",", columns=2, problems=problems, should_stop=lambda: None
        )
    ragged = [place for place, row in enumerate(rows, start=2) if row in ("x", "x,y,z")]
    assert [one.row for one in problems.kept] == ragged
    numbers = [place for place, row in enumerate([*rows, "x,y"], start=2) if row]
    assert scan.rows == len(numbers)
    assert scan.row_numbers(0, scan.rows).tolist() == numbers


def test_western_encodings_are_named_and_read(tmp_path: Path) -> None:
    text = "item_id;label\ncafé;très bon\nhôtel;mauvais – “à éviter”\n"
    path = put(tmp_path, text.encode("cp1252"))
    found = sniff(path, purpose="labels", name="f")
    assert found.encoding == "Windows-1252"
    data = read_labels(path, found.mapping, name="f")
    assert data.item_ids == ("café", "hôtel")
    assert data.labels == ("très bon", "mauvais – “à éviter”")


def test_utf16_without_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = put(tmp_path, "item_id,label\na,cat\n".encode("utf-16-le"))
    assert sniff(path, purpose="labels", name="f").encoding == "UTF-16 (little endian)"
    assert read_labels(path, LABELS, name="f").labels == ("cat",)


def test_whole_numbers_are_one_class_however_they_are_written(tmp_path: Path) -> None:
    text = "item_id,a,b\nx,1.0,1\ny,10.0,2\nz,,10\n"
    data = read_predictions(put(tmp_path, text), wide("a", "b"), name="f")
    assert data.class_names == ("1", "2", "10")
    assert data.predictions.tolist() == [[0, 2, -1], [0, 1, 2]]
    floats = parquet(
        tmp_path,
        {"item_id": [1, 2], "a": pa.array([1.0, float("nan")]), "b": pa.array([1, 2], pa.int8())},
    )
    data = read_predictions(floats, wide("a", "b"), name="f")
    assert data.item_ids == ("1", "2")
    assert data.predictions.tolist() == [[0, -1], [0, 1]]


def test_versions_that_look_like_decimals_stay_different_classes(tmp_path: Path) -> None:
    text = "item_id,a\nx,1\ny,1.0\nz,v2\n"
    data = read_predictions(put(tmp_path, text), wide("a"), name="f")
    assert data.class_names == ("1", "1.0", "v2")


def test_a_parquet_dictionary_longer_than_a_batch_is_read_right(tmp_path: Path) -> None:
    ids = [f"i{n}" for n in range(70_000)]
    classes = [f"c{n % 7}" for n in range(70_000)]
    data = read_predictions(parquet(tmp_path, {"item_id": ids, "m": classes}), wide("m"), name="f")
    assert data.item_ids == tuple(ids)
    assert [data.class_names[code] for code in data.predictions[0]] == classes


def test_categories_of_a_parquet_file_are_read_by_its_rows_alone(tmp_path: Path) -> None:
    def categories(codes: list[int | None], names: list[str]) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(names))

    items = categories([2, 0, 1], ["a", "b", "c"])
    answers = categories([1, None, 1], ["cat", "dog", "owl"])
    path = parquet(tmp_path, {"item_id": items, "m": answers})
    assert read_items(path, Mapping("item_id"), name="f").item_ids == ("c", "a", "b")
    data = read_predictions(path, wide("m"), name="f")
    assert (data.item_ids, data.class_names) == (("c", "a", "b"), ("dog",))
    assert data.predictions.tolist() == [[0, -1, 0]]
    twice = categories([1, 1], ["a", "b"])
    path = parquet(tmp_path, {"item_id": twice, "m": categories([0, 0], ["cat"])})
    assert "`b` is there twice; the first is in row 2" in str(
        fault(lambda: read_items(path, Mapping("item_id"), name="f"))
    )


def test_known_classes_keep_their_order_and_take_whole_numbers(tmp_path: Path) -> None:
    path = put(tmp_path, "item_id,a\nx,1.0\ny,0\n")
    data = read_predictions(path, wide("a"), name="f", known_classes=["2", "1", "0"])
    assert data.class_names == ("2", "1", "0")
    assert data.predictions.tolist() == [[1, 2]]


def test_items_come_in_the_order_of_the_dataset_with_gaps(tmp_path: Path) -> None:
    path = put(tmp_path, "item_id,model,prediction\nc,m,cat\na,n,dog\n")
    data = read_predictions(path, LONG, name="f", known_items=["a", "b", "c"])
    assert data.predictions.tolist() == [[-1, -1, 0], [1, -1, -1]]
    ids = npz(tmp_path, predictions=[[0, 1]], model_names=["m"], item_ids=["c", "a"])
    data = read_predictions(ids, Mapping("item_ids"), name="f", known_items=["a", "b", "c"])
    assert data.predictions.tolist() == [[1, -1, 0]]


def test_probabilities_stand_beside_their_predictions(tmp_path: Path) -> None:
    mapping = Mapping("item_id", model="model", prediction="prediction", probability="prob")
    text = "item_id,model,prediction,prob\na,m,cat,0.25\nb,m,dog,\na,n,cat, 1e-1 \n"
    path = put(tmp_path, text)
    assert sniff(path, purpose="predictions", name="f").mapping == mapping
    data = read_predictions(path, mapping, name="f")
    assert data.probabilities is not None
    expected = np.array([[0.25, np.nan], [0.1, np.nan]], np.float32)
    np.testing.assert_array_equal(data.probabilities, expected)


def test_reading_can_be_watched_and_stopped(tmp_path: Path) -> None:
    from apps.catalog.readers import ReadingStopped

    path = put(tmp_path, "item_id,m\n" + "".join(f"i{n},cat\n" for n in range(300_000)))
    seen: list[tuple[int, int]] = []
    read_predictions(path, wide("m"), name="f", progress=lambda *at: seen.append(at))
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]
    try:
        read_predictions(path, wide("m"), name="f", should_stop=lambda: True)
    except ReadingStopped:
        return
    except FileProblem:
        pass
    raise AssertionError("the reading went on")


def test_an_index_without_a_name_holds_the_ids(tmp_path: Path) -> None:
    path = tmp_path / "frame.csv"
    path.write_text(",good,bad\na,cat,dog\nb,dog,cat\n")
    found = sniff(path, name="frame.csv", purpose="predictions")
    assert found.columns[0] == "index"
    assert found.mapping.item == "index"
