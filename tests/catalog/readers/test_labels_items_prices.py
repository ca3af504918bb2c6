"""Labels, items, price lists and lists of models."""

from __future__ import annotations

import base64
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from apps.catalog.readers import (
    Mapping,
    read_items,
    read_labels,
    read_models,
    read_prices,
    sniff,
)

from .files import LABELS, fault, jsonl, npz, predictions, put, wide


def test_labels_are_read_and_empty_ones_are_not_labels_yet(tmp_path: Path) -> None:
    path = put(tmp_path, "item_id,label\nb,cat\na,\nc, dog \n")
    data = read_labels(path, LABELS, name="f", known_items=["a", "b", "c"])
    assert data.item_ids == ("b", "c")
    assert data.labels == ("cat", "dog")
    assert data.annotators is None
    assert data.rows == (2, 4)


def test_a_number_that_is_not_there_is_no_class_unless_it_is_declared(tmp_path: Path) -> None:
    given = predictions(tmp_path, "item_id,m,n\na,1.0,NaN\nb,nan,2.0\nc,<NA>,1\n", wide("m", "n"))
    assert given.class_names == ("1", "2")
    assert given.predictions.tolist() == [[0, -1, -1], [-1, 1, 0]]
    path = put(tmp_path, "item_id,label\na,1\nb,nan\n")
    assert read_labels(path, LABELS, name="f").item_ids == ("a",)
    text = "item_id,m\na,NA\nb,None\nc,null\nd,NaN\n"
    assert predictions(tmp_path, text, wide("m")).class_names == ("NA", "None", "null")
    declared = predictions(tmp_path, text, wide("m"), classes=["NA", "NaN", "None", "null"])
    assert declared.predictions.tolist() == [[0, 2, 3, 1]]


def test_cells_that_our_own_csv_made_safe_are_known_again(tmp_path: Path) -> None:
    path = put(tmp_path, "item_id,label\n'=a,'-\n'+b,x\n")
    known = {"known_items": ["=a", "+b"], "known_classes": ["-", "x"]}
    data = read_labels(path, LABELS, name="f", **known)  # type: ignore[arg-type]
    assert (data.item_ids, data.labels) == (("=a", "+b"), ("-", "x"))


def test_two_annotators_may_disagree(tmp_path: Path) -> None:
    path = put(tmp_path, "item_id,label,annotator\na,cat,ann\na,dog,bob\nb,dog,\n")
    mapping = sniff(path, purpose="labels", name="f").mapping
    data = read_labels(path, mapping, name="f")
    assert data.annotators == ("ann", "bob", "")
    assert data.labels == ("cat", "dog", "dog")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("item_id,label\na,cat\nb,cat\na,dog\n", "Row 4: item `a` is labelled `dog` here and as"),
        ("item_id,label\na,cat\nb,cat\na,cat\n", "Row 4: item `a` is labelled `cat` here again"),
        ("item_id,label\na,\nb,\n", "No label is filled in"),
        ("item_id,label\na,cat\n,dog\n", "Row 3: column `item_id` is empty"),
        ("item_id,label\na,cat\nA,dog\n", "differ only in case"),
    ],
)
def test_faulty_labels_are_told(tmp_path: Path, text: str, words: str) -> None:
    assert words in str(fault(lambda: read_labels(put(tmp_path, text), LABELS, name="f")))


def test_labels_outside_the_dataset_are_told(tmp_path: Path) -> None:
    path = put(tmp_path, "item_id,label\na,cat\nz,cat\n")
    problem = fault(lambda: read_labels(path, LABELS, name="f", known_items=["a"]))
    assert problem.problems[0].row == 3
    problem = fault(lambda: read_labels(path, LABELS, name="f", known_items=["q"]))
    assert "none of their 2 item ids" in str(problem)
    problem = fault(lambda: read_labels(path, LABELS, name="f", known_classes=["dog"]))
    assert problem.count == 2


def test_a_label_that_no_model_predicted_is_taken(tmp_path: Path) -> None:
    path = put(tmp_path, "item_id,label\na,unicorn\n")
    assert read_labels(path, LABELS, name="f", known_items=["a"]).labels == ("unicorn",)


def test_a_mapping_that_does_not_fit_the_file_is_told(tmp_path: Path) -> None:
    path = put(tmp_path, "item_id,label\na,cat\n")
    wrong = Mapping("id", label="label")
    assert "There is no column `id`" in str(fault(lambda: read_labels(path, wrong, name="f")))
    twice = Mapping("label", label="label")
    assert "for two things" in str(fault(lambda: read_labels(path, twice, name="f")))
    none = Mapping("label")
    assert "No column of labels" in str(fault(lambda: read_labels(path, none, name="f")))


def test_a_mapping_survives_json() -> None:
    mapping = Mapping("id", models=("a", "b"), slices=("s",), label="x")
    assert Mapping.from_dict(mapping.as_dict()) == mapping
    assert Mapping.from_dict({"item": "id", "label": ""}) == Mapping("id")
    with pytest.raises(ValueError, match="item ids"):
        Mapping.from_dict({"label": "x"})


def test_items_with_text_and_slices(tmp_path: Path) -> None:
    rows = [
        {"id": 7, "prompt": "Zwölf\nBoxkämpfer", "language": "de", "hard": True},
        {"id": 8, "prompt": "", "language": "en", "hard": False},
        {"id": 9, "prompt": "= 1 + 1", "language": None, "hard": True},
        {"id": 10, "prompt": "x", "language": "de", "hard": True},
    ]
    path = put(tmp_path, jsonl(rows))
    found = sniff(path, purpose="items", name="f")
    assert found.mapping == Mapping("id", text="prompt", slices=("hard",))
    mapping = Mapping("id", text="prompt", slices=("language", "hard"))
    data = read_items(path, mapping, name="f")
    assert data.item_ids == ("7", "8", "9", "10")
    assert data.texts == ("Zwölf\nBoxkämpfer", "", "= 1 + 1", "x")
    assert data.slices == {
        "language": ("de", "en", "", "de"),
        "hard": ("true", "false", "true", "true"),
    }
    assert data.images is None


def test_items_that_are_there_twice_are_told_with_both_rows(tmp_path: Path) -> None:
    path = put(tmp_path, "item_id\na\n\nb\na\nB\n")
    problem = fault(lambda: read_items(path, Mapping("item_id"), name="f"))
    assert [one.message for one in problem.problems] == [
        "Row 5: item `a` is there twice; the first is in row 2.",
        "Row 6: `B` in column `item_id` and `b` of row 4 differ only in case or white space.",
    ]


def _uri(size: tuple[int, int], kind: str = "png") -> str:
    out = io.BytesIO()
    Image.new("RGB", size, (9, 99, 199)).save(out, format=kind)
    return f"data:image/{kind};base64," + base64.b64encode(out.getvalue()).decode()


def test_pictures_are_written_anew_as_png(tmp_path: Path) -> None:
    path = put(tmp_path, f'item_id,image\na,"{_uri((8, 5), "jpeg")}"\nb,\n')
    mapping = sniff(path, purpose="items", name="f").mapping
    assert mapping.image == "image"
    data = read_items(path, mapping, name="f")
    assert data.images is not None
    assert data.images[1] is None
    with Image.open(io.BytesIO(data.images[0] or b"")) as picture:
        assert (picture.format, picture.size) == ("PNG", (8, 5))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("cat.png", "is not a picture"),
        ("data:image/svg+xml;base64,PHN2Zz4=", "is not a picture"),
        ("data:image/png;base64,####", "not valid base64"),
        ("data:image/png;base64,aGVsbG8=", "not a picture that can be read"),
        (_uri((8, 5))[:-40] + "AAAA", "not a picture that can be read"),
        (_uri((2_001, 2_000)), "4,002,000 pixels|pixels; at most"),
    ],
)
def test_a_value_that_is_no_picture_is_told(tmp_path: Path, value: str, words: str) -> None:
    path = put(tmp_path, f'item_id,image\na,"{value}"\n')
    problem = fault(lambda: read_items(path, Mapping("item_id", image="image"), name="f"))
    assert problem.problems[0].row == 2
    assert any(word in str(problem) for word in words.split("|"))


def test_items_of_an_npz_have_their_slices_by_name(tmp_path: Path) -> None:
    path = npz(
        tmp_path,
        predictions=[[0, 1, 0]],
        model_names=["m"],
        class_names=["cat", "dog"],
        labels=[1, -1, 0],
        subset=[0, 0, 1],
        subset_names=["easy", "hard"],
    )
    found = sniff(path, purpose="items", name="f")
    assert found.columns == ("item_ids", "labels", "subset")
    assert read_items(path, found.mapping, name="f").slices == {"subset": ("easy", "easy", "hard")}
    labels = sniff(path, purpose="labels", name="f").mapping
    data = read_labels(path, labels, name="f")
    assert (data.item_ids, data.labels) == (("0", "2"), ("dog", "cat"))


def test_prices_in_every_form(tmp_path: Path) -> None:
    def read(text: str) -> list[tuple[object, ...]]:
        return [
            (
                one.model,
                one.valid_from,
                one.input_usd_per_1m,
                one.output_usd_per_1m,
                one.usd_per_call,
            )
            for one in read_prices(put(tmp_path, text), name="f")
        ]

    two, ten = Decimal("2.5"), Decimal("10")
    assert read("model,price\na,2.5\nb,10\n") == [
        ("a", None, None, None, two),
        ("b", None, None, None, ten),
    ]
    in_out = [("a", None, two, ten, None)]
    assert read("model;input;output\na;2.5;$10\n") == in_out
    assert read("Model,Input USD per 1M,Output USD per 1M\na,2.5,10\n") == in_out
    assert read('{"a": {"input_usd_per_1m": 2.5, "output_usd_per_1m": 10}}') == in_out
    assert read('{\n"a": {\n"input_usd_per_1m": 2.5, "output_usd_per_1m": 10}\n}\n') == in_out
    assert read('{"model": "a", "input": 2.5, "output": 10}\n') == in_out
    assert read('{"a": 2.5}') == [("a", None, None, None, two)]
    assert read("model,valid_from,price\na,2026-01-31,2.5\n") == [
        ("a", date(2026, 1, 31), None, None, two)
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model,price\na,-1\n", "Row 2: `-1` in column `price` is not a price"),
        ("model,price\na,1\nb,nan\n", "Row 3: `nan`"),
        ("model,price\na,1e400\n", "is not a price"),
        ("model,price\na,free\n", "is not a price"),
        ("model,price\n,1\n", "column `model` is empty"),
        ("model,price\na,1\na,2\n", "is there twice; the first is in row 2"),
        ("model,valid_from,price\na,soon,1\n", "is not a date"),
        ("thing,price\na,1\n", "No column names the model"),
        ("model,price\na,\n", "holds no price"),
        ('{"a": 1, "a": 2}', "the key `a` twice"),
        ('{"a": NaN}', "holds NaN"),
        ('{"a": [1]}', "not a number"),
        ('{"a": {"input": {"x": 1}}}', "not a number"),
        ('{"a": 1', "is not valid JSON"),
    ],
)
def test_faulty_prices_are_told(tmp_path: Path, text: str, words: str) -> None:
    assert words in str(fault(lambda: read_prices(put(tmp_path, text), name="f")))


def test_a_list_of_models(tmp_path: Path) -> None:
    text = (
        "name,provider,parameters,release date,license,tags,input,output\n"
        "a,Acme,7B,2025-05-01,MIT,small; open,0.1,0.2\nb,,,,,,,\n"
    )
    first, second = read_models(put(tmp_path, text), name="f")
    assert (first.name, first.provider, first.parameters) == ("a", "Acme", 7_000_000_000)
    assert (first.released, first.licence, first.tags) == (
        date(2025, 5, 1),
        "MIT",
        ("small", "open"),
    )
    assert first.price is not None
    assert first.price.output_usd_per_1m == Decimal("0.2")
    assert (second.parameters, second.released, second.tags, second.price) == (None, None, (), None)
    bad = put(tmp_path, "name,params\na,many\n")
    assert "number of parameters" in str(fault(lambda: read_models(bad, name="f")))
