"""Answers are compared as a careful reader would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.inference.scorers import SCORERS
from apps.inference.scorers.choice import MultipleChoice, chosen
from apps.inference.scorers.json_field import JsonField
from apps.inference.scorers.number import Numeric, numbers
from apps.inference.scorers.pattern import Pattern
from apps.inference.scorers.text import Contains, Exact, Normalised, WordF1

MADE = {name: kind() if name != "json-field" else JsonField("a") for name, kind in SCORERS.items()}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("The total is $1,234.50.", [1234.5]),
        ("-3 and −4, +5", [-3, -4, 5]),
        ("6.02e23 atoms, .5 of them", [6.02e23, 0.5]),
        ("x2 v1.2b 3rd", []),
        ("12,34", [12, 34]),
        ("#### 42", [42]),
        ("1e999", []),
        ("from 1-2", [1, 2]),
    ],
)
def test_numbers_are_read_as_people_write_them(answer: str, found: list[float]) -> None:
    assert numbers(answer) == pytest.approx(found)


def test_the_last_number_counts_within_its_tolerance() -> None:
    assert Numeric().score("First 3, so the answer is 12.0", "12").value == 1
    assert Numeric().score("12, no, 13", "12").why == "13 for 12"
    assert Numeric(relative=0.01).score("100.9", "100").value == 1
    assert Numeric(relative=0.01).score("101.1", "100").value == 0
    assert Numeric().score("twelve", "12").why == "holds no number"


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("C", "C"), ("(C)", "C"), ("C. Because it is so", "C"), ("**B**", "B"),
        ("The answer is (D).", "D"), ("Answer: b", "B"), ("Option A is wrong. The answer is B", "B"),
        ("I think it is C", "C"), ("A dog is an animal", None), ("Either B or C", None), ("", None),
        ("It's the second one", None), ("answer is a bit unclear", None),
    ],
)  # fmt: skip
def test_the_option_that_an_answer_chooses(answer: str, letter: str | None) -> None:
    assert chosen(answer) == letter


def test_multiple_choice_compares_letters() -> None:
    assert MultipleChoice().score("the answer is (c)", " C ").value == 1
    assert MultipleChoice().score("no idea", "C").why == "chooses none"


def test_form_counts_only_where_it_should() -> None:
    assert Exact().score(" Paris\n", "Paris").value == 1
    assert Exact().score("paris", "Paris").value == 0
    assert Normalised().score("The  PARIS!", "paris").value == 1
    assert Normalised().score("ﬁve", "five").value == 1
    assert Contains().score("It is in Paris, France", "paris").value == 1
    assert Contains(ignore_case=False).score("It is in Paris", "paris").value == 0


def test_words_in_common_are_worth_their_share() -> None:
    # said 4 words, wanted 3, 2 in common: F1 = 4 / 7, worked by hand.
    assert WordF1().score("big red old house", "old red barn").value == pytest.approx(4 / 7)
    assert WordF1().score("", "x").value == 0
    assert WordF1().score("the", "a").value == 1


def test_a_pattern_is_found_and_never_takes_long() -> None:
    assert Pattern().score("order 66 done", r"\border \d+\b").value == 1
    assert Pattern(ignore_case=True).score("ORDER", "order").value == 1
    slow = Pattern().score("a" * 5000 + "!", r"^(a|aa)+$")
    assert slow.value == 0
    with pytest.raises(ValueError, match="is not one"):
        Pattern().check("(")


@pytest.mark.parametrize(
    ("answer", "path", "reference", "value"),
    [
        ('Here: ```json\n{"a": {"b": [1, 2.0]}}\n```', "a.b.1", "2", 1),
        ('{"a": "Yes!"}', "a", "yes", 1),
        ('{"a": true}', "a", "true", 1),
        ('{"a": true}', "a", "1", 0),
        ('{"a": null}', "a", "null", 1),
        ('{"a": "5"}', "a", "5", 1),
        ('{broken} {"a": 3}', "a", "3", 1),
        ('{"a": 1}', "b", "1", 0),
        ("[" * 5000, "a", "1", 0),
    ],
)
def test_a_field_of_the_json(answer: str, path: str, reference: str, value: float) -> None:
    assert JsonField(path).score(answer, reference).value == value


@pytest.mark.parametrize(
    ("name", "reference"),
    [("numeric", "none"), ("multiple-choice", "AB"), ("contains", " "), ("regex", "")],
)
def test_a_reference_that_nothing_could_match_is_refused(name: str, reference: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        MADE[name].check(reference)


@pytest.mark.parametrize("name", MADE)
@given(answer=st.text(), reference=st.text())
def test_any_answer_gets_a_score_between_0_and_1(name: str, answer: str, reference: str) -> None:
    scorer = MADE[name]
    try:
        scorer.check(reference)
    except ValueError:
        return
    found = scorer.score(answer, reference)
    assert 0 <= found.value <= 1
    assert found.why


@pytest.mark.parametrize("name", ["exact", "normalised", "contains", "word-f1"])
@given(text=st.text(min_size=1).filter(str.strip))
def test_a_text_is_as_good_as_itself(name: str, text: str) -> None:
    assert MADE[name].score(text, text).value == 1
