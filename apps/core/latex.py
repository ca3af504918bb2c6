"""Tables for LaTeX: any text becomes plain ASCII that every engine sets and none takes for a command."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST_FLOATING = 40
"""A table with more rows breaks over pages (longtable): a float that does not fit is lost."""

_ASCII = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    # Two of them would join into another sign.
    "-": "{-}",
    ",": "{,}",
    "?": "{?}",
    "!": "{!}",
    # At the head of a row either could be taken for an argument of the line break before it.
    "[": "{[}",
    "*": "{*}",
}
_SIGNS = {
    "\N{NO-BREAK SPACE}": "~",
    "\N{EN DASH}": r"\textendash{}",
    "\N{EM DASH}": r"\textemdash{}",
    "\N{MINUS SIGN}": "$-$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
    "\N{ALMOST EQUAL TO}": r"$\approx$",
    "\N{MICRO SIGN}": r"$\mu$",
    "\N{DEGREE SIGN}": r"$^{\circ}$",
    "\N{MIDDLE DOT}": r"\textperiodcentered{}",
    "\N{BULLET}": r"\textbullet{}",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "\N{LEFT SINGLE QUOTATION MARK}": r"\textquoteleft{}",
    "\N{RIGHT SINGLE QUOTATION MARK}": r"\textquoteright{}",
    "\N{LEFT DOUBLE QUOTATION MARK}": r"\textquotedblleft{}",
    "\N{RIGHT DOUBLE QUOTATION MARK}": r"\textquotedblright{}",
    "\N{LATIN SMALL LETTER SHARP S}": r"\ss{}",
    "\N{LATIN SMALL LETTER AE}": r"\ae{}",
    "\N{LATIN CAPITAL LETTER AE}": r"\AE{}",
    "\N{LATIN SMALL LETTER O WITH STROKE}": r"\o{}",
    "\N{LATIN CAPITAL LETTER O WITH STROKE}": r"\O{}",
    "\N{LATIN SMALL LETTER L WITH STROKE}": r"\l{}",
    "\N{LATIN CAPITAL LETTER L WITH STROKE}": r"\L{}",
    "\N{LATIN SMALL LIGATURE OE}": r"\oe{}",
    "\N{LATIN CAPITAL LIGATURE OE}": r"\OE{}",
}
_ACCENTS = {
    "\N{COMBINING GRAVE ACCENT}": r"\`",
    "\N{COMBINING ACUTE ACCENT}": r"\'",
    "\N{COMBINING CIRCUMFLEX ACCENT}": r"\^",
    "\N{COMBINING TILDE}": r"\~",
    "\N{COMBINING DIAERESIS}": r"\"",
    "\N{COMBINING MACRON}": r"\=",
    "\N{COMBINING DOT ABOVE}": r"\.",
    "\N{COMBINING BREVE}": r"\u",
    "\N{COMBINING CARON}": r"\v",
    "\N{COMBINING DOUBLE ACUTE ACCENT}": r"\H",
    "\N{COMBINING RING ABOVE}": r"\r",
    "\N{COMBINING CEDILLA}": r"\c",
}

# An engine that knows Unicode sets the letter; the others write its number rather than stop.
_PREAMBLE = r"""% Needs \usepackage[T1]{fontenc} with pdfLaTeX, \usepackage{booktabs}"""
_CODEPOINT = (
    r"\providecommand{\codepoint}[1]{\ifdefined\XeTeXversion\char"
    r'"#1\relax\else\ifdefined\directlua\char"#1\relax\else U+#1\fi\fi}'
)


@dataclass(frozen=True)
class Table:
    """A table as a reader sees it: plain text throughout.

    Attributes:
        caption: a sentence or more; names in backticks are set as code.
        heads: the columns' heads.
        numbers: for each column, whether its cells stand to the right.
        rows: cells, as many as heads.
        label: for references, of letters, digits and hyphens.
    """

    caption: str
    heads: Sequence[str]
    numbers: Sequence[bool]
    rows: Sequence[Sequence[str]]
    label: str

    def __post_init__(self) -> None:
        widths = {len(self.heads), len(self.numbers), *map(len, self.rows)}
        if len(widths) != 1:
            raise ValueError(f"Heads, numbers and rows differ in length: {sorted(widths)}.")


def escape(text: str) -> str:
    """Any text as LaTeX that prints it: ASCII alone, no line break, no command of its own.

    Control characters, format characters (those that turn the direction of writing among them) and
    halves of pairs are left out; white space is a space.
    """
    return "".join(_letter(letter) for letter in unicodedata.normalize("NFC", text))


def _letter(letter: str) -> str:
    if letter in _ASCII:
        return _ASCII[letter]
    if letter in _SIGNS:
        return _SIGNS[letter]
    if letter.isspace():
        return " "
    if " " < letter <= "~":
        return letter
    if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Cn"):
        return ""
    parts = unicodedata.normalize("NFD", letter)
    if len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in _ACCENTS:
        return f"{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return f"\\codepoint{{{ord(letter):04X}}}"


def prose(sentence: str) -> str:
    """A sentence, its names in backticks set as code."""
    parts = [escape(part) for part in sentence.split("`")]
    return "".join(
        rf"\texttt{{{part}}}" if odd % 2 else part for odd, part in enumerate(parts) if part
    )


def document(table: Table) -> str:
    """The table to be `\\input`; what it needs stands at its head."""
    long = len(table.rows) > MOST_FLOATING
    columns = "".join("r" if number else "l" for number in table.numbers)
    caption = rf"\caption{{{prose(table.caption)}}}\label{{tab:{table.label}}}"
    head = _row(table.heads)
    body = [_row(cells) for cells in table.rows]
    lines = [_PREAMBLE + (r", \usepackage{longtable}" if long else ""), _CODEPOINT]
    if long:
        lines += [rf"\begin{{longtable}}{{{columns}}}", caption + r"\\", r"\toprule", head]
        lines += [r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot", *body]
        lines += [r"\end{longtable}"]
    else:
        lines += [r"\begin{table}", r"\centering", caption, rf"\begin{{tabular}}{{{columns}}}"]
        lines += [r"\toprule", head, r"\midrule", *body, r"\bottomrule"]
        lines += [r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return " & ".join(escape(cell) for cell in cells) + r" \\"
