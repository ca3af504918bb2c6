"""The table of hostile inputs names only tests that exist, and its numbers are whole."""

import ast
import re
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
TABLE = (REPOSITORY / "docs" / "reference" / "hostile-inputs.md").read_text()
ROWS = re.findall(r"^\| ([FWOJ])(\d+) \| (.+?) \| (.+?) \|$", TABLE, re.MULTILINE)


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((REPOSITORY / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_hostile_input_has_a_test_that_exists() -> None:
    missing = []
    for letter, number, what, named in ROWS:
        tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", named)
        if not tests:
            missing.append(f"{letter}{number} {what}: no test")
        missing += [
            f"{letter}{number} {what}: {path}::{name}"
            for path, name in tests
            if not (REPOSITORY / path).exists() or name not in names_in(path)
        ]
    assert not missing, "\n".join(missing)


def test_the_numbers_of_each_part_run_from_one() -> None:
    for letter in "FWOJ":
        numbers = [int(number) for part, number, *_ in ROWS if part == letter]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= 12
