"""What is wrong with a file, told so that its owner can mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from apps.catalog.readers.limits import MAX_NAME_CHARS, MAX_PROBLEMS

_SHOWN_CHARS = 60
# Control characters, marks that reorder or hide text, byte order marks, halves of characters.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


@dataclass(frozen=True)
class Problem:
    """One fault, as a whole sentence; `row` is the row a spreadsheet shows (the header is 1).

    `column` and `value` are kept as `shown`: a cell may be megabytes long, or hold what neither JSON
    nor a database can hold.
    """

    message: str
    row: int | None = None
    column: str | None = None
    value: str | None = None

    def __post_init__(self) -> None:
        for name in ("column", "value"):
            text = getattr(self, name)
            object.__setattr__(self, name, None if text is None else shown(text))


class FileProblem(Exception):
    """A file that cannot be taken: the first 100 problems and the count of all of them."""

    def __init__(self, name: str, problems: Iterable[Problem], count: int | None = None) -> None:
        self.name = shown(name)
        self.problems = list(problems)[:MAX_PROBLEMS]
        self.count = len(self.problems) if count is None else count
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        first = self.problems[0].message if self.problems else "The file cannot be read."
        more = self.count - 1
        if more <= 0:
            return f"{self.name}: {first}"
        return f"{self.name}: {first} (and {more:,} more {'problem' if more == 1 else 'problems'})"


class ReadingStopped(Exception):
    """The caller's `should_stop` said so; nothing was kept."""


class Problems:
    """Collects problems of one file: keeps the first 100, counts all."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kept: list[Problem] = []
        self.count = 0

    @property
    def room(self) -> int:
        """How many more problems will be kept."""
        return MAX_PROBLEMS - len(self.kept)

    def add(self, problem: Problem) -> None:
        self.count += 1
        if self.room > 0:
            self.kept.append(problem)

    def at(
        self, row: int, reason: str, *, column: str | None = None, value: str | None = None
    ) -> None:
        """Add a problem of one cell or row, worded as "Row 3: `x` in column `y` <reason>"."""
        self.add(Problem(sentence(row, reason, column, value), row, column, value))

    def skip(self, count: int) -> None:
        """Count problems that are not kept because there is no more room."""
        self.count += count

    def fail(self, message: str, *, row: int | None = None, column: str | None = None) -> NoReturn:
        """Add a problem that makes reading on pointless, and raise."""
        self.count += 1
        problem = Problem(message, row, column)
        raise FileProblem(self.name, [*self.kept[: MAX_PROBLEMS - 1], problem], self.count)

    def raise_any(self) -> None:
        """Raise `FileProblem` when there is any problem, in the order of the rows."""
        if self.count:
            self.kept.sort(key=lambda problem: problem.row or 0)
            raise FileProblem(self.name, self.kept, self.count)


def sentence(row: int, reason: str, column: str | None, value: str | None) -> str:
    """Word a problem of a row, a column and a value, as far as they are known."""
    parts = [f"`{shown(value)}`"] if value is not None else []
    if column is not None:
        parts.append(f"in column `{shown(column)}`" if parts else f"column `{shown(column)}`")
    return f"Row {row:,}: {' '.join([*parts, reason])}."


def shown(value: str) -> str:
    """A value as it may stand in a message: short, unsafe characters as escapes."""
    safe = _UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", value[: _SHOWN_CHARS + 1])
    return safe if len(value) <= _SHOWN_CHARS else safe[:_SHOWN_CHARS] + "…"


def name_fault(value: str) -> str | None:
    """Why a stripped, non-empty id, model, class or column name cannot be taken; None if it can."""
    if len(value) > MAX_NAME_CHARS:
        return f"is longer than {MAX_NAME_CHARS} characters"
    if not value.isascii() or not value.isprintable():
        found = _UNSAFE.search(value)
        if found:
            code = ord(found.group())
            return f"holds a character that must not be in a name (U+{code:04X})"
    return None


def listed(names: Iterable[str], *, most: int = 10) -> str:
    """Names in a sentence: the first few and how many more."""
    everything = list(names)
    text = ", ".join(shown(name) for name in everything[:most])
    left = len(everything) - most
    return text if left <= 0 else f"{text} and {left:,} more"
