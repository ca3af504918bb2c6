"""Four kinds of text that lie on any machine with Python: code, docstrings, licences, JSON.

Each text is a window of a file. Files are drawn at random, and no file gives texts to train with and to
ask about.
"""

from __future__ import annotations

import ast
import json
import random
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

KINDS = ("code", "docstrings", "licences", "json")
LETTERS = 160
_MOST_OF_A_FILE = 12  # windows: a long file must not fill a kind alone
_LARGEST = 400_000
_ALIKE = 40  # letters at the start: licences are copied, word for word, from file to file


@dataclass(frozen=True)
class Text:
    """A window of a file. `file` numbers the files of all kinds."""

    kind: str
    file: int
    text: str


def collect(kind: str, wanted: int, seed: int) -> list[Text]:
    """`wanted` different texts of a kind, fewer where the machine does not have them."""
    rng = random.Random(f"{seed} {kind}")
    paths = sorted(_SOURCES[kind]())
    rng.shuffle(paths)
    found: list[Text] = []
    seen: set[str] = set()
    for number, path in enumerate(paths):
        windows = [
            window for window in _windows(_READERS[kind](path)) if window[:_ALIKE] not in seen
        ]
        rng.shuffle(windows)
        for window in windows[:_MOST_OF_A_FILE]:
            seen.add(window[:_ALIKE])
            found.append(Text(kind, number * len(KINDS) + KINDS.index(kind), window))
        if len(found) >= wanted:
            break
    return found[:wanted]


def _windows(text: str) -> Iterator[str]:
    """Whole lines, together about LETTERS letters long."""
    held = ""
    for line in text.splitlines():
        held += line.rstrip() + "\n"
        if len(held) >= LETTERS:
            yield held[: LETTERS + 60].strip()
            held = ""


def _library() -> list[Path]:
    """The modules of the standard library."""
    root = Path(sysconfig.get_path("stdlib"))
    apart = ("site-packages", "dist-packages", "test", "tests", "idlelib")
    return [
        path for path in root.rglob("*.py") if not set(path.relative_to(root).parts) & set(apart)
    ]


def _installed(wanted: Callable[[str], bool]) -> set[Path]:
    """Files of installed packages, by their names."""
    return {
        Path(str(file.locate()))
        for package in distributions()
        for file in package.files or ()
        if wanted(file.name)
    }


def _licences() -> list[Path]:
    names = ("LICENSE", "LICENCE", "COPYING", "NOTICE")
    found = _installed(
        lambda name: name.upper().startswith(names) and not name.endswith((".py", ".pyc"))
    )
    found |= set(Path("/usr/share/common-licenses").glob("*"))
    found |= set(Path(sysconfig.get_path("stdlib")).glob("LICENSE*"))
    found |= set(Path(sys.base_prefix).glob("LICENSE*"))
    return [path for path in found if path.is_file()]


def _jsons() -> list[Path]:
    found = _installed(lambda name: name.endswith(".json"))
    return [path for path in found if path.is_file() and 500 < path.stat().st_size < _LARGEST]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="ignore")


def _tree(path: Path) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(_read(path))
        except (SyntaxError, ValueError, RecursionError):
            return None


def _documented(tree: ast.Module) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            told = first.value if isinstance(first, ast.Expr) else None
            if isinstance(told, ast.Constant) and isinstance(told.value, str):
                yield told


def _docstrings(path: Path) -> str:
    tree = _tree(path)
    texts = [str(one.value) for one in _documented(tree)] if tree else []
    return "\n".join(" ".join(line.split()) for text in texts for line in text.splitlines() if line)


def _code(path: Path) -> str:
    """The file without docstrings and comments of a whole line."""
    tree = _tree(path)
    if tree is None:
        return ""
    told = {
        line for one in _documented(tree) for line in range(one.lineno, (one.end_lineno or 0) + 1)
    }
    lines = _read(path).splitlines()
    kept = (line for number, line in enumerate(lines, 1) if number not in told)
    return "\n".join(line for line in kept if line.strip() and not line.lstrip().startswith("#"))


def _json(path: Path) -> str:
    """The file as it would be printed, whatever its own form."""
    try:
        return json.dumps(json.loads(_read(path)), indent=1, ensure_ascii=False)[:_LARGEST]
    except (ValueError, RecursionError):
        return ""


_SOURCES: dict[str, Callable[[], list[Path]]] = {
    "code": _library,
    "docstrings": _library,
    "licences": _licences,
    "json": _jsons,
}
_READERS: dict[str, Callable[[Path], str]] = {
    "code": _code,
    "docstrings": _docstrings,
    "licences": _read,
    "json": _json,
}
