"""Whatever a name holds, LaTeX prints it and does nothing else."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.latex import MOST_FLOATING, Table, document, escape

# One unit of what `escape` may write: a plain letter, a braced sign, an accent, a command, a formula.
UNIT = re.compile(
    r"[A-Za-z0-9 .:;/()+=@\]]|~|"
    r"\{[-,?!\[*]\}|"
    r"\\[{}$&#_%]|"
    r"\\(?:text[a-z]+|ldots|ss|ae|AE|o|O|l|L|oe|OE)\{\}|"
    r"\\(?:[`'^~\"=.]|[uvHrc])\{[A-Za-z]\}|"
    r"\$(?:-|\\times|\\pm|\\leq|\\geq|\\approx|\\mu|\^\{\\circ\})\$|"
    r"\\codepoint\{[0-9A-F]{4,6}\}"
)
HOSTILE = [
    r"\input{/etc/passwd}", r"\write18{id}", "a & b", "50% & more", "$x_1^2$", "{", "}", r"\\", "#1",
    "~", "^^5c", "`code`", "[1ex]", "*", "line\nbreak\r\n\tend", "a\x00b", "\u202eabc", "\ud800",
    "naïve Ångström Łódź œuvre ß", "模型 🤖", "--- '' ``", '"quoted"', "ﬁne", "e\u0301", "<b>&amp;</b>",
]  # fmt: skip


def table(texts: list[str], rows: int = 1) -> Table:
    return Table(
        "A `name` says: " + " ".join(texts), texts, [True] * len(texts), [texts] * rows, "x"
    )


@given(st.one_of(st.text(), st.text("\\{}$&#^_%~<>|\"'`-,?![]*\n\t"), st.sampled_from(HOSTILE)))
def test_a_text_becomes_units_that_print_it_and_nothing_else(text: str) -> None:
    left = escape(text)
    assert left.isascii()
    while left:
        unit = UNIT.match(left)
        assert unit is not None, left
        left = left[unit.end() :]


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_a_table_has_as_many_cells_as_heads_however_they_read(texts: list[str]) -> None:
    made = document(table(texts))
    lines = [line for line in made.splitlines() if line.endswith(r" \\")]
    assert len(lines) == 2
    for line in lines:
        assert len(re.findall(r"(?<!\\)&", line)) == len(texts) - 1
    assert made.isascii()


def test_what_is_not_a_letter_is_left_out_and_white_space_is_a_space() -> None:
    assert escape("a\x00b\u202ec\ud800d") == "abcd"
    assert escape("a\n\tb\r\nc") == "a  b  c"
    assert escape("é 模 ≥ a_b") == r"\'{e} \codepoint{6A21} $\geq$ a\_b"


def test_names_in_backticks_are_set_as_code() -> None:
    assert r"A \texttt{name} says" in document(table(["x"]))


def test_a_long_table_breaks_over_pages() -> None:
    assert "longtable" not in document(table(["x"], MOST_FLOATING))
    assert r"\begin{longtable}{r}" in document(table(["x"], MOST_FLOATING + 1))


def test_a_table_whose_rows_do_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        Table("c", ["a", "b"], [True, True], [["one"]], "x")


@pytest.mark.parametrize("engine", ["pdflatex", "xelatex", "lualatex"])
def test_a_real_engine_sets_it(engine: str, tmp_path: Path) -> None:
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed")
    for name, rows in (("short", 1), ("long", MOST_FLOATING + 1)):
        (tmp_path / f"{name}.tex").write_text(document(table(HOSTILE[:6], rows)))
    (tmp_path / "paper.tex").write_text(
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs,longtable}"
        r"\begin{document}\input{short}\input{long}\end{document}"
    )
    subprocess.run(
        [engine, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=120,
    )
