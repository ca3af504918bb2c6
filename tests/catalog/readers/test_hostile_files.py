"""Every hostile file gets one clear sentence at the right row, and no other exception."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.catalog.readers import (
    FileProblem,
    Mapping,
    read_items,
    read_labels,
    read_models,
    read_predictions,
    read_prices,
    sniff,
)
from apps.catalog.readers.opening import open_source
from apps.catalog.readers.source import Reading

from .files import LABELS, LONG, fault, jsonl, npz, parquet, predictions, put, wide

HEAD = "item_id,model,prediction\n"


@pytest.mark.parametrize(
    ("text", "row", "words"),
    [
        (HEAD + "a,m,cat\nb,m\n", 3, "has 2 columns, the header has 3"),
        (HEAD + "a,m,cat\nb,m,cat,x\nc,m,dog\n", 3, "has 4 columns, the header has 3"),
        (HEAD + "a,m,cat\n\n\nb,m\n", 5, "has 2 columns"),
        (HEAD + "a,m,cat\nb,m", 3, "header has 3; the file may have been cut here."),
        (HEAD + 'a,m,cat\nb,m,"cat\nc,m,dog\n', 3, "a quote mark is opened in this row and never"),
        (HEAD + 'a,m,"two\nlines"\nb,m,"cat\nc,m,dog\n', 3, "opened in this row and never closed"),
        (HEAD + 'a,m,ca"t\n', 2, "a quote mark stands inside a value"),
        (HEAD + 'a,m,"cat"s\n', 2, "text follows the quote mark that closes it"),
        (HEAD + "a,m,cat\n,m,cat\n", 3, "`item_id` is empty"),
        (HEAD + "a,m,cat\nb, ,cat\n", 3, "`model` is empty"),
        (
            HEAD + "a,m,cat\nb,m,cat\na,m,dog\n",
            4,
            "second prediction of `m`; the first is in row 2",
        ),
        (HEAD + "a,m,cat\na,m,cat\n", 3, "the first is in row 2"),
        (HEAD + "a,m,cat\n a ,m,cat\n", 3, "the first is in row 2"),
        (HEAD + "a,m,cat\n\nA,m,cat\n", 4, "`a` of row 2 differ only in case or white space"),
        (HEAD + "a 1,m,cat\na1,m,cat\n", 3, "differ only in case or white space"),
        (HEAD + "a,m,cat\na,M,cat\n", 3, "differ only in case or white space"),
        (HEAD + "a,m,cat\nb\u202ec,m,cat\n", 3, "U+202E"),
        (HEAD + "a,m\u2067,cat\n", 2, "U+2067"),
        (HEAD + "a,m,ca\u200bt\n", 2, "U+200B"),
        (HEAD + 'a,m,"ca\nt"\n', 2, "U+000A"),
        (HEAD + "a,m,cat\nb\0,m,cat\n", 3, "NUL"),
        (HEAD + "a,m,cat\n" + "b" * 201 + ",m,cat\n", 3, "longer than 200 characters"),
        (HEAD + "a,m,\n", None, "every cell is empty"),
        (HEAD, None, "a header but no rows"),
        ("item_id,,prediction\na,m,cat\n", 1, "column 2 is empty"),
        ("item_id,prediction,model, model \na,1,m,m\n", 1, "repeats the name of column 3"),
        ("item_id,mo\u202edel,prediction\na,m,cat\n", 1, "U+202E"),
        ('item_id,"model,prediction\na,m,cat\n', 1, "quote mark that is never closed"),
        ("", None, "empty"),
        (" \n\n", None, "empty"),
    ],
)
def test_a_faulty_long_csv_is_told_by_row(
    tmp_path: Path, text: str, row: int | None, words: str
) -> None:
    problem = fault(lambda: predictions(tmp_path, text))
    assert words in problem.problems[0].message
    assert problem.problems[0].row == row
    assert str(problem).startswith("mine.csv: ")


def test_the_example_sentence_of_the_brief(tmp_path: Path) -> None:
    rows = "".join(f"i{n},cat\n" for n in range(2, 1204)) + "x,0.97x\n"
    problem = fault(
        lambda: predictions(
            tmp_path, "item_id,gpt-4o\n" + rows, wide("gpt-4o"), classes=["cat", "dog", "bird"]
        )
    )
    assert [one.message for one in problem.problems] == [
        "Row 1,204: `0.97x` in column `gpt-4o` is not one of the classes cat, dog, bird."
    ]
    assert problem.problems[0].value == "0.97x"


def test_the_first_hundred_problems_are_kept_and_all_are_counted(tmp_path: Path) -> None:
    text = HEAD + "".join(f"i{n},m,fish\n" for n in range(250))
    problem = fault(lambda: predictions(tmp_path, text, classes=["cat", "dog"]))
    assert problem.count == 250
    assert [one.row for one in problem.problems] == list(range(2, 102))
    assert "and 249 more problems" in str(problem)


@pytest.mark.parametrize("broken", ["ragged", "duplicate", "empty", "unknown"])
def test_every_kind_of_problem_is_counted_beyond_a_hundred(tmp_path: Path, broken: str) -> None:
    line = {
        "ragged": "x,m\n",
        "duplicate": "a,m,cat\n",
        "empty": ",m,cat\n",
        "unknown": "z,m,cat\n",
    }
    text = HEAD + "a,m,cat\n" + line[broken] * 300
    problem = fault(lambda: predictions(tmp_path, text, items=["a", "b"]))
    assert (problem.count, len(problem.problems)) == (300, 100)
    assert problem.problems[0].row == 3


def test_a_repeat_is_found_megabytes_after_the_first(tmp_path: Path) -> None:
    far = "".join(f"item-with-a-long-name-{n},m,cat\n" for n in range(100_000))
    problem = fault(lambda: predictions(tmp_path, HEAD + "a,m,cat\n" + far + "a,m,dog\n"))
    assert problem.problems[0].row == 100_003
    assert "the first is in row 2" in str(problem)


def test_a_line_of_200_mb_is_refused_without_reading_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("wb") as file:
        file.write(HEAD.encode() + b"a,m,cat\nb,m,")
        for _ in range(200):
            file.write(b"x" * (1 << 20))
    problem = fault(lambda: read_predictions(path, LONG, name="long.csv"))
    assert problem.problems[0].row == 3
    assert "longer than 4 MB" in str(problem)
    path.write_bytes(b"x" * (200 << 20))
    assert "longer than 4 MB" in str(fault(lambda: sniff(path, purpose="items", name="x")))


def test_too_many_columns_are_refused_and_five_thousand_models_are_taken(tmp_path: Path) -> None:
    models = [f"m{n}" for n in range(5_000)]
    text = ",".join(["item_id", *models]) + "\n" + ",".join(["a"] + ["cat"] * 5_000) + "\n"
    assert predictions(tmp_path, text, wide(*models)).predictions.shape == (5_000, 1)
    more = text.replace("item_id", "item_id,one,two").replace("a,", "a,x,y,", 1)
    problem = fault(lambda: sniff(put(tmp_path, more), purpose="predictions", name="mine.csv"))
    assert "5,003 columns" in str(problem)


@pytest.mark.parametrize("value", ["1.5", "-0.1", "nan", "NaN", "inf", "1e400", "high", "0,5x"])
def test_a_probability_that_is_none_is_refused_at_its_row(tmp_path: Path, value: str) -> None:
    mapping = Mapping("item_id", model="model", prediction="prediction", probability="p")
    text = f"item_id;model;prediction;p\na;m;cat;0.5\nb;m;cat;\nc;m;cat;{value}\n"
    problem = fault(lambda: predictions(tmp_path, text, mapping))
    assert problem.count == 1
    assert problem.problems[0].row == 4
    assert "is not a probability between 0 and 1" in str(problem)


def test_scores_in_place_of_classes_are_noticed(tmp_path: Path) -> None:
    text = HEAD + "".join(f"i{n},m,{n / 7919:.6f}\n" for n in range(1, 3000))
    problem = fault(lambda: predictions(tmp_path, text))
    assert "looks like a number, not a class" in str(problem)


def test_predictions_for_another_version_get_one_sentence(tmp_path: Path) -> None:
    text = HEAD + "x,m,cat\ny,m,cat\nx,n,cat\n"
    problem = fault(lambda: predictions(tmp_path, text, items=["a", "b"]))
    assert problem.count == 1
    assert "for another dataset version: none of their 2 item ids is in this one" in str(problem)


def test_unknown_items_are_named_with_their_rows_and_near_misses(tmp_path: Path) -> None:
    text = HEAD + "a,m,cat\nB,m,cat\nz,m,cat\n"
    problem = fault(lambda: predictions(tmp_path, text, items=["a", "b"]))
    assert [one.row for one in problem.problems] == [3, 4]
    assert "there is `b`, mind case" in problem.problems[0].message


@pytest.mark.parametrize("cut", [0.3, 0.5, 0.9, 0.985, 0.999])
@pytest.mark.parametrize("kind", ["parquet", "npz", "jsonl"])
def test_an_upload_that_was_cut_is_noticed(tmp_path: Path, kind: str, cut: float) -> None:
    names = [f"item{n}" for n in range(400)]
    if kind == "parquet":
        path = parquet(tmp_path, {"item_id": names, "m": ["cat", "dog"] * 200})
    elif kind == "npz":
        path = npz(tmp_path, predictions=np.zeros((1, 400), int), model_names=["m"])
    else:
        path = put(tmp_path, jsonl([{"item_id": name, "m": "cat"} for name in names]).rstrip())
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * cut)].rstrip()[:-1])
    problem = fault(lambda: read_predictions(path, wide("m"), name="cut"))
    assert problem.count == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gzip.compress(b"a,b\n" * 1000, mtime=0), "packed with gzip"),
        (pickle.dumps({"a": 1}), "pickle"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b'[{"a": 1}]', "one JSON array"),
        (b"PK\x05\x06" + b"\0" * 18, "zip archive"),
        (b"PAR1", "Parquet"),
        (b"PAR1" + b"x" * 100 + b"PAR1", "Parquet"),
        (b"PK\x03\x04" + b"predictions.npy" + b"x" * 50, "npz"),
        (bytes(range(256)) * 20, "neither UTF-8"),
        (b"\x00\x01\x02\x03" * 100, "NUL"),
    ],
)
def test_a_file_that_is_no_table_is_told_what_it_is(
    tmp_path: Path, data: bytes, words: str
) -> None:
    problem = fault(lambda: sniff(put(tmp_path, data), purpose="items", name="mine.csv"))
    assert words in str(problem)


@pytest.mark.parametrize(
    ("name", "what"), [("mine.npz", "an .npz archive"), ("mine.PARQUET", "a Parquet file")]
)
@pytest.mark.parametrize("data", [b"no archive", bytes(range(256)) * 20])
def test_a_binary_file_that_is_none_is_not_called_bad_text(
    tmp_path: Path, name: str, what: str, data: bytes
) -> None:
    problem = fault(lambda: sniff(put(tmp_path, data), purpose="predictions", name=name))
    assert str(problem).startswith(f"{name}: The file cannot be read as {what};")


def _zip(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_zip_slip_and_excel_are_refused(tmp_path: Path) -> None:
    slip = _zip(**{"../../etc/passwd": b"x", "a.npy": b"y"})
    assert "which is not an array" in str(
        fault(lambda: sniff(put(tmp_path, slip), purpose="items", name="f"))
    )
    deep = _zip(**{"a.npy": b"", "../../etc/passwd": b"x"})
    fault(lambda: sniff(put(tmp_path, deep), purpose="items", name="f"))
    excel = _zip(**{"[Content_Types].xml": b"x", "xl/workbook.xml": b"y"})
    assert "Excel" in str(fault(lambda: sniff(put(tmp_path, excel), purpose="items", name="f")))


def test_an_npz_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "<i8", "fortran_order": False, "shape": (10**5, 10**6)}
    )
    lies = _zip(**{"predictions.npy": buffer.getvalue() + b"\0" * 1000})
    assert "unpacks to" in str(fault(lambda: sniff(put(tmp_path, lies), purpose="items", name="f")))
    short = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        short, {"descr": "<i8", "fortran_order": False, "shape": (10, 100)}
    )
    data = _zip(**{"predictions.npy": short.getvalue() + b"\0" * 10})
    assert "not as long as it says" in str(
        fault(lambda: sniff(put(tmp_path, data), purpose="items", name="f"))
    )


def test_an_npz_with_objects_is_refused(tmp_path: Path) -> None:
    path = npz(tmp_path, predictions=np.array([{"a": 1}], dtype=object), model_names=["m"])
    assert "only numbers and text" in str(fault(lambda: sniff(path, purpose="items", name="f")))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"model_names": ["m"], "predictions": [[0, -2]]}, "holds -2"),
        ({"model_names": ["m"], "predictions": [[0.5, 1]]}, "whole numbers"),
        ({"model_names": ["m"], "predictions": [0, 1]}, "two axes"),
        ({"model_names": ["m", "n"], "predictions": [[0, 1]]}, "must name as many"),
        ({"model_names": ["m", "m"], "predictions": [[0], [1]]}, "twice"),
        ({"model_names": ["m", "M "], "predictions": [[0], [1]]}, "differ only in case"),
        ({"model_names": [""], "predictions": [[0]]}, "is empty"),
        ({"model_names": ["m"], "predictions": [[-1, -1]]}, "every cell is -1"),
        (
            {"model_names": ["m"], "predictions": [[0, 2]], "class_names": ["a", "b"]},
            "class index 2",
        ),
        (
            {"model_names": ["m"], "predictions": [[0, 1]], "item_ids": ["a", "a"]},
            "twice",
        ),
        (
            {"model_names": ["m"], "predictions": [[0, 1]], "probabilities": [[0.1, 1.1]]},
            "not a probability",
        ),
        ({"model_names": ["m"], "predictions": np.zeros((1, 0), int)}, "0 items"),
        ({"other": [1]}, "neither `predictions` nor `labels`"),
    ],
)
def test_a_faulty_npz_gets_a_sentence(tmp_path: Path, arrays: dict[str, Any], words: str) -> None:
    path = npz(tmp_path, **arrays)
    problem = fault(lambda: read_predictions(path, Mapping("item_ids"), name="mine.npz"))
    assert words in str(problem)


def test_a_damaged_file_is_told_by_the_name_its_owner_gave(tmp_path: Path) -> None:
    whole = parquet(tmp_path, {"item_id": ["a", "b"], "m": ["x", "y"]}).read_bytes()
    path = put(tmp_path, whole[:30] + b"\xff" * 5 + whole[35:], "assay-spool")
    found = fault(lambda: sniff(path, purpose="predictions", name="mine.parquet"))
    assert str(found).startswith("mine.parquet: ")


def test_nested_parquet_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"item_id": ["a"], "m": pa.array([["cat"]])})
    assert "only flat columns" in str(fault(lambda: sniff(path, purpose="items", name="f")))


def test_a_parquet_bomb_of_rows_is_refused_by_its_footer(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    part = pa.table({"item_id": pa.nulls(17_000_000, pa.string())})
    with pq.ParquetWriter(path, part.schema) as writer:
        for _ in range(3):
            writer.write_table(part)
    assert path.stat().st_size < 1 << 20
    assert "at most 50,000,000" in str(fault(lambda: sniff(path, purpose="items", name="f")))


def test_a_parquet_dictionary_bomb_of_text_is_refused(tmp_path: Path) -> None:
    ids = [f"i{n}" for n in range(1000)]
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 1000), ["x" * (1 << 20)])
    path = parquet(tmp_path, {"item_id": ids, "text": texts})
    assert path.stat().st_size < 1 << 20
    problem = fault(lambda: read_items(path, Mapping("item_id", text="text"), name="f"))
    assert "256 MB in all" in str(problem)
    source, reading = open_source(path, name="f"), Reading(path, "f")
    assert "256 MB in all" in str(
        fault(lambda: next(source.batches(reading, coded=[], texts=["text"])))
    )


def test_a_parquet_with_a_damaged_page_gets_a_sentence(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"item_id": [f"i{n}" for n in range(999)], "m": ["cat"] * 999})
    data = bytearray(path.read_bytes())
    data[20:400] = b"\xff" * 380
    path.write_bytes(bytes(data))
    fault(lambda: read_predictions(path, wide("m"), name="f"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"item_id": "a", "item_id": "b", "label": "cat"}', "the key `item_id` twice"),
        ('{"item_id": "a", "label": NaN}', "holds NaN"),
        ('{"item_id": "a", "label": -Infinity}', "holds -Infinity"),
        ('{"item_id": "a", "label": ["cat"]}', "is a list or an object"),
        ('{"item_id": "a", "label": {"x": 1}}', "is a list or an object"),
        ('{"item_id": "a", "label": "cat"', "is not valid JSON"),
        ('{"item_id": "a", "lable": "cat"}', "has the key `lable`"),
        ('{"item_id": "\\ud800", "label": "cat"}', "lone surrogate"),
        ('{"item_id": "a\\u0000", "label": "cat"}', "U+0000"),
        ('{"item_id": "a\\u202e", "label": "cat"}', "U+202E"),
        ('["a", "cat"]', "is not a JSON object"),
        ('{"item_id": "a", "label": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deep"),
        ('{"item_id": null, "label": "cat"}', "is empty"),
        ('{"label": "cat"}', "is empty"),
    ],
)
def test_a_faulty_json_line_is_told_by_row(tmp_path: Path, line: str, words: str) -> None:
    good = "".join(f'{{"item_id": "i{n}", "label": "cat"}}\n' for n in range(1_500))
    path = put(tmp_path, good + "\n" + line + "\n", "mine.jsonl")
    problem = fault(lambda: read_labels(path, LABELS, name="mine.jsonl"))
    assert words in str(problem)
    assert problem.problems[0].row == 1_502
    assert problem.count == 1


def test_text_that_is_utf8_up_to_a_broken_byte_is_not_read_as_something_else(
    tmp_path: Path,
) -> None:
    data = (HEAD + "é,m,cat\nb,m,").encode() + b"\xe9\n"
    problem = fault(lambda: predictions(tmp_path, data))
    assert problem.problems[0].row == 3
    assert "UTF-8 up to here" in str(problem)


def test_a_lone_surrogate_in_utf16_is_refused(tmp_path: Path) -> None:
    data = b"\xff\xfe" + (HEAD + "a,m,").encode("utf-16-le") + struct.pack("<H", 0xD800)
    fault(lambda: predictions(tmp_path, data + "x\n".encode("utf-16-le")))
    fault(lambda: predictions(tmp_path, data[:-1]))


READERS: list[Callable[[Path], object]] = [
    lambda path: sniff(path, purpose="items", name="f"),
    lambda path: read_predictions(
        path, sniff(path, purpose="predictions", name="f").mapping, name="f"
    ),
    lambda path: read_labels(path, sniff(path, purpose="labels", name="f").mapping, name="f"),
    lambda path: read_items(path, sniff(path, purpose="items", name="f").mapping, name="f"),
    lambda path: read_prices(path, name="f"),
    lambda path: read_models(path, name="f"),
]


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(alphabet='ab,;\t|"\n\r\u00e9\u202e\0{}[]:1.-', max_size=80).map(str.encode),
        st.text(alphabet='ab,"\n\u00e9', max_size=60).map(lambda text: text.encode("utf-16")),
        st.text(alphabet='item_d,"\nl\r0:{}', max_size=80).map(lambda t: ('{"a"' + t).encode()),
    )
)
def test_no_bytes_make_anything_but_a_file_problem(tmp_path: Path, data: bytes) -> None:
    path = put(tmp_path, data)
    for read in READERS:
        try:
            read(path)
        except FileProblem:
            continue


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_no_flipped_byte_makes_anything_but_a_file_problem(
    tmp_path: Path, data: st.DataObject
) -> None:
    if data.draw(st.booleans()):
        path = parquet(tmp_path, {"item_id": ["a", "b", "c"], "m": ["cat", "dog", None]})
    else:
        path = npz(tmp_path, predictions=[[0, 1, -1]], model_names=["m"], labels=[0, 1, 1])
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(raw))
    for read in READERS:
        try:
            read(path)
        except FileProblem:
            continue
