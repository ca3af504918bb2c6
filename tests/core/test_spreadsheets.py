"""Files for spreadsheets run nothing, and find their way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.spreadsheets import as_written, names_as_written, safe_cell


@pytest.mark.parametrize(
    ("text", "cell"),
    [("=1+1", "'=1+1"), ("-5", "-5"), ("+SUM(A1)", "'+SUM(A1)"), ("@x", "'@x"), ("a=1", "a=1")],
)
def test_no_cell_is_a_formula(text: str, cell: str) -> None:
    assert safe_cell(text) == cell


@given(text=st.text())
def test_a_cell_made_safe_is_read_as_it_was_written(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.startswith(("=", "@", "\t", "\r"))
    assert as_written(cell) == text or cell == text


def test_names_that_are_there_both_ways_stay_two() -> None:
    assert names_as_written(["'@a", "b", "'c"]) == ("@a", "b", "'c")
    assert names_as_written(["'@a", "@a"]) == ("'@a", "@a")
