"""What Assay is built of may be used, is pinned, and is not known to be unsafe."""

from pathlib import Path

import pytest

from apps.core import supply

CONSTRAINTS = Path(__file__).resolve().parents[2] / "constraints.txt"


def test_all_that_is_needed_here_is_well() -> None:
    assert supply.complaints(CONSTRAINTS) == []
    names = {supply.canonical(one.metadata["Name"]) for one in supply.required()}
    assert {"django", "numpy", "redis", "sqlparse"} <= names, "also what others and extras need"
    assert "djlint" not in names, "tools of the developers are no part of the product"


@pytest.mark.parametrize(
    "text",
    [
        "MIT",
        "BSD License",
        "Apache-2.0 OR GPL-3.0-only",
        "Apache-2.0 AND BSD-2-Clause",
        "LGPL-3.0-only",
        "Mozilla Public License 2.0 (MPL 2.0)",
        "MIT AND PSF-2.0",
    ],
)
def test_a_licence_that_may_be(text: str) -> None:
    assert supply.may_be(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GPL-3.0-or-later",
        "AGPL-3.0-only",
        "GNU Affero General Public License v3",
        "MIT AND GPL-2.0-only",
        "Other/Proprietary License",
        "SSPL-1.0",
    ],
)
def test_a_licence_that_may_not_be(text: str) -> None:
    assert not supply.may_be(text)


def test_a_pin_that_is_not_kept_and_one_that_is_missing_are_told(tmp_path: Path) -> None:
    text = CONSTRAINTS.read_text()
    changed = tmp_path / "constraints.txt"
    lines = [line for line in text.splitlines() if not line.lower().startswith("numpy==")]
    changed.write_text("\n".join(lines).replace("Django==", "Django==9"))
    found = " ".join(supply.complaints(changed))
    assert "numpy is needed and not pinned" in found
    assert "django is 5" in found


def test_a_version_below_its_floor_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(supply.FLOORS, "django", ("99", "it is made up"))
    assert any("below 99: it is made up" in line for line in supply.complaints(CONSTRAINTS))
